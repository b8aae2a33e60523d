"""A program as a model, `python printer.py WORD...`: each word is done in its order.

`=TEXT` prints it, `?TEXT` complains, `#N` exits with that code, `stdin` prints what it was given,
`hang` waits for ever, `deaf` ignores requests to end, `child` leaves a helper behind that says its
number on stdout and keeps the pipes open, `env` prints its variables, `flood` never stops printing.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence


def say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def main(words: Sequence[str]) -> None:
    for word in words:
        if word.startswith("="):
            say(word[1:].replace("\\n", "\n"))
        elif word.startswith("?"):
            print(word[1:], file=sys.stderr)
        elif word.startswith("#"):
            sys.exit(int(word[1:]))
        elif word == "stdin":
            say(sys.stdin.read())
        elif word == "deaf":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        elif word == "hang":
            signal.pause()
        elif word == "child":
            helper = subprocess.Popen([sys.executable, __file__, "deaf", "=up", "hang"])
            say(f"{helper.pid}\n")
        elif word == "env":
            say(" ".join(sorted(os.environ)))
        elif word == "flood":
            while True:
                say("x" * 65536)
        else:
            sys.exit(f"unknown word {word}")


if __name__ == "__main__":
    main(sys.argv[1:])
