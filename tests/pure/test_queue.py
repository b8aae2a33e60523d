"""Queue modes: what joins what, in which order, and when it begins."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config.channels import Queue
from bot.contract import Address, Attachment, Author, Message, Quote, Ref
from bot.queue import ALONE, SETTLE, STEER, STEERED, begins_at, gathered, joined, steerable
from bot.store.inbox import Item

PLACE = Address("x", "x", "room")
COLLECT, FOLLOWUP = Queue(mode="collect"), Queue(mode="followup")


def item(number: int, who: str = "ada", at: float = 0.0, **options: Any) -> Item:
    message = Message(
        Ref(PLACE, str(number)), Author(who, who), f"n{number}", datetime.now(UTC), "group"
    )
    return Item(
        id=number, lane="l", kind="prompt", state="open", run=f"r{number}", session_key="l",
        agent="main", requester=f"x:{who}", rule="", matched=None, tries=0, options=options,
        message=message, at=at,
    )  # fmt: skip


def numbers(items: list[Item]) -> list[int]:
    return [one.id for one in items]


def test_one_person_s_messages_are_joined_and_others_wait_their_turn():
    waiting = [item(1), item(2, "bob"), item(3), item(4, "bob")]
    assert numbers(gathered(waiting, COLLECT)) == [1, 3]
    assert numbers(gathered(waiting[1:2] + waiting[3:], COLLECT)) == [2, 4]


def test_each_gets_a_turn_of_its_own_under_followup():
    assert numbers(gathered([item(1), item(2)], FOLLOWUP)) == [1]


def test_what_lets_more_come_is_joined_in_every_mode():
    waiting = [item(1, **{SETTLE: 2.0}), item(2, **{SETTLE: 2.0})]
    assert numbers(gathered(waiting, FOLLOWUP)) == [1, 2]


@pytest.mark.parametrize("which", ["alone", "quote", "forward"])
def test_what_cannot_be_joined_ends_the_group_so_that_nobody_s_words_change_order(which: str):
    odd = item(2, **({ALONE: True} if which == "alone" else {}))
    if which == "quote":
        odd = replace(odd, message=replace(odd.message, reply_to=Quote("9", "was")))
    if which == "forward":
        odd = replace(odd, message=replace(odd.message, forwarded_from="somebody"))
    assert numbers(gathered([item(1), odd, item(3)], COLLECT)) == [1]
    assert 2 in numbers(gathered([odd, item(3)], COLLECT))


def test_another_thread_is_another_place():
    other = item(2)
    moved = replace(other.message, ref=Ref(replace(PLACE, thread="7"), "2"))
    assert numbers(gathered([item(1), replace(other, message=moved)], COLLECT)) == [1]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), min_size=1, max_size=12))
def test_draining_loses_nothing_doubles_nothing_and_keeps_each_voice_in_order(said):
    waiting = [
        item(number, who, **({ALONE: True} if alone else {}))
        for number, (who, alone) in enumerate(said)
    ]
    turns, left = [], list(waiting)
    while left:
        group = gathered(left, COLLECT)
        assert len({one.requester for one in group}) == 1
        turns.append(group)
        left = [one for one in left if one not in group]
    flat = [one for group in turns for one in group]
    assert sorted(numbers(flat)) == list(range(len(said)))
    for who in "abc":
        own = [one.id for one in flat if one.requester == f"x:{who}"]
        assert own == sorted(own)


def test_a_group_begins_when_its_newest_message_has_let_more_come():
    group = [item(1, at=10.0, **{SETTLE: 1.0}), item(2, at=10.8, **{SETTLE: 1.0})]
    assert begins_at(group) == 11.8
    assert begins_at([item(1, at=10.0)]) == 10.0


def test_files_wait_for_nothing():
    late = item(2, at=10.8, **{SETTLE: 1.0})
    photo = Attachment("image", "a.png", "image/png", 3, "h")
    late = replace(late, message=replace(late.message, attachments=(photo,)))
    assert begins_at([item(1, at=10.0, **{SETTLE: 1.0}), late]) == 10.8


def test_joined_messages_stand_where_the_last_does_and_lose_no_word_or_file():
    photo = Attachment("image", "a.png", "image/png", 3, "h")
    first, second = item(1).message, replace(item(2).message, attachments=(photo,))
    both = joined([first, second])
    assert (both.text, both.ref, both.attachments) == ("n1\nn2", second.ref, (photo,))
    assert joined([first]) is first


def test_a_run_hears_its_own_requester_in_its_own_place_once():
    said = item(1, **{STEER: "steer"})
    assert steerable(said, "x:ada", PLACE.key)
    assert not steerable(said, "x:bob", PLACE.key)
    assert not steerable(said, "x:ada", "x:x:elsewhere")
    assert not steerable(item(1), "x:ada", PLACE.key)
    assert not steerable(item(1, **{STEER: "steer", STEERED: True}), "x:ada", PLACE.key)
    assert not steerable(replace(said, state="running"), "x:ada", PLACE.key)
