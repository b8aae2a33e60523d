"""IRC against a real ngircd: the promises of the kit, and what only IRC has."""

import asyncio
import os
import shutil
from importlib import metadata
from pathlib import Path

import pytest
from trunkline_irc import adapter as module
from trunkline_irc.adapter import Irc
from trunkline_irc.descriptor import DESCRIPTOR, Watched
from trunkline_irc.lines import BYTES, cut, split
from trunkline_irc.options import IrcOptions

from bot.contract import Address, Reply
from bot.errors import BadEvent, ChannelDown, Refused, Uncertain
from bot.testing.conformance import CHECKS, Core, run_check, wrong

NGIRCD = shutil.which("ngircd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
needs_server = pytest.mark.skipif(
    not NGIRCD and not os.environ.get("CI"), reason="needs ngircd (apt install ngircd)"
)


@needs_server
@pytest.mark.parametrize("check", CHECKS)
def test_irc_keeps_a_promise(check: str):
    result = run_check(DESCRIPTOR, CHECKS[check])
    assert result.outcome != "fail", f"{CHECKS[check].says} {result.detail}"


@needs_server
def test_enough_is_asked_of_irc():
    """What a platform lacks must not become a way out."""
    assert wrong(DESCRIPTOR) == []
    assert sum(not {*check.needs} & {*DESCRIPTOR.absent} for check in CHECKS.values()) >= 50


def test_the_adapter_is_an_afternoons_work():
    lines = Path(module.__file__).read_text("utf-8").splitlines()
    assert len(lines) < 150


def test_the_package_says_where_it_is_found():
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8")
    for group in ("trunkline.adapters", "trunkline.conformance"):
        assert f'entry-points."{group}"' in text
    found = {point.name for point in metadata.entry_points(group="trunkline.adapters")}
    assert not found or "irc" in found


@needs_server
async def test_a_place_that_is_not_there_is_refused_in_the_servers_words():
    async with DESCRIPTOR.world() as world:
        adapter = world.adapter()
        with pytest.raises(Refused, match="No such nick"):
            await adapter.send(Address("irc", "first", "nobody"), Reply("hello"), "k")
        await adapter.stop()


@needs_server
async def test_a_nick_that_is_taken_is_told_apart():
    async with DESCRIPTOR.world() as world:
        first, second = world.adapter(), world.adapter()
        assert (await first.check(), await second.check()) == ("trunk", "trunk_")
        await asyncio.gather(first.stop(), second.stop())


@needs_server
async def test_no_word_ends_the_line_or_becomes_a_command():
    async with DESCRIPTOR.world() as world:
        adapter = world.adapter()
        place = world.place("group")
        await adapter.send(place, Reply("one\r\nQUIT :bye\0\x01ACTION x\x01\nlast"), "k")
        assert world.seen(place)[0].text == "one\nQUIT :byeACTION x\nlast"
        for odd in ("a\r\nQUIT", "a b", "a,b", ":a", "", "#\0"):
            with pytest.raises(Refused):
                await adapter.send(Address("irc", "first", odd), Reply("hello"), "k")
        await adapter.stop()


async def test_a_server_that_falls_silent_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "SILENCE", 0.05)
    said = b":x 001 t :hi\r\n:x PONG x :joined\r\n"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    bot = Irc("irc", IrcOptions("127.0.0.1", "t", port=port, tls=False))
    core = Core()
    with pytest.raises(ChannelDown, match="TimeoutError"):
        await bot.run(core)
    assert core.now == "up"
    await bot.stop()
    server.close()


async def test_what_is_not_confirmed_is_uncertain(monkeypatch: pytest.MonkeyPatch):
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b":x 001 t :hi\r\n:x PONG x :joined\r\n")
        while b"PRIVMSG" not in await reader.readline():
            pass
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    bot = Irc("irc", IrcOptions("127.0.0.1", "t", port=port, tls=False))
    with pytest.raises(Uncertain):
        await bot.send(Address("irc", "irc", "ada"), Reply("hello"), "k")
    await bot.stop()
    server.close()


def parse(line: object) -> list:
    event = {"line": line, "at": 1767355200, "id": "a1"}
    return Watched.parse(event, account="irc", bot_name="trunk")


@pytest.mark.parametrize(
    ("line", "kind", "where", "text", "mentioned"),
    [
        (":ada!~a@h PRIVMSG trunk :hello", "direct", "ada", "hello", False),
        (":ada!~a@h PRIVMSG #Room :hello", "group", "#room", "hello", False),
        (":ada!~a@h PRIVMSG #room :Trunk: hello", "group", "#room", "hello", True),
        (":ada!~a@h PRIVMSG #room :ask trunk, please", "group", "#room", "ask trunk, please", True),
        (":ada!~a@h PRIVMSG #room :trunks are full", "group", "#room", "trunks are full", False),
        (":ada!~a@h PRIVMSG #room :\x01ACTION waves\x01", "group", "#room", "* waves", False),
        (":a!~a@h PRIVMSG #r :\x02b\x0f \x0304,12red\x03", "group", "#r", "b red", False),
    ],
)  # fmt: skip
def test_a_line_is_a_message(line, kind, where, text, mentioned):
    (found,) = parse(line)
    assert (found.kind, found.address.conversation) == (kind, where)
    assert (found.text, found.mentioned, found.author.id[0]) == (text, mentioned, "a")


@pytest.mark.parametrize(
    "line",
    ["PING :x", ":trunk!~t@h PRIVMSG #room :mine", ":ada!~a@h NOTICE trunk :x", "", ":", "PRIVMSG"],
)
def test_a_line_that_is_nobodys_word_is_ignored(line):
    assert parse(line) == []


@pytest.mark.parametrize("line", [None, 5, b"x", [], {}])
def test_what_is_no_line_is_refused(line):
    with pytest.raises(BadEvent):
        parse(line)


def test_words_are_cut_at_spaces_and_letters_stay_whole():
    text = "wörd 😀 " * 400
    lines = list(cut(text))
    assert all(len(line.encode()) <= BYTES for line in lines)
    assert " ".join(lines).split() == text.split()
    assert "".join(cut("😀" * 500)) == "😀" * 500


def test_a_line_is_taken_apart():
    found = split(":ada!~a@h PRIVMSG #room :a :b")
    assert found == ("ada", "PRIVMSG", ("#room",), "a :b")
