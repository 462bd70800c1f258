"""Everything together, over sockets."""
