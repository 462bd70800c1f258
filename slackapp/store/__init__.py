"""The database. It sees ciphertext only; what it must sign comes in as a callable. The only user of `sqlite3`."""
