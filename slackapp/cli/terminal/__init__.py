"""Terminal of all commands: reading a command line, printing, tables, questions."""
