"""Tables of the database, one module each: sees ciphertext only, and signs by a callable that it is given."""
