"""Messages: accepted, sent in their turn, parked, taken back, settled and erased."""
