"""Inventory of what organizations hold, told line by line."""
