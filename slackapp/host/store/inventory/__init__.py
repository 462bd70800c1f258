"""Tables read together: what organizations hold, and the uses of their tokens."""
