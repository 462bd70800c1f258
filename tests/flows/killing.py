"""A process that ends in the middle."""


class Killed(BaseException):
    """Stands for a process that ends here."""
