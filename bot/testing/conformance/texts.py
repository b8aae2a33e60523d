"""Checks of texts on their way out: whole, harmless, and within what the platform takes."""

from __future__ import annotations

import re

from bot.contract import Adapter, Address, Reply
from bot.errors import SendError
from bot.reply.parts import split
from bot.testing.conformance.receiving import TORTURE
from bot.testing.conformance.stage import Stage, expect
from bot.testing.conformance.suite import check

MASS = (
    "@everyone",
    "@here",
    "@channel",
    "@all",
    "<!channel>",
    "<!here>",
    "<!everyone>",
    "<!subteam^S1>",
    "<@U1>",
    "<@&1>",
    "<@1>",
)
_WORD = re.compile(r"w\d+")


async def _in_parts(adapter: Adapter, to: Address, text: str) -> None:
    """Send a text as the core does: in parts of the size that the adapter claims to take."""
    caps = adapter.caps
    text, files = adapter.set_aside(text)
    parts = split(text, caps.max_chars, caps.utf16) if caps.max_chars else [text]
    for number, part in enumerate(parts, 1):
        attached = files if number == len(parts) else ()
        await adapter.send(to, Reply(part, attached), f"part-{number}")


def _words(stage: Stage, to: Address) -> list[str]:
    """The numbered words that people see, also in files, in order."""
    found: list[str] = []
    for seen in stage.seen(to):
        found += _WORD.findall(seen.text)
        for _, data in seen.files:
            found += _WORD.findall(data.decode("utf-8", "replace"))
    return found


async def _whole(stage: Stage, text: str, *, excerpts: bool = False) -> None:
    """Nothing may be lost or doubled; `excerpts`: what a file holds may also be shown."""
    adapter, _ = await stage.online()
    to = stage.place()
    await _in_parts(adapter, to, text)
    wanted, got = _WORD.findall(text), _words(stage, to)
    got = list(dict.fromkeys(got)) if excerpts else got
    there = set(got)
    lost = [word for word in wanted if word not in there]
    expect(not lost, f"{len(lost)} words are lost, the first is {lost[:1]}")
    expect(got == wanted, "words are doubled or out of order")


def _numbered(count: int, start: int = 0) -> str:
    return " ".join(f"w{number}" for number in range(start, start + count))


