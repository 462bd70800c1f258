"""Messages of organizations: accepted, sent, and what became of them."""
