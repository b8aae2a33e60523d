"""IRC for the conformance kit: a real ngircd, and people who connect to it like anybody else."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from bot.contract import Address, HttpRequest, Message, Receive, Ref, Reply
from trunkline_irc.adapter import Irc
from trunkline_irc.lines import split
from trunkline_irc.options import IrcOptions

ROOMS = {"first": "#engines", "second": "#other"}
NICKS = {"first": "trunk", "second": "trunk2"}
# No waiting after each command, and as many connections from here as are wanted.
_CONFIG = """
[Global]
Name = irc.example
Info = a server for tests
Ports = {port}
Listen = 127.0.0.1
[Limits]
MaxConnectionsIP = 0
MaxPenaltyTime = 0
MaxNickLength = 20
[Options]
DNS = no
Ident = no
PAM = no
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a person sees of one answer, its lines joined; see `bot.testing.conformance.Seen`."""

    id: str
    text: str
    place: Address
    quoted: str | None = None
    buttons: tuple[tuple[str, str], ...] = ()
    files: tuple[tuple[str, bytes], ...] = ()
    reactions: tuple[str, ...] = ()
    pings: tuple[str, ...] = ()
    preview: bool = False


class Prompt(asyncio.Protocol):
    """Confirms at once whatever comes. ngircd holds small packets back until that is done."""

    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if (now := getattr(socket, "TCP_QUICKACK", None)) is not None:
            self.transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, now, 1)
        self.got(data)

    def got(self, data: bytes) -> None:
        """Take what came."""


class Relay(Prompt):
    """Passes on what comes to another one of its kind."""

    def __init__(self) -> None:
        self.other: Relay | None = None
        self.early = b""

    def got(self, data: bytes) -> None:
        if self.other is None:
            self.early += data
        else:
            self.other.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.other is not None:
            self.other.transport.close()


class Person(Prompt):
    """Somebody on IRC, who keeps every line that comes."""

    def __init__(self, nick: str) -> None:
        self.nick = nick
        self.lines: list[str] = []
        self._rest = b""
        self._marks = 0
        self._waiting: dict[str, asyncio.Future[None]] = {}

    def got(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            text = line.decode("utf-8", "replace").rstrip("\r")
            self.lines.append(text)
            found = split(text)
            waiting = self._waiting.pop(found.said, None) if found.verb == "PONG" else None
            if waiting is not None:
                waiting.set_result(None)

    def says(self, line: str) -> None:
        self.transport.write(f"{line}\r\n".encode())

    async def caught_up(self) -> None:
        """Return once everything before has arrived: the server answers in order."""
        self._marks += 1
        mark = f"mark{self._marks}"
        self._waiting[mark] = asyncio.get_running_loop().create_future()
        self.says(f"PING :{mark}")
        await self._waiting[mark]


class IrcWorld:
    """See `bot.testing.conformance.World`."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._seen: list[Seen] = []
        self._opening: set[asyncio.Task[None]] = set()
        self._told, self._last = asyncio.Event(), ""
        self.people = {name: Person(name) for name in ("ada", "bob")}
        self.bot_ids: Sequence[str] = (NICKS["first"],)
        self.bot_name = NICKS["first"]

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._door = await loop.create_server(self._enters, "127.0.0.1", 0)
        for name, person in self.people.items():
            await loop.create_connection(_this(person), "127.0.0.1", self._port)
            person.says(f"NICK {name}\r\nUSER {name} 0 * :{name}")
            for room in ROOMS.values():
                person.says(f"JOIN {room}")
            await person.caught_up()

    def _enters(self) -> Relay:
        """A bot comes: it reaches the server through us."""
        here, there = Relay(), Relay()
        opening = asyncio.create_task(self._reach(here, there), name="irc relay")
        self._opening.add(opening)
        opening.add_done_callback(self._opening.discard)
        return here

    async def _reach(self, here: Relay, there: Relay) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_connection(_this(there), "127.0.0.1", self._port)
        here.other, there.other = there, here
        there.transport.write(here.early)

    def close(self) -> None:
        self._door.close()
        for person in self.people.values():
            person.transport.abort()

    def adapter(
        self,
        account: str = "first",
        *,
        token: str = "right",
        reachable: bool = True,
        webhook: bool = False,
    ) -> Irc:
        port = self._door.sockets[0].getsockname()[1] if reachable else _free_port()
        options = IrcOptions("127.0.0.1", NICKS[account], (ROOMS[account],), port, tls=False)
        return Watched(account, options, self)

    def place(self, kind: str, account: str = "first") -> Address:
        return Address("irc", account, "ada" if kind == "direct" else ROOMS[account])

    async def say(
        self,
        to: Address,
        text: str,
        *,
        author: str = "ada",
        quote: str | None = None,
        mention: bool = False,
    ) -> str:
        room = to.conversation.startswith("#")
        words = f"{NICKS[to.account]}: {text}" if mention else text
        person = self.people[author]
        target = to.conversation if room else NICKS[to.account]
        self._told.clear()
        person.says(f"PRIVMSG {target} :{words}")
        await person.caught_up()
        # The platform gives no ids, so it is the adapter's own.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                await self._told.wait()
        return self._last

    def told(self, its_id: str) -> None:
        """An adapter has a new message."""
        self._last = its_id
        self._told.set()

    def event(self, text: str) -> Any:
        line = f":ada!~ada@127.0.0.1 PRIVMSG {ROOMS['first']} :{text}"
        return {"line": line, "at": 1767355200.5, "id": "0f3c"}

    def saw(self, to: Address, ref: Ref, lines: list[str]) -> None:
        self._seen.append(Seen(ref.id, "\n".join(lines), to))

    def seen(self, to: Address) -> list[Seen]:
        return [one for one in self._seen if one.place == to]

    def heal(self) -> None:
        """Nothing fails on request here."""

    async def say_as(self, who: str, to: Address, text: str) -> str:
        _absent()

    async def forward(self, to: Address, text: str) -> str:
        _absent()

    async def show(self, to: Address, kind: str, data: bytes, text: str = "") -> str:
        _absent()

    async def edit(self, to: Address, id: str, text: str) -> None:
        _absent()

    async def delete(self, to: Address, id: str) -> None:
        _absent()

    async def react(self, to: Address, id: str, emoji: str) -> None:
        _absent()

    async def press(self, to: Address, id: str, label: str) -> None:
        _absent()

    async def command(self, to: Address, name: str, args: str) -> None:
        _absent()

    async def again(self) -> None:
        _absent()

    async def push(self, event: Any) -> None:
        _absent()

    def request(self, event: Any, proof: str) -> HttpRequest:
        _absent()

    def menu(self) -> list[str]:
        _absent()

    def fail(self, verb: str, how: str, wait: object = None, times: int = 1) -> None:
        _absent()

    def cut(self, *, forget: bool = False) -> None:
        _absent()

    def silence(self) -> None:
        _absent()


