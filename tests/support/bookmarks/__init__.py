"""A circle for tests: addresses that the people of a workspace keep, with one of each thing that a circle registers.

It touches nothing of the core: what is registered in `circle.py`, and its route, is all that the core knows of it.
"""
