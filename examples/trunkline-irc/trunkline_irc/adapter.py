"""One account on an IRC server, over asyncio streams.

IRC keeps nothing and confirms nothing: a PING behind each message asks whether the server has taken
it, and what was said while nobody listened is lost.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from typing import Any, ClassVar

from bot.contract import Adapter, Address, Caps, Message, Receive, Ref, Reply, utcnow
from bot.errors import ChannelDown, NotSent, Refused, StoreError, Uncertain, Unsupported
from trunkline_irc.lines import cut, is_target, parse, split
from trunkline_irc.options import IrcOptions

# Seconds until a silent server is gone, and for an answer; lines at once, lest it be a flood.
SILENCE, PATIENCE, BURST = 300.0, 30.0, 4
# RFC 2812, section 5.2: one cannot speak there; somebody else is called so.
_REFUSALS, _TAKEN = {"401", "403", "404", "411", "412"}, {"433", "436"}


class Irc(Adapter):
    """One connection, opened when it is first needed. See `bot.contract.Adapter`."""

    channel: ClassVar[str] = "irc"
    caps: ClassVar[Caps] = Caps(max_chars=2000)
    Options = IrcOptions

    def __init__(self, account: str, options: IrcOptions) -> None:
        super().__init__(account, options)
        self._life: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._sending = asyncio.Lock()
        self._why, self.nick = "no answer in time", str(options.nick)

    @classmethod
    def parse(
        cls, event: Any, *, account: str, bot_ids: Sequence[str] = (), bot_name: str = ""
    ) -> list[Message]:
        return parse(event, account, bot_name)

    @classmethod
    def render(cls, text: str) -> list[dict[str, Any]]:
        return [{"text": line} for line in cut(text)]

    async def run(self, receive: Receive) -> None:
        events = await self._connected()
        receive.state(self.account, "up")
        while event := await events.get():
            for message in self.parse(event, account=self.account, bot_name=self.nick):
                await _stored(receive, message)
        raise ChannelDown(self._why)

    async def send(self, to: Address, reply: Reply, key: str) -> Ref:
        if reply.attachments:
            raise Unsupported("files")
        lines = list(cut(reply.text))
        if not lines or not is_target(to.conversation):
            raise Refused("there is nothing to say, or no place to say it")
        try:
            await self._connected()
        except ChannelDown as error:
            raise NotSent(str(error)) from None
        async with self._sending:
            for start in range(0, len(lines), BURST):
                self._pong: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
                burst = [f"PRIVMSG {to.conversation} :{line}" for line in lines[start:][:BURST]]
                self._write(*burst, f"PING :{uuid.uuid4().hex}")
                await asyncio.wait([self._pong], timeout=PATIENCE)
                said = self._pong.result() if self._pong.done() else None
                if said != "":
                    raise Refused(f"IRC says: {said}") if said else Uncertain("IRC did not confirm")
        return Ref(to, uuid.uuid4().hex)

    async def check(self) -> str:
        await self._connected()
        return self.nick

    async def stop(self) -> None:
        if self._life is not None:
            self._life.cancel()
            await asyncio.wait([self._life])

    async def _connected(self) -> asyncio.Queue[dict[str, Any] | None]:
        """What comes over the connection, which is opened if it is not. Raises ChannelDown."""
        if self._life is None or self._life.done():
            self._welcome, self._events = asyncio.Event(), asyncio.Queue[dict[str, Any] | None]()
            self._life = asyncio.create_task(self._live(), name=f"{self.account} irc")
        welcome = asyncio.create_task(self._welcome.wait(), name=f"{self.account} irc welcome")
        await asyncio.wait([self._life, welcome], timeout=PATIENCE, return_when="FIRST_COMPLETED")
        welcome.cancel()
        if not self._welcome.is_set():
            self._life.cancel()
            raise ChannelDown(self._why)
        return self._events

    async def _live(self) -> None:
        """One connection, from its opening to its end."""
        my, refused, self.nick = self.options, "", str(self.options.nick)
        self._pong = asyncio.get_running_loop().create_future()
        try:
            reader, self._writer = await asyncio.open_connection(
                my.host, my.port, ssl=my.tls or None
            )
            self._write(f"NICK {self.nick}", f"USER {my.nick} 0 * :Trunkline")
            while True:
                async with asyncio.timeout(SILENCE):
                    text = (await reader.readuntil(b"\n")).decode("utf-8", "replace").rstrip("\r\n")
                _, verb, args, said = split(text)
                if verb == "001":
                    self._write(*(f"JOIN {room}" for room in my.rooms), "PING :joined")
                elif verb == "PONG" and said == "joined":
                    self._welcome.set()
                elif verb in _TAKEN and not self._welcome.is_set():
                    self.nick += "_"
                    self._write(f"NICK {self.nick}")
                elif verb == "PING":
                    self._write(f"PONG :{said or ' '.join(args)}")
                elif verb == "PONG" and not self._pong.done():
                    self._pong.set_result(refused)
                    refused = ""
                refused = said if verb in _REFUSALS else refused
                at, its_id = utcnow().timestamp(), uuid.uuid4().hex
                self._events.put_nowait({"line": text, "at": at, "id": its_id})
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError) as error:
            self._why = f"the connection to IRC ended: {str(error) or type(error).__name__}"
        finally:
            if not self._pong.done():
                self._pong.set_result(None)
            self._events.put_nowait(None)
            if self._writer is not None:
                self._writer.close()

    def _write(self, *lines: str) -> None:
        if self._writer is not None:
            self._writer.writelines(f"{line}\r\n".encode() for line in lines)


async def _stored(receive: Receive, message: Message) -> None:
    """Hand a message on; while there is no room for it, wait: IRC does not say it again."""
    while True:
        try:
            return await receive(message)
        except StoreError:
            await asyncio.sleep(1)
