"""Tables of what members have for themselves."""
