"""Finds the places of a patch in a text and changes them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.filenames import shown
from bot.tools.files_patch import FilePatch, Hunk, PatchError


def applied(text: str, patch: FilePatch) -> str:
    """The text with every place of a patch changed. Raises PatchError when one is not found."""
    end = "\r\n" if "\r\n" in text else "\n"
    plain = text.replace("\r\n", "\n")
    ended = plain.endswith("\n") or not plain
    lines = plain.removesuffix("\n").split("\n") if plain else []
    done: list[str] = []
    at = 0
    for number, hunk in enumerate(patch.hunks, 1):
        found = _place(lines, hunk, at)
        if found is None:
            raise PatchError(_not_found(patch.path, number, hunk))
        done += [*lines[at:found], *hunk.new]
        at = found + len(hunk.old)
        ended = ended if hunk.ends is None else hunk.ends
    done += lines[at:]
    return end.join(done) + (end if ended and done else "")


def _place(lines: Sequence[str], hunk: Hunk, start: int) -> int | None:
    """Where the old lines of a hunk stand, at or behind `start`."""
    for anchor in hunk.anchors:
        found = next((n for n in range(start, len(lines)) if lines[n].strip() == anchor), None)
        if found is None:
            return None
        start = found + 1
    if not hunk.old:
        said = hunk.line if hunk.line is not None and not hunk.anchors else None
        if said is not None:
            return said if start <= said <= len(lines) else None
        return start if hunk.anchors else len(lines)
    for same in (str, str.rstrip):
        places = _all_places(lines, hunk.old, start, same)
        if places:
            return _best(places, len(lines), hunk)
    return None


def _all_places(
    lines: Sequence[str], old: Sequence[str], start: int, same: Callable[[str], str]
) -> list[int]:
    wanted, have = [same(one) for one in old], [same(one) for one in lines]
    return [
        at
        for at in range(start, len(have) - len(wanted) + 1)
        if have[at] == wanted[0] and have[at : at + len(wanted)] == wanted
    ]


def _best(places: Sequence[int], count: int, hunk: Hunk) -> int | None:
    """The place at the end, or nearest to the line it names, or the first."""
    if hunk.at_end:
        last = places[-1]
        return last if last + len(hunk.old) == count else None
    if hunk.line is not None:
        said = hunk.line - 1
        return min(places, key=lambda at: abs(at - said))
    return places[0]


def _not_found(path: str, number: int, hunk: Hunk) -> str:
    wanted = "\n".join((hunk.old or hunk.anchors)[:5])
    return (
        f"place {number} of {shown(path)} is not in the file; read it again. Looked for:\n{wanted}"
    )
