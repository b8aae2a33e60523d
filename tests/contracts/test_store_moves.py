"""A group that becomes a supergroup keeps its sessions, its children and its route."""

from pathlib import Path

from bot.clock import SystemClock
from bot.contract import Address, Author, Message, Ref, utcnow
from bot.engine.embedded import Embedded
from bot.engine.port import Script
from bot.keys import conversation_key, parse_key
from bot.schedule.recipients import announced
from bot.store import children, moves, people, session_marks, sessions, tasks
from bot.store.children import Work
from bot.store.migrations import open_store
from bot.types import Task

OLD = Address("chat", "house", "-5")
NEW = Address("chat", "house", "-1005")
_TASKS = ("a-000001", "b-000002")


def _key(address: Address) -> str:
    return conversation_key("main", address, "group", "1", "account-channel-peer")


def _work(parent: str) -> Work:
    key = "agent:main:subagent:1"
    said = Message(Ref(OLD, "1"), Author("1"), "dig", utcnow(), "group")
    return Work("r1", key, "main", "Digger", "dig", parent, "main", "house:1", said, OLD.key)


def _task(session: str, id: str, to: Address) -> Task:
    said = Message(Ref(OLD, "1"), Author("1"), "", utcnow(), "group")
    every = {"kind": "every", "everyMs": 3_600_000}
    return Task(
        *(id, "main", session, "Watch", "look", every, "UTC", {}, announced(to)), "house:1", said
    )


def _begin() -> Script[str]:
    base = parse_key(_key(OLD))
    yield from sessions.ensure(base, "Group", OLD, "group", 1.0)
    child = yield from sessions.create_child(base, "Trip", 2.0, activate=True)
    yield from session_marks.note(base.text, pinned=True, archived=None)
    yield from people.route(OLD.key, "main", "me", 2.0)
    yield from children.owe(_work(base.text), 2.0)
    yield from tasks.put(_task(base.text, "task-a-000001", Address("chat", "house", "-5", "7")))
    yield from tasks.put(_task(base.text, "task-b-000002", Address("chat", "house", "-55")))
    yield from sessions.ensure(
        parse_key(_key(Address("chat", "house", "-55"))), "Other", None, None, 1
    )
    return str(child["id"])


async def test_sessions_children_and_routes_go_along(tmp_path: Path) -> None:
    open_store(tmp_path / "t.db")
    engine = Embedded(tmp_path / "t.db", SystemClock())
    try:
        child = await engine.tx(_begin())
        for _ in range(2):
            await engine.tx(moves.move(OLD, NEW, 3.0))
        [base] = await engine.read(sessions.listing(1, key=_key(NEW)))
        assert base["pinned"] == 1
        active = await engine.read(sessions.active_key(_key(NEW)))
        row = await engine.read(sessions.current(active))
        assert row is not None and row["id"] == child
        assert row["address"] == NEW.key
        assert await engine.read(sessions.current(_key(OLD))) is None
        assert await engine.read(people.stored_route(NEW.key)) == "main"
        [helper] = await engine.read(children.listing(_key(NEW)))
        assert (helper["run"], helper["deliver_to"]) == ("r1", NEW.key)
        moved, kept = [await engine.read(tasks.get(f"task-{name}")) for name in _TASKS]
        assert moved is not None and moved.session == _key(NEW)
        place = (moved.delivery["to"], moved.delivery["threadId"], moved.delivery["address"])
        assert place == ("-1005", "7", "chat:house:-1005:7")
        assert kept is not None and kept.delivery["to"] == "-55"
        other = _key(Address("chat", "house", "-55"))
        assert await engine.read(sessions.current(other)) is not None
    finally:
        await engine.stop(1)
