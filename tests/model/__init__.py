"""The nouns, and what they refuse to be."""
