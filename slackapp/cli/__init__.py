"""The command line: one module per noun; each parses, asks where it destroys, calls one flow, and prints."""
