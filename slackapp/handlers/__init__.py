"""From HTTP to a flow and back: a handler reads its inputs, calls one flow, shapes the answer, and decides nothing."""
