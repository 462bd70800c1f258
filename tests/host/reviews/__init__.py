"""Reviews, and what else looks at what is held."""
