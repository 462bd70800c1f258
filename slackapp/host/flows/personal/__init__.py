"""Personal connections: whose tokens they use, and how one is shown."""
