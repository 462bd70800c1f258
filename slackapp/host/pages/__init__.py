"""Pages of the host side: what they are made of, and the words for every state."""
