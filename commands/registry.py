"""What makes a function a command: its docstring is the help, and refusals become answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from bot.errors import RequestError
from bot.types import Answer, CommandContext, CommandHandler, CommandInfo

# The narrowest of the platforms' menus decides.
_NAME = re.compile(r"[a-z0-9_]{1,32}")


@dataclass(frozen=True, slots=True)
class Command:
    """A command: what the surfaces show of it, and what it does."""

    info: CommandInfo
    run: CommandHandler

    async def __call__(self, ctx: CommandContext) -> Answer:
        """Answer one call. A RequestError's sentence is the answer."""
        if self.info.owner and not ctx.owner:
            return Answer(f"Only an owner can use /{self.info.name}.")
        try:
            answer = await self.run(ctx)
        except RequestError as error:
            return Answer(str(error))
        return answer if isinstance(answer, Answer) else Answer(answer)


def command(
    name: str,
    aliases: tuple[str, ...] = (),
    usage: str = "",
    examples: tuple[str, ...] = (),
    group: str = "Chat",
    owner: bool = False,
) -> Callable[[CommandHandler], Command]:
    """Mark a function as a command; the first line of its docstring is the help.

    `usage` and `examples` are written as typed; no usage means no arguments. Raises ValueError when
    a name does not fit into every menu or the help is missing.
    """
    for word in (name, *aliases):
        if not _NAME.fullmatch(word):
            raise ValueError(f"a command's name is 1 to 32 of a-z, 0-9 and _, not {word!r}")

    def mark(run: CommandHandler) -> Command:
        lines = (run.__doc__ or "").strip().splitlines()
        if not lines:
            raise ValueError(f"/{name} needs a docstring: its first line is the help")
        info = CommandInfo(name, lines[0], usage or f"/{name}", aliases, examples, group, owner)
        return Command(info, run)

    return mark
