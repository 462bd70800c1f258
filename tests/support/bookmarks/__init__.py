"""A circle for tests: addresses that the people of a workspace keep, one table with a sealed column.

It touches nothing of the core: what is registered in `circle.py` is all that the core knows of it.
"""
