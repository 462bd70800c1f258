"""Pages of messages, and the API of what stands beside them: templates and numbers."""
