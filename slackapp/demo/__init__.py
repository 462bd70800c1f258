"""Demo: the round trip without a browser, told step by step."""
