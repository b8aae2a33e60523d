"""Backups: everything in one file, checked, and back from it into a fresh directory."""
