"""Install: the OAuth round trip, from the button to the stored grant."""
