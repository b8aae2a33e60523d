"""A configuration as a backup keeps it: no secret, and nothing that leads back to this machine."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.config import edit
from bot.config.masks import masked
from bot.config.splice import EditError

_TOKEN = "gateway.token"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A secret that stood in the file as it is; what was restored asks for it by this variable."""

    key: str
    variable: str


def bare(text: str, agents: int) -> tuple[str, list[LeftOut]]:
    """The text without literal secrets; references stay.

    A store's address and the agents' folders go too: what is restored has its own.
    """
    left: list[LeftOut] = []
    parts: list[str] = []
    end = 0
    for one in masked(text).kept:
        name = re.sub(r"\W+", "_", one.key, flags=re.ASCII).strip("_").upper() or "SECRET"
        variable = name if not name[0].isdigit() else f"_{name}"
        left.append(LeftOut(one.key, variable))
        parts += [text[end : one.start], f'"${{{variable}}}"', "\n" * one.raw.count("\n")]
        end = one.end
    text = "".join([*parts, text[end:]])
    for key in (_TOKEN, "store.url", *(f"agents.{number}.workspace" for number in range(agents))):
        try:
            text = edit.remove_value(text, key)
        except EditError:
            continue
    return text, [one for one in left if one.key not in (_TOKEN, "store.url")]
