"""The reference of the commands as a page: `python -m commands.reference > docs/commands.md`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from bot.types import CommandInfo
from commands import table
from commands.help import grouped

HEAD = """\
# Chat commands

A command is a message of its own that begins with `/` and a word: `/session list`. It is the same
on every surface; where the platform keeps `/` for itself, `!session list` does it too. Upper and
lower case are alike. `//word` sends `/word` as text. In the usage lines, words in capitals stand
for what you write, square brackets for what may be left out, and `|` for a choice.

This page is made from the command table by `python -m commands.reference`."""


def reference(infos: Sequence[CommandInfo]) -> str:
    """The page for these commands, in Markdown, ending with a line break."""
    blocks = [HEAD]
    for group, members in grouped(infos).items():
        blocks += [f"## {group}", *(_entry(info) for info in members)]
    return "\n\n".join(blocks) + "\n"


def _entry(info: CommandInfo) -> str:
    paragraphs = [f"### /{info.name}", info.help, f"```\n{info.usage}\n```"]
    if info.owner:
        paragraphs.append("Owners only.")
    if info.aliases:
        paragraphs.append(f"Also {', '.join(f'`/{alias}`' for alias in info.aliases)}.")
    if info.examples:
        paragraphs.append("\n".join(f"- `{example}`" for example in info.examples))
    return "\n\n".join(paragraphs)


if __name__ == "__main__":
    sys.stdout.write(reference(table().infos))
