"""One module per table: runs its statements, sees ciphertext only, and signs by a callable that it is given."""
