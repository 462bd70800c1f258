"""What an operator sees, and what runs in the background."""
