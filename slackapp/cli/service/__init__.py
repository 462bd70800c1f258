"""Service behind the commands: their environment and settings, one for a command, one that serves."""