@check("limit-true")
async def limit_true(stage: Stage) -> None:
    """A text of exactly the claimed length is shown whole."""
    adapter, _ = await stage.online()
    limit = adapter.caps.max_chars or 20_000
    for letter in ("a", "é", "\U0001d54f"):
        size = 2 if adapter.caps.utf16 and ord(letter) > 0xFFFF else 1
        text = letter * (limit // size)
        before = len(stage.seen(stage.place()))
        await adapter.send(stage.place(), Reply(text), letter)
        shown = "".join(seen.text for seen in stage.seen(stage.place())[before:])
        expect(shown.count(letter) == len(text), f"{shown.count(letter)} of {len(text)} letters")


@check("limit-true-marked-up")
async def limit_marked(stage: Stage) -> None:
    """A text of the claimed length that grows when rendered is shown whole."""
    adapter, _ = await stage.online()
    limit = adapter.caps.max_chars or 20_000
    for unit in ("<&> w1 ", "**w1** ", "_*`[w1"):
        text = (unit * (limit // len(unit))).strip()
        before = len(stage.seen(stage.place()))
        await adapter.send(stage.place(), Reply(text), unit)
        shown = "".join(seen.text for seen in stage.seen(stage.place())[before:])
        expect(shown.count("w1") == text.count("w1"), f"words of {unit!r} are lost")


@check("long-plain")
async def long_plain(stage: Stage) -> None:
    """30 kB of words appear all, in order, none twice."""
    await _whole(stage, _numbered(5000))


@check("long-paragraphs")
async def long_paragraphs(stage: Stage) -> None:
    """30 kB of paragraphs, headings and lists appear all, in order, none twice."""
    blocks = [f"## w{n}\n\n- w{n + 1}\n- w{n + 2} **w{n + 3}**\n" for n in range(0, 4000, 4)]
    await _whole(stage, "\n".join(blocks))


@check("long-code")
async def long_code(stage: Stage) -> None:
    """A long code block appears whole, in messages or as a file."""
    lines = "\n".join(f"    x = w{number}  # <&>" for number in range(900))
    await _whole(stage, f"```python\n{lines}\n```", excerpts=True)


@check("long-table")
async def long_table(stage: Stage) -> None:
    """A long table appears whole."""
    rows = "\n".join(f"| w{n} | w{n + 1} |" for n in range(2, 600, 2))
    await _whole(stage, f"| number | next |\n|---|---|\n{rows}\n", excerpts=True)


@check("long-word")
async def long_word(stage: Stage) -> None:
    """A word longer than any message appears whole."""
    adapter, _ = await stage.online()
    await _in_parts(adapter, stage.place(), "x" * 25_000)
    shown = "".join(seen.text for seen in stage.seen(stage.place()))
    expect(shown.count("x") == 25_000, f"{shown.count('x')} of 25000 letters appeared")


@check("markdown-words")
async def markdown(stage: Stage) -> None:
    """Every construct of Markdown shows its words."""
    text = (
        "# w0\n\nw1 **w2** *w3* ~~w4~~ `w5` [w6](https://example.org/)\n\n> w7\n> w8\n\n"
        "1. w9\n2. w10\n   - w11\n\n| w12 | w13 |\n|---|---|\n| w14 | w15 |\n\n"
        "```py\nw16 = 1\n```\n\n---\n\nw17 <b>w18</b> &amp; w19\n"
    )
    await _whole(stage, text)


@check("broken-markdown")
async def broken(stage: Stage) -> None:
    """Markdown that never closes shows its words, and is not refused."""
    for text in ("**w1", "```\nw2", "[w3](http", "w4 `", "| w5 |\n|--", "<b w6", "w7 ||", "\\w8"):
        adapter = await stage.started()
        seen = await stage.shows(adapter, stage.place(), text)
        words = _WORD.findall(seen.text)
        expect(words == _WORD.findall(text), f"{text!r} shows {seen.text!r}")


@check("literal-signs")
async def literal(stage: Stage) -> None:
    """Signs that mean something to the platform alone are shown as they were written."""
    adapter, _ = await stage.online()
    for text in ("1 < 2 && 3 > 2", "a_b_c and d_e", "5 * 3 * 2", "C:\\new", "#hash ~tilde~"):
        seen = await stage.shows(adapter, stage.place(), text)
        expect(seen.text == text, f"{text!r} shows as {seen.text!r}")


@check("unicode-out")
async def unicode_out(stage: Stage) -> None:
    """Right-to-left, zero-width, combining and four-byte characters appear as they were written."""
    adapter, _ = await stage.online()
    for text in TORTURE:
        seen = await stage.shows(adapter, stage.place(), text)
        plain = [sign for sign in seen.text if sign.isalnum()]
        expect(plain == [s for s in text if s.isalnum()], f"{text!r} shows as {seen.text!r}")


@check("formatting-in-utf16")
async def utf16(stage: Stage) -> None:
    """Formatting behind four-byte characters stands where it belongs: the text stays whole."""
    adapter, _ = await stage.online()
    text = "\U0001f469\u200d\U0001f4bb " * 20
    seen = await stage.shows(adapter, stage.place(), f"{text}**w1** `w2` [w3](https://a.example)")
    expect(_WORD.findall(seen.text) == ["w1", "w2", "w3"], f"it shows {seen.text!r}")


@check("odd-characters")
async def odd(stage: Stage) -> None:
    """NUL, lone surrogates and control characters are shown somehow, or refused."""
    adapter, _ = await stage.online()
    for text in ("a\0b", "a\ud800b", "a\x1b[31mb", "a\u2028b", "\ufeffa", "a\x7fb\x80c"):
        try:
            await adapter.send(stage.place(), Reply(text), "odd")
        except SendError:
            continue
    await stage.shows(adapter, stage.place(), "still here")


@check("mass-mentions", "mass-mentions")
async def mass_mentions(stage: Stage) -> None:
    """Words that would notify a whole room, or a person, notify nobody."""
    adapter, _ = await stage.online()
    to = stage.place("group" if stage.has("group") else "direct")
    for text in MASS:
        for words in (f"hello {text} again", f"**{text}**", text, f"[{text}](https://a.example)"):
            seen = await stage.shows(adapter, to, words)
            expect(not seen.pings, f"{words!r} notifies {list(seen.pings)}")


@check("mass-mentions-edited", "mass-mentions")
async def mass_mentions_edited(stage: Stage) -> None:
    """Nor do they when they come with an edit."""
    adapter, _ = await stage.online()
    to = stage.place("group" if stage.has("group") else "direct")
    ref = await adapter.send(to, Reply("wait"), "later")
    for text in MASS:
        await adapter.edit(ref, Reply(f"hello {text} again"))
        pings = stage.seen(to)[-1].pings
        expect(not pings, f"{text!r} notifies {list(pings)}")


@check("previews-off", "previews")
async def previews(stage: Stage) -> None:
    """A link shows no page below the answer, at first and after an edit."""
    adapter, _ = await stage.online()
    to = stage.place()
    seen = await stage.shows(adapter, to, "see https://example.org/page and [w](https://e.example)")
    expect(not seen.preview, "a preview may appear")
    if adapter.caps.edit:
        ref = await adapter.send(to, Reply("wait"), "later")
        await adapter.edit(ref, Reply("see https://example.org/page"))
        expect(not stage.seen(to)[-1].preview, "a preview may appear after the edit")
