"""What must hold for the repository as a whole: who imports whom, sizes, words, packaging."""
