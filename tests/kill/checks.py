"""What a person may find in a conversation after a kill, and what not."""

import re
from collections.abc import Iterator, Sequence

from bot.delivery import AGAIN


def wrong(visible: Sequence[str], expected: Sequence[str], keyless: bool) -> Iterator[str]:
    """Why these messages are not each answer (a pattern) once and in order.

    A platform without keys may show an answer a second time, or the beginning of one before it,
    if the one that follows says so.
    """
    at = 0
    for number, text in enumerate(visible):
        bare = text.removesuffix(f"\n\n{AGAIN}")
        marked = bare != text
        if marked and not keyless:
            yield f"{text!r} is marked where nothing can be doubled"
        if at < len(expected) and re.fullmatch(expected[at], bare, re.DOTALL):
            at += 1
        elif marked and at and re.fullmatch(expected[at - 1], bare, re.DOTALL):
            continue
        elif not (keyless and _begins(text, visible[number + 1 :])):
            yield f"{text!r} came {'twice' if text in visible[:number] else 'out of place'}"
    yield from (f"{lost!r} was never answered" for lost in expected[at:])


def _begins(text: str, later: Sequence[str]) -> bool:
    """Is this the beginning of a marked answer right behind it."""
    return bool(later) and later[0].endswith(AGAIN) and later[0].startswith(text)
