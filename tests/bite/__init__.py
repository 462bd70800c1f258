"""Takes each anchored line away, in a copy, and demands that a test of its claim fails."""
