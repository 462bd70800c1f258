"""What only the operator may ask for."""
