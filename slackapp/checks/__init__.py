"""One security decision per file, each a pure function: it returns the verified value or raises `Refused`."""
