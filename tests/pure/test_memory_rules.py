"""Whose notes are whose, how notes are cut, and what a question asks for."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.context.chunks import OVERLAP, SIZE, SNIPPET, Chunk, chunks, snippet, words
from bot.context.memory import (
    Scope,
    daily_note,
    holds,
    may_touch,
    person_folder,
    scope_of,
    session_note,
    session_text,
)
from bot.filenames import names_of
from bot.types import Entry

OWNER = Scope("memory", True)
ADA = Scope(person_folder("telegram", "123"))
HERE = Scope(None, inbound="media/inbound/aa")
ROOM = Scope(None)
PEERS = st.text(min_size=1, max_size=300)
CHANNELS = st.sampled_from(["telegram", "irc", "my-irc", "my"])


def scope(channel: str, peer: str) -> Scope:
    return scope_of(owner=False, channel=channel, peer=peer, room=False, open_room=False)


@given(CHANNELS, PEERS, CHANNELS, PEERS)
def test_two_people_never_share_a_folder(channel: str, peer: str, other: str, second: str):
    """Ids that differ by case alone are one person, as in session keys."""
    same = (channel, peer.lower()) == (other, second.lower())
    assert (person_folder(channel, peer) == person_folder(other, second)) is same


@given(CHANNELS, PEERS)
def test_no_id_leads_out_of_the_folder(channel: str, peer: str):
    folder = person_folder(channel, peer)
    assert len(names_of(folder)) == 3 and folder.isascii()
    assert not holds(OWNER, f"{folder}/2026-01-01.md")


@given(CHANNELS, PEERS, CHANNELS, PEERS, st.text(max_size=20))
def test_nobody_touches_notes_of_somebody_else(
    channel: str, peer: str, other: str, second: str, name: str
):
    mine, theirs = scope(channel, peer), scope(other, second)
    path = f"{theirs.folder}/{name}.md"
    if mine != theirs:
        for write in (True, False):
            assert not may_touch(mine, path, write=write)
            assert not may_touch(mine, path.upper(), write=write)
            assert not may_touch(mine, f"./{path}", write=write)
        assert not holds(mine, path)
    assert not may_touch(ROOM, path, write=False)
    assert not may_touch(OWNER, path, write=True)


@pytest.mark.parametrize(
    ("scope", "path", "read", "write"),
    [
        (OWNER, "MEMORY.md", True, True),
        (OWNER, "memory/2026-01-01.md", True, True),
        (OWNER, "memory", True, False),
        (OWNER, "memory/notes.txt", False, False),
        (OWNER, "memory/people/telegram-123/a.md", False, False),
        (OWNER, "AGENTS.md", True, True),
        (OWNER, "skills/x/SKILL.md", True, True),
        (ADA, "MEMORY.md", True, False),
        (ADA, "memory.md", True, False),
        (ADA, "memory/2026-01-01.md", False, False),
        (ADA, "Memory/2026-01-01.md", False, False),
        (ADA, "memory/people/telegram-123/a.md", True, True),
        (ADA, "./memory//people/telegram-123/a.md", True, True),
        (ADA, "memory/people/telegram-1234/a.md", False, False),
        (ADA, "memory/people/telegram-123/sub/a.md", False, False),
        (ADA, "memory/people", False, False),
        (ADA, "AGENTS.md", True, False),
        (ADA, "agents.MD", True, False),
        (ADA, "skills/x/SKILL.md", True, False),
        (ADA, ".agents/skills/x/SKILL.md", True, False),
        (ADA, "hooks/x/handler.py", True, False),
        (ADA, "report.md", True, True),
        (OWNER, "media/inbound/bb/1-x.png", True, True),
        (HERE, "media/inbound/aa/1-x.png", True, True),
        (HERE, "media/inbound/aa", True, True),
        (HERE, "Media/./INBOUND/aa/1-x.png", True, True),
        (ADA, "media/inbound/bb/1-x.png", False, False),
        (ADA, "media/inbound/a", False, False),
        (ADA, "media/inbound", False, False),
        (ADA, "MEDIA/inbound/bb/1-x.png", False, False),
        (ADA, "media", True, True),
        (ADA, "media/fetched/x.png", True, True),
        (ROOM, "media/inbound/aa/1-x.png", False, False),
        (ROOM, "MEMORY.md", False, False),
        (ROOM, "memory/2026-01-01.md", False, False),
        (ROOM, "SOUL.md", True, False),
        (ROOM, "report.md", True, True),
    ],
)
def test_what_a_requester_may_touch(scope: Scope, path: str, read: bool, write: bool):
    assert may_touch(scope, path, write=False) is read
    assert may_touch(scope, path, write=True) is write


def test_rooms_have_no_memory_unless_the_configuration_says_so():
    def room(open_room: bool, owner: bool) -> Scope:
        return scope_of(owner=owner, channel="telegram", peer="123", room=True, open_room=open_room)

    assert room(False, False) == room(False, True) == ROOM
    assert room(True, False) == ADA and room(True, True) == OWNER
    assert ROOM.folders == () and OWNER.folders == ("", "memory") and ADA.folders == (ADA.folder,)


def test_daily_notes_have_the_date_of_the_person():
    """Half past eleven at night in London is the next morning in Tokyo."""
    now = datetime(2026, 3, 1, 23, 30, tzinfo=UTC).timestamp()
    assert daily_note(OWNER, now, "UTC") == "memory/2026-03-01.md"
    assert daily_note(OWNER, now, "Asia/Tokyo") == "memory/2026-03-02.md"
    assert daily_note(ADA, now, "Asia/Tokyo") == "memory/people/telegram-123/2026-03-02.md"
    assert session_note(OWNER, now, "Asia/Tokyo") == "memory/2026-03-02-0830.md"
    assert daily_note(ROOM, now, "UTC") is session_note(ROOM, now, "UTC") is None


def test_the_note_of_a_session_holds_what_was_said_last():
    said = [
        Entry("user", "first", 0.0),
        Entry("assistant", "", 0.0),
        Entry("tool", "result", 0.0),
        Entry("user", "two\nlines", 0.0),
        Entry("assistant", "yes", 0.0, thinking="hidden"),
    ]
    assert session_text(said, 2).endswith("\n\n- user: two lines\n- assistant: yes\n")
    assert session_text([Entry("note", "x", 0.0)]) == ""


LINES = st.lists(st.text(st.characters(exclude_characters="\n\r"), max_size=400), max_size=60)


@given(LINES)
def test_pieces_hold_every_line_and_none_is_too_large(lines: list[str]):
    text = "\n".join(lines)
    found = chunks(text)
    assert all(len(one.text) <= SIZE for one in found)
    for one in found:
        assert one.text in text and 1 <= one.first <= one.last
    kept = "\n".join(one.text for one in found)
    assert all(line in kept for line in lines if line.strip())


def test_pieces_overlap_and_a_line_without_end_is_cut():
    lines = [f"line {number} " + "x" * 90 for number in range(60)]
    one, two, *_ = chunks("\n".join(lines))
    shared = one.last - two.first + 1
    assert shared >= 1 and shared * 100 <= OVERLAP
    assert [len(each.text) for each in chunks("y" * (SIZE * 2 + 5))] == [SIZE, SIZE, 5]


def test_a_result_shows_the_lines_around_what_was_asked_for():
    text = "\n".join(f"line {number:03}" for number in range(1, 160))
    part = snippet(Chunk(11, 169, text), ["100"])
    assert len(part.text) <= SNIPPET and "line 100" in part.text
    assert part.text.split("\n")[0] == f"line {part.first - 10:03}"


@given(st.text(max_size=3000))
def test_a_question_becomes_plain_words(query: str):
    found = words(query)
    assert len(found) <= 32
    assert all('"' not in word and word == word.strip() for word in found)


def test_words_that_say_nothing_are_left_out_unless_there_are_no_others():
    assert words("When is the release of v2?") == ["release", "v2"]
    assert words("who are you") == ["who", "are", "you"]
    assert words("东京 trip") == ["东", "京", "trip"]
