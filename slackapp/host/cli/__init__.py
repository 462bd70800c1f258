"""Commands of the host side, a module for each noun."""
