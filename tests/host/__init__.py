"""The host side: who calls it, what it keeps, how an organization connects."""
