"""Access that an organization holds: its inventory, the uses of its tokens, and their pages."""
