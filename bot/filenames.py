"""Which names a path of a stranger may have: plain text in, its names or a refusal out."""

from __future__ import annotations

import re
import unicodedata

from bot.errors import PathError

MAX_DEPTH = 32
MAX_NAME = 255  # bytes, the limit of the usual file systems
MAX_PATH = 4096

_SEPARATORS = frozenset("/\\\u2215\u2044\u29f8\u27cb\u2571")  # slashes, and what looks like one
_DRIVE = re.compile(r"[A-Za-z]:|.*::|.*:$", re.DOTALL)
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com\d|lpt\d)\s*(\..*)?", re.DOTALL)
# Control and format characters, surrogates, separators of lines: not to be seen in a name.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def names_of(path: str) -> tuple[str, ...]:
    """The names of a path below a root, one for each step; `.` and doubled slashes count as none.

    Raises PathError for what could lead elsewhere on any system, or cannot be seen.
    """
    if not path or len(path) > MAX_PATH:
        raise PathError("the path is empty" if not path else "the path is too long")
    names = tuple(name for name in path.split("/") if name not in ("", "."))
    if len(names) > MAX_DEPTH:
        raise PathError(f"{shown(path)} goes through more than {MAX_DEPTH} folders")
    if names and names[0].startswith("~"):
        raise PathError(f"{shown(path)} names a home; name a path below the workspace instead")
    for name in names:
        if why := _refusal(name):
            raise PathError(f"{shown(path)} {why}")
    return names


def folded(name: str) -> str:
    """What names have in common that differ only by case or by the form of their letters."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def shown(path: str) -> str:
    """A path as a sentence may show it: marked, on one line, nothing invisible, not long."""
    text = "".join("?" if unicodedata.category(one) in _UNSEEN else one for one in path)
    return f"`{text}`" if len(text) <= 200 else f"`{text[:200]}...`"


def _refusal(name: str) -> str | None:
    """Why a name is refused, as the end of a sentence that begins with the path."""
    plain = unicodedata.normalize("NFKC", name)
    if any(unicodedata.category(one) in _UNSEEN for one in name):
        return "has an invisible character in it"
    if ".." in (name, plain):
        return "leads upwards; `..` is not allowed"
    if plain == "." or not _SEPARATORS.isdisjoint(plain):
        return "has a sign in it that is or looks like a separator"
    if _DRIVE.match(plain):
        return "names a drive, a scheme or a stream"
    if _RESERVED.fullmatch(plain.lower()):
        return "has a name that is a device on some systems"
    if plain != plain.strip() or plain.endswith("."):
        return "has a name that begins or ends with a blank, or ends with a dot"
    if len(name.encode()) > MAX_NAME:
        return "has a name that is too long"
    return None
