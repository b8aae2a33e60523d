"""The rows that one accepted message makes: refused, paired, revised, a command or a prompt.

What people at the gateway say takes the same way, with the session they chose and the id of the run
they asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from uuid import uuid4

from bot.backlog import Room, make_room
from bot.claims import Claimed, Claims
from bot.contract import Address, Message, Reply
from bot.contract import Command as Typed
from bot.engine.port import Row, Script, Wake
from bot.errors import RequestError
from bot.events import Signal
from bot.keys import SessionKey, parse_key
from bot.lanes import control_lane
from bot.queue import SETTLE
from bot.routing import Click, Command, Prompt, Revise
from bot.store import inbox, outbox, overheard, people, revisions, runs, sessions

REFUSED_TEXT = 200
OVERHEARD_TEXT = 1000
REVISED_TEXT = 1000
OPERATOR = "operator"

PAIRING_NOTICE = (
    "This bot does not know you yet. Send its owner this code: {code}\n\n"
    "They approve it with `trunkline pairing approve {code}`. It works for one hour."
)
FULL_NOTICE = "Too many messages wait here already, so this one was not read. Say it again later."
FULL = "the queue is full"
RATE_NOTICE = "That was more than {count} messages in {per:g} s; the rest was not read. Wait a bit."


@dataclass(frozen=True, slots=True)
class Request:
    """What the operator asks beside the text: which session, which run, and how to run it.

    `deliver_to` None stores the answer only. `options`: thinking, timeout (s), extraPrompt.
    """

    key: SessionKey
    run: str
    exact: bool = False
    deliver_to: Address | None = None
    commands: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of a message.

    `begun`: its turn, when its lane was idle and it began at once. `withdrawn` are the runs that
    will not happen because of it, `aborted` those that it ends.
    """

    run: str | None
    session_key: str | None
    at: float
    state: Literal["new", "known", "refused"] = "new"
    signal: Signal | None = None
    begun: Claimed | None = None
    kind: str | None = None
    withdrawn: tuple[str, ...] = ()
    aborted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The rows that one accepted message makes."""

    message: Message
    request: Request | None
    dedupe: str
    now: float
    claims: Claims

    @property
    def requester(self) -> str:
        if self.request is not None:
            return OPERATOR
        return f"{self.message.address.account}:{self.message.author.id}"

    def refused(self, rule: str) -> Script[Accepted]:
        """Keep that it came and why it went no further, with no more than a glimpse of it."""
        text = self.message.text[:REFUSED_TEXT]
        return (yield from self._glimpse(text, rule, "refused"))

    def overheard(self, rule: str, keep: int) -> Script[Accepted]:
        """Keep what was said to others, for when the bot is asked; the last `keep` of them."""
        if self.message.change != "new" or not keep:
            cut = replace(self.message, text=_heard(self.message))
            yield from overheard.revise(cut)
            return (yield from self.refused(rule))
        accepted = yield from self._glimpse(_heard(self.message), rule, overheard.STATE)
        yield from overheard.trim(self.message.address, keep)
        return accepted

    def _glimpse(self, text: str, rule: str, state: str) -> Script[Accepted]:
        yield from inbox.put(
            replace(self.message, text=text, attachments=(), reply_to=None),
            kind="refused",
            state=state,
            lane="",
            requester=self.requester,
            rule=rule,
            now=self.now,
            dedupe=self.dedupe,
        )
        return Accepted(None, None, self.now, "refused")

    def pair(self, rule: str) -> Script[Accepted]:
        refused = yield from self.refused(rule)
        address = self.message.address
        code = yield from people.ask_pairing(self.message.author, address, self.now)
        if code is None:
            return refused
        yield from self._notice(f"pairing:{code}", PAIRING_NOTICE.format(code=code))
        data = {"account": address.account, "channel": address.channel}
        return replace(refused, signal=Signal("pairing.requested", data))

    def limited(self, limit: tuple[int, float]) -> Script[Accepted]:
        refused = yield from self.refused("limits.per_sender")
        minute = int(self.now // 60)
        if not (yield from outbox.of_run(f"rate:{self.requester}:{minute}")):
            text = RATE_NOTICE.format(count=limit[0], per=limit[1])
            yield from self._notice(f"rate:{self.requester}:{minute}", text)
        return refused

    def revised(self, decision: Revise) -> Script[Accepted]:
        """An edit or deletion changes what still waits; what has begun is not run again."""
        yield from overheard.revise(replace(self.message, text=_heard(self.message)))
        amended = yield from inbox.amend(self.message, self.now)
        late = None if amended else (yield from revisions.begun(self.message))
        # Platforms do not say who deleted; the former message says whose it was.
        author = late[1].author if late else self.message.author
        yield from inbox.put(
            replace(self.message, author=author),
            kind="revision",
            state=revisions.STATE if late else "done",
            lane="",
            session_key=late[0] if late else None,
            options={"was": late[1].text[:REVISED_TEXT]} if late else None,
            requester=self.requester,
            rule=decision.rule,
            matched=decision.route.matched_by,
            agent=decision.route.agent,
            now=self.now,
            dedupe=self.dedupe,
            reason="the waiting message was changed" if amended else "too late: it had begun",
        )
        withdrawn = None
        for run in amended if self.message.change == "deleted" else ():
            yield from runs.end(run, "aborted", self.now, error=runs.WITHDRAWN)
            withdrawn = Signal("run.withdrawn", {"runId": run, "sessionKey": decision.base_key})
        return Accepted(None, None, self.now, signal=withdrawn)

    def command(self, decision: Command) -> Script[Accepted]:
        named = replace(self.message, command=Typed(decision.name, decision.args), text="")
        base = self.request.key.base if self.request else decision.base_key
        key = yield from self._active(base)
        return (
            yield from self._store(
                named,
                kind="command",
                lane=control_lane(self.message.address),
                decision=decision,
                session_key=key,
                options={
                    "base": base,
                    "fixed": self._fixed,
                    "owner": decision.owner,
                    "known": decision.known,
                    "nearest": decision.nearest,
                },
            )
        )

    def prompt(
        self, decision: Prompt | Click, asked: Mapping[str, str] | None = None
    ) -> Script[Accepted]:
        """`asked` is what the message wants of its own answer: thinking, verbose, reasoning."""
        text = decision.text if isinstance(decision, Prompt) else decision.action.value
        base = self.request.key.base if self.request else decision.base_key
        key = yield from self._active(base)
        row: Row | None = yield from self.ensure(key)
        lane, options = key, dict[str, Any](asked or {})
        if (yield from inbox.more(control_lane(self.message.address))):
            # Said after a command that may still change where it belongs: it waits for that.
            lane, options, row = (
                control_lane(self.message.address),
                {**options, "base": base, "fixed": self._fixed},
                None,
            )
        return (
            yield from self._store(
                self.message if text == self.message.text else replace(self.message, text=text),
                kind="prompt",
                lane=lane,
                decision=decision,
                session_key=key,
                options=options,
                session=row,
            )
        )

    @property
    def _fixed(self) -> bool:
        """Does the request name its session, rather than a conversation?"""
        return self.request is not None and (self.request.exact or bool(self.request.key.slug))

    def _active(self, base: str) -> Script[str]:
        """Where a message to this conversation goes now."""
        if self.request is not None and self._fixed:
            return self.request.key.text
        return (yield from sessions.active_key(base))

    def ensure(self, key: str) -> Script[Row]:
        """The session exists and is listed before the platform hears that we have the message."""
        address = self.message.address
        if self.request is not None:
            found = parse_key(key)
            return (yield from sessions.spoken(found, found.label, None, None, self.now))
        label = self.message.author.name or self.message.author.username or self.message.author.id
        if self.message.kind != "direct":
            label = f"{address.channel} {address.conversation}"
        if address.thread is not None:
            label = f"{label} #{address.thread}"
        return (
            yield from sessions.spoken(
                parse_key(key), label[:64], address, self.message.kind, self.now
            )
        )

    def _store(
        self,
        message: Message,
        *,
        kind: str,
        lane: str,
        decision: Command | Prompt | Click,
        session_key: str,
        options: dict[str, Any],
        session: Row | None = None,
    ) -> Script[Accepted]:
        """The inbox row and its run; a prompt to an idle lane begins here and now."""
        run = self.request.run if self.request else str(uuid4())
        if self.request is not None:
            to = self.request.deliver_to
            options = {**options, **self.request.options, "deliverTo": to.key if to else None}
        agent = parse_key(session_key).agent
        room: Room | None = None
        if session is not None and (room := (yield from self._room(lane, session))):
            if room.full:
                return (yield from self._full())
            options, session = {**options, **room.options}, None
        item = yield from inbox.put(
            message,
            kind=kind,
            state="running" if session else "open",
            lane=lane,
            requester=self.requester,
            rule=decision.rule,
            matched=decision.route.matched_by,
            agent=agent,
            session_key=session_key,
            run=run,
            options=options,
            now=self.now,
            dedupe=self.dedupe,
        )
        yield from runs.queue(
            run, session_key, lane, agent, self.now, session["id"] if session else None
        )
        begun = (yield from self.claims.at_once(item, session, self.now)) if session else None
        yield Wake("lane", lane)
        changed = Signal("sessions.changed", {"sessionKey": session_key})
        accepted = Accepted(run, session_key, self.now, "new", changed, begun, kind)
        if room is None:
            return accepted
        return replace(accepted, withdrawn=room.withdrawn, aborted=room.aborted)

    def _room(self, lane: str, session: Row) -> Script[Room | None]:
        """How a prompt waits; None when it begins at once."""
        request, account = self.request, self.message.address.account
        alone = request is not None and bool(request.options or not request.commands)
        files = bool(self.message.attachments)
        settle = 0.0 if request or files else self.claims.rules.settle(account)
        more = Room({SETTLE: settle}) if settle else None
        if not (yield from inbox.more(lane)):
            return more
        if more and not (yield from inbox.under_way(lane)):
            # Its author is still at it.
            return more
        queue = self.claims.rules.queue(account, sessions.session_from(session).settings)
        return (yield from make_room(lane, queue, alone, self.now))

    def _full(self) -> Script[Accepted]:
        """No room in the queue: whoever asked is told, once a minute in a chat."""
        if self.request is not None:
            raise RequestError("RATE_LIMITED", "too many messages wait in this session already")
        refused = yield from self.refused(FULL)
        run = f"full:{self.requester}:{int(self.now // 60)}"
        if not (yield from outbox.of_run(run)):
            yield from self._notice(run, FULL_NOTICE)
        return refused

    def _notice(self, run: str, text: str) -> Script[None]:
        yield from outbox.enqueue(run, self.message.address, [Reply(text)], self.now)


def _heard(message: Message) -> str:
    """What is kept of a message to others: its words, and the names of its files."""
    files = [f"[{one.kind} {one.name}]" for one in message.attachments]
    return " ".join((message.text[:OVERHEARD_TEXT], *files)).strip()
