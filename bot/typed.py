"""Text that is a command: `/name`, `!name`, a word for stopping; and the name that was meant."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from bot.contract import Command, Message

# `/name args`, `/name@bot args`, `/name: args`; a path or an address is no command.
_COMMAND = re.compile(
    r"[/!]([^\W\d_][\w-]{0,63})(?:@([\w.-]{1,64}))?(?:(?=\s|\Z)|:(?![/\d]))\s*(.*)", re.S
)
_AT_SOMEONE = re.compile(r"^@\S+\s+|\s+@\S+$")
_STOP_WORD = re.compile(
    r"stop|abort|esc|wait|exit|interrupt|halt|stop (?:it|now|the run|run|the agent|agent|please)"
    r"|please stop|stop action|stop current action|stop doing anything"
    r"|anhalten|aufhören|hör auf|stopp|bitte stopp|detente|detén|deten|para|alto|pare|parar"
    r"|arr[eê]te|arrêter|arrêtez|ferma|fermati|basta|стоп|остановись|останови|остановить|прекрати"
    r"|зупинись|zatrzymaj|dur|durdur|berhenti|dừng lại|停止|停下|停|止|住手|やめて|止めて|ストップ"
    r"|멈춰|중지|정지|रुको|बंद करो|توقف|قف|หยุด"
)
_SENTENCE_ENDS = ".!?,;:\u2026\u3002\uff01\uff1f\uff0c\u0964\u061f "
_LONGEST_STOP = 100


def command_of(
    message: Message, bang: bool, text: bool = True, bot_names: Collection[str] = ()
) -> Command | None:
    """The command that a message is, or None. What the adapter found wins over the text.

    `/name`, with `bang` also `!name`, a word for stopping alone; never `//x`, a path, or a part of
    a message. What was forwarded or is about an older message was not said to the bot.
    """
    # Where `!name` is a command, too, native ones come as events of their own.
    native = message.change == "command" or not bang
    if message.command is not None and (text or native):
        return Command(message.command.name.lower(), message.command.args)
    if message.action is not None:  # a button of ours may stand for a command
        return _typed(message.action.value, False, ())
    if message.change not in ("new", "command") or message.forwarded_from is not None:
        return None
    typed = _typed(message.text.strip(), bang, bot_names) if text else None
    return typed or (Command("stop") if _is_stop_word(message) else None)


def _typed(text: str, bang: bool, bot_names: Collection[str]) -> Command | None:
    if not text.startswith(("/", "!") if bang else "/"):
        return None
    found = _COMMAND.fullmatch(text)
    if found is None:
        return None
    if found[2] and bot_names and found[2].lower() not in {name.lower() for name in bot_names}:
        return None
    return Command(found[1].lower(), found[3].strip())


def _is_stop_word(message: Message) -> bool:
    if len(message.text) > _LONGEST_STOP or message.attachments:
        return False
    said = _AT_SOMEONE.sub("", message.text.strip()).strip().rstrip(_SENTENCE_ENDS)
    return _STOP_WORD.fullmatch(" ".join(said.casefold().split())) is not None


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The name that was most likely meant: one or two slips away, or begun like this."""
    wanted = name.lower()
    slips = {known: _slips(wanted, known) for known in names}
    reach = 1 if len(wanted) < 5 else 2
    near = [known for known, count in slips.items() if count <= reach]
    if near:
        return min(near, key=lambda known: (slips[known], known[:1] != wanted[:1], len(known)))
    begun = [known for known in slips if len(wanted) > 1 and known.startswith(wanted)]
    return min(begun, key=len, default=None)


def _slips(one: str, other: str) -> int:
    """How many letters were added, left out, changed or swapped with their neighbour."""
    if abs(len(one) - len(other)) > 2:
        return 3
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        above, row, before_that = row, [i], before
        for j, wanted in enumerate(other, 1):
            slip = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                slip = min(slip, before_that[j - 2] + 1)
            row.append(slip)
        before = above
    return row[-1]
