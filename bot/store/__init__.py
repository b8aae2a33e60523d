"""What is kept, as SQL scripts that run on SQLite and PostgreSQL alike.

Every function here that touches rows is a generator for `Engine.tx` or `Engine.read`: it composes
with others through `yield from` and becomes part of their transaction.
"""
