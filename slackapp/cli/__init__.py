"""The command line: one module per noun; each parses, calls one flow, and prints."""
