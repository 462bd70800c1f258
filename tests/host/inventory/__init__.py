"""What an organization holds, and what it was used for."""
