"""The command line: one module per noun; each parses, calls a flow or reads the store, and prints."""
