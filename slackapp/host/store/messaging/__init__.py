"""Templates of messages, and how many went out: what stands beside the messages themselves."""
