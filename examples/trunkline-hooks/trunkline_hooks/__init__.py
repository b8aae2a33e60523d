"""Hooks and a tool for Trunkline."""
