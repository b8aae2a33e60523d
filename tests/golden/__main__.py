"""Writes what each platform gets for every document; `git diff` then says what has changed."""

import sys

from tests.golden.corpus import PLATFORMS, rendered, write

if __name__ == "__main__":
    for name in sys.argv[1:] or PLATFORMS:
        print(f"{name}: {write(name, rendered(name))} of {len(rendered(name))} are new")
