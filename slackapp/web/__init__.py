"""HTTP without decisions: reading a request, shaping a response, drawing a page."""
