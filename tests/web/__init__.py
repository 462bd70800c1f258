"""Requests as they are read, answers as they are sent, pages as they are seen."""
