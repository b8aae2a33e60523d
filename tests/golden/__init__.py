"""Documents as models write them, and what each platform gets: compared, and looked at by people.

`python -m tests.golden [PLATFORM ...]` writes the expected payloads anew; read the difference
before it is committed.
"""
