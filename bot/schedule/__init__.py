"""Scheduled work: when it is due, what runs, what came of it, and where that goes."""
