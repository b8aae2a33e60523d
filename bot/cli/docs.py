"""`docs`: the documentation that came with this installation, searched without network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.options import AsJson, ConfigFile, examples, program
from bot.cli.output import document, note, say, table
from bot.errors import TrunklineError

app = program()

Words = Annotated[
    list[str] | None, typer.Argument(metavar="[WORD]...", help="What to look for; none: all pages.")
]

_HEADING = re.compile(r"#{1,4} (.+)")
_MOST = 10
_IN_TITLE, _IN_PAGE = 20, 10


@dataclass(frozen=True, slots=True)
class Section:
    """A heading of a page with the text below it. `score` says how well it fits the question."""

    page: str
    heading: str
    text: str
    score: int = 0


@app.command(epilog=examples("docs", "docs heartbeat", "docs webhook secret --json"))
def docs(words: Words = None, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Search the documentation that came with this installation, and show what fits best."""
    pages = {path.stem: path.read_text(encoding="utf-8") for path in _pages()}
    if not words:
        rows = [{"page": name, "title": _title(text)} for name, text in pages.items()]
        columns = {"page": "PAGE", "title": "ABOUT"}
        return document({"pages": rows}) if as_json else table(rows, columns, "")
    found = search(pages, words)
    if as_json:
        document({"results": [asdict(one) for one in found]})
    elif found:
        say(f"{found[0].page}.md, {found[0].heading}\n\n{found[0].text}")
        for one in found[1:]:
            note(f"also in {one.page}.md: {one.heading}")
    if not found:
        raise TrunklineError(f"nothing about {' '.join(words)} is documented; see: trunkline docs")


def _pages() -> list[Path]:
    """The pages: of an installed package, else of the checkout it runs from."""
    package = Path(str(resources.files("bot")))
    for folder in (package / "docs", package.parent / "docs"):
        if found := sorted(folder.glob("*.md")) + sorted(folder.glob("channels/*.md")):
            return found
    raise TrunklineError("this installation came without documentation")


def _title(text: str) -> str:
    return text.partition("\n")[0].lstrip("# ").strip()


def search(pages: dict[str, str], words: list[str]) -> list[Section]:
    """The sections that have every word, the best first."""
    wanted = [word.casefold() for word in " ".join(words).split()]
    found = [
        Section(page, one.heading, one.text, score)
        for page, text in pages.items()
        for one in _sections(page, text)
        if (score := _score(one, wanted))
    ]
    return sorted(found, key=lambda one: -one.score)[:_MOST]


def _sections(page: str, text: str) -> Iterator[Section]:
    heading, lines, code = _title(text), list[str](), False
    for line in text.split("\n"):
        code ^= line.startswith("```")
        begins = None if code else _HEADING.fullmatch(line)
        if begins:
            yield Section(page, heading, "\n".join(lines).strip())
            heading, lines = begins[1].strip(), []
        else:
            lines.append(line)
    yield Section(page, heading, "\n".join(lines).strip())


def _score(section: Section, wanted: list[str]) -> int:
    heading, text = section.heading.casefold(), section.text.casefold()
    places = [(word in heading, word in section.page, text.count(word)) for word in wanted]
    if not section.text or not all(titled or paged or count for titled, paged, count in places):
        return 0
    return sum(
        _IN_TITLE * titled + _IN_PAGE * paged + min(count, 5) for titled, paged, count in places
    )
