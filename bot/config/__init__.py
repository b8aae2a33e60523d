"""Settings: read, checked all at once with their place in the file, edited with comments kept.

`settings` is the typed tree, `load` reads it, `edit` changes the file, `schema` describes it.
"""
