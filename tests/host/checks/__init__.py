"""Every decision of the host side by itself: what it takes, and each way in which it says no."""
