"""The claims: what is promised, the lines that keep it, the tests that show it."""