class Noting:
    """A core behind which the platform notes what came."""

    def __init__(self, receive: Receive, world: IrcWorld) -> None:
        self._receive = receive
        self._world = world

    async def __call__(self, message: Message) -> None:
        self._world.told(message.ref.id)
        await self._receive(message)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._receive, name)


class Watched(Irc):
    """The adapter, and Ada who looks at what each of its answers became."""

    def __init__(self, account: str, options: IrcOptions, world: IrcWorld) -> None:
        super().__init__(account, options)
        self._world = world

    async def run(self, receive: Receive) -> None:
        noting: Any = Noting(receive, self._world)
        await super().run(noting)

    async def send(self, to: Address, reply: Reply, key: str) -> Ref:
        ref = await super().send(to, reply, key)
        ada = self._world.people["ada"]
        await ada.caught_up()
        target = to.conversation
        told = [split(line) for line in ada.lines]
        mine = [one for one in told if one.nick == self.nick and one.verb == "PRIVMSG"]
        ada.lines = [line for line in ada.lines if not _is_for(split(line), mine, target)]
        self._world.saw(to, ref, [one.said for one in mine if one.args == (target,)])
        return ref


def _is_for(line: Any, mine: Sequence[Any], target: str) -> bool:
    return line in mine and line.args == (target,)


def _this(one: Prompt) -> Callable[[], Prompt]:
    return lambda: one


def _absent() -> NoReturn:
    raise NotImplementedError("IRC has no such thing; the descriptor says so")


_NOTHING = "IRC has no such thing"
_LOST = "IRC keeps nothing: what nobody heard is lost"
_REAL = "a real server does not misbehave on request"


class IrcDescriptor:
    """See `bot.testing.conformance.Descriptor`. It needs `ngircd` on the PATH, or in /usr/sbin."""

    name = "irc"
    absent: Mapping[str, str] = {
        **dict.fromkeys(("thread", "edited", "deleted", "reacted", "quoted"), _NOTHING),
        **dict.fromkeys(("image", "audio", "video", "file", "sticker", "files-out"), _NOTHING),
        **dict.fromkeys(("location", "contact", "forwarded", "native-command"), _NOTHING),
        **dict.fromkeys(("webhook", "mass-mentions", "previews"), _NOTHING),
        **dict.fromkeys(("unconfirmed", "missed", "forgotten", "silent", "redelivery"), _LOST),
        **dict.fromkeys(("poison", "faults", "limited", "limited-odd", "refused"), _REAL),
        "receive-faults": _REAL,
        "bots": "nothing tells a program from a person",
        "echo": "a server does not send somebody their own words",
        "token": "a nick is free to whoever takes it first",
        "long": "a line has 512 bytes",
    }

    @asynccontextmanager
    async def world(self) -> AsyncIterator[IrcWorld]:
        async with ngircd() as port:
            world = IrcWorld(port)
            await world.open()
            try:
                yield world
            finally:
                world.close()


@asynccontextmanager
async def ngircd() -> AsyncIterator[int]:
    """A server of its own; its port. Raises FileNotFoundError where ngircd is not installed."""
    program = shutil.which("ngircd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        raise FileNotFoundError("ngircd is not installed; on Debian: apt install ngircd")
    port = _free_port()
    with tempfile.TemporaryDirectory(prefix="trunkline-irc-") as folder:
        config = Path(folder) / "ngircd.conf"
        config.write_text(_CONFIG.format(port=port))
        server = await asyncio.create_subprocess_exec(
            program,
            "--nodaemon",
            "--config",
            str(config),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            await _listening(port, server)
            yield port
        finally:
            if server.returncode is None:
                server.terminate()
            await server.wait()


async def _listening(port: int, server: asyncio.subprocess.Process) -> None:
    for _ in range(2000):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            assert server.returncode is None, "ngircd ended; see its configuration"
            await asyncio.sleep(0.01)
        else:
            writer.close()
            return
    raise TimeoutError("ngircd does not listen")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


DESCRIPTOR = IrcDescriptor()
