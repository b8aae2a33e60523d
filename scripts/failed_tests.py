"""Print the tests that failed in the last run, one in each line."""

import json
import sys
from pathlib import Path

KEPT = Path(".pytest_cache/v/cache/lastfailed")


def main() -> None:
    for name in json.loads(KEPT.read_text()) if KEPT.exists() else ():
        sys.stdout.write(name + "\n")


if __name__ == "__main__":
    main()
