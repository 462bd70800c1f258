"""Tables of the host side, one module each: `sql/host/`. They see ciphertext and hashes only."""
