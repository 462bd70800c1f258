"""Import of installations out of another program's store."""
