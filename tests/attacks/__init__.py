"""What an attacker tries, told by the attacker. The names of the tests are the list of threats."""
