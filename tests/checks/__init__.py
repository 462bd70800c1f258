"""Every security decision by itself: what it takes, and each way in which it says no."""
