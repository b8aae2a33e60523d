"""Telegram updates as messages: recorded events, formatting offsets."""

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.telegram.adapter import Telegram
from bot.contract import Message
from bot.errors import BadEvent
from tests.contracts.shown import shown

RECORDINGS = sorted((Path(__file__).parents[1] / "recordings" / "telegram").glob("*.json"))
SEEDS = [json.loads(path.read_text("utf-8"))["event"] for path in RECORDINGS]


def parse(event: Any) -> list[Message]:
    return Telegram.parse(event, account="telegram", bot_ids=("987654321",), bot_name="trunk_bot")


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_a_recorded_event(path: Path):
    recorded = json.loads(path.read_text("utf-8"))
    found = [shown(message, "forwardedFrom") for message in parse(recorded["event"])]
    assert len(found) == len(recorded["messages"])
    for message, expected in zip(found, recorded["messages"], strict=True):
        assert {name: message[name] for name in expected} == expected


def test_there_are_recordings_of_every_kind():
    assert len(RECORDINGS) >= 30


def test_every_file_can_be_fetched_again_by_its_handle():
    found = [a for seed in SEEDS for message in parse(seed) for a in message.attachments]
    files = [a for a in found if a.kind not in ("location", "contact")]
    assert len(files) >= 9
    assert all(a.handle for a in files)


def test_a_name_may_change_and_the_author_stays():
    event = json.loads(json.dumps(SEEDS[0]))
    before = parse({"message": text("x", first_name="Ada")})[0].author
    after = parse({"message": text("x", first_name="Augusta", username="a")})[0].author
    assert (before.id, event["update_id"] > 0) == (after.id, True)
    assert before.name != after.name


def test_a_press_by_two_people_and_a_reaction_by_two_are_four_events():
    first, second = ({"id": number, "is_bot": False, "first_name": "x"} for number in (1, 2))
    chat = {"id": 5, "type": "private"}
    reaction = {"chat": chat, "message_id": 1, "date": 9, "old_reaction": []}
    reaction["new_reaction"] = [{"type": "emoji", "emoji": "👍"}]
    versions = [
        parse({"message_reaction": {**reaction, "user": user}})[0].version
        for user in (first, second)
    ]
    assert len(set(versions)) == 2


def text(said: Any, entities: Any = None, **user: Any) -> dict[str, Any]:
    return {
        "message_id": 1,
        "date": 1767355200,
        "chat": {"id": -5, "type": "supergroup"},
        "from": {"id": 1, "is_bot": False, "first_name": "Ada", **user},
        "text": said,
        "entities": entities,
    }


@pytest.mark.parametrize(
    ("said", "marks", "decoded"),
    [
        ("ab", [("bold", 0, 1), ("italic", 1, 1)], "**a**_b_"),
        ("abc", [("bold", 0, 2), ("italic", 1, 2)], "**a_b_**_c_"),
        ("a b ", [("bold", 0, 4)], "**a b** "),
        ("   ", [("bold", 0, 3)], "   "),
        ("a`b", [("code", 0, 3)], "``a`b``"),
        ("😀😀", [("bold", 2, 2)], "😀**😀**"),
        ("😀", [("bold", 1, 1)], "**😀**"),
        ("short", [("bold", 2, 99999)], "sh**ort**"),
        ("short", [("bold", -5, 3)], "**sho**rt"),
        ("x", [("unheard_of", 0, 1)], "x"),
        ("a\nb", [("pre", 2, 1)], "a\n```\nb\n```"),
        ("ab", [("pre", 0, 1)], "```\na\n```\nb"),
        ("q\nb", [("blockquote", 0, 3), ("bold", 2, 1)], "> q\n> **b**"),
    ],
)
def test_entities_become_markdown(said, marks, decoded):
    entities = [{"type": kind, "offset": at, "length": n} for kind, at, n in marks]
    assert parse({"message": text(said, entities)})[0].text == decoded


def test_a_lone_surrogate_can_be_stored():
    said = parse({"message": text("a\ud83d b", [{"type": "bold", "offset": 3, "length": 1}])})
    assert said[0].text.encode() == "a� **b**".encode()


def test_a_megabyte_with_many_entities_is_read():
    entities = [{"type": "bold", "offset": n, "length": 10_000} for n in range(5000)]
    assert len(parse({"message": text("x" * 1_000_000, entities)})[0].text) >= 1_000_000


@pytest.mark.parametrize("event", [None, 5, "text", [], True, {"message": []}, {"message": 1}])
def test_what_is_no_update_is_refused(event):
    with pytest.raises(BadEvent):
        parse(event)


def test_an_unknown_kind_of_update_is_ignored():
    assert parse({"update_id": 1, "telepathy": {"message_id": 1}}) == []
