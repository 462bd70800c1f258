"""Directory: the app's manifest, and the checks before a submission."""
