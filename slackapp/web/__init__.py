"""HTTP without decisions: what a request is, what an answer is, what a page looks like."""
