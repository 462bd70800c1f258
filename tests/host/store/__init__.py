"""The tables of the host side: what each statement lets through, and what it refuses."""
