"""Events, commands and interactions: received, stored, and run by a worker."""
