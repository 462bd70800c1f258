"""What stands beside the messages themselves: templates, and how many went out."""
