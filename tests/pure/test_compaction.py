"""Cutting a conversation: calls keep their results, digests fit, sizes are not underestimated."""

import random

import pytest

from bot.context.compaction import capped, digest, plan, seen_after, summed_up
from bot.context.prompt import conversation
from bot.context.pruning import CLEARED, PAUSE, pruned
from bot.tokens import of_entries, of_text, room
from bot.types import Entry, ToolCall, Usage

SEEDS = range(40)


def transcript(seed: int) -> list[Entry]:
    """Turns of a user, calls with their results, an answer; now and then a long line."""
    dice, lines = random.Random(seed), list[Entry]()

    def add(role: str, text: str, **more: object) -> None:
        at = float(len(lines))
        lines.append(Entry(role, text, at, seq=len(lines) + 1, **more))  # type: ignore[arg-type]

    for _ in range(dice.randint(1, 8)):
        add("user", "ask " * dice.choice((1, 50, 900)))
        for _ in range(dice.randint(0, 3)):
            ids = [f"c{len(lines)}.{n}" for n in range(dice.randint(1, 3))]
            add("assistant", "", calls=tuple(ToolCall(one, "look", "{}") for one in ids))
            for one in ids:
                add("tool", "seen " * dice.choice((1, 400, 2500)), call_id=one, name="look")
        add("assistant", "well " * dice.randint(1, 300), usage=Usage(10, 10))
    return lines


def whole(entries: list[Entry]) -> bool:
    """Has every call its result, and every result its call?"""
    asked = [call.id for entry in entries for call in entry.calls]
    return asked == [entry.call_id for entry in entries if entry.role == "tool"]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("go_on", [True, False])
def test_a_cut_parts_no_call_from_its_result_and_keeps_the_order(seed: int, go_on: bool):
    lines = transcript(seed)
    for keep in (0, 100, 1000, 10_000):
        made = plan(conversation(lines), keep, go_on=go_on)
        if made is None:
            assert go_on or keep
            continue
        assert whole(list(made.kept)) and whole(list(made.gone))
        assert [*made.gone, *made.kept] == conversation(lines)
        entry = summed_up("A summary.", made, 1, 99.0, "r")
        seen = conversation([*lines, entry])
        assert "A summary." in seen[0].text and whole(seen)
        assert [one.seq for one in seen if one.seq >= made.first_kept] == [
            one.seq for one in made.kept
        ]
        assert not any(one.usage for one in seen), "it was counted with what went"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_second_summary_stands_for_the_first_as_well(seed: int):
    lines = transcript(seed)
    for number, text in enumerate(("First.", "Second.")):
        made = plan(conversation(lines), 200, go_on=False)
        if made is None:
            return
        first = lines[-1].seq + 1
        entry = summed_up(text, made, 1, 99.0, "r")
        lines += [
            Entry(**{**{n: getattr(entry, n) for n in Entry.__slots__}, "seq": first}),
            Entry("user", "more " * 300, 100.0, seq=first + 1),
            Entry("assistant", "yes", 100.0, seq=first + 2),
        ]
        seen = conversation(lines)
        assert sum(one.text.startswith("<conversation_summary>") for one in seen) == 1, number
        assert text in seen[0].text


@pytest.mark.parametrize("seed", SEEDS)
def test_a_digest_fits_its_budget_and_loses_results_first(seed: int):
    lines = conversation(transcript(seed))
    for budget in (10, 300, 2000, 100_000):
        text = digest(lines, budget)
        if text is None:
            continue
        assert of_text(text) <= budget
    assert digest(lines, 1) is None
    assert "Result of look" in (digest(lines, 10**6) or "") or whole(lines)


def test_an_earlier_summary_is_never_dropped():
    summary = seen_after([], Entry("compaction", "Mog is the cat.", 0.0, origin={"firstKept": 5}))
    lines = [*summary, *(Entry("user", "x" * 4000, 1.0, seq=n) for n in range(5, 9))]
    assert "Mog is the cat." in (digest(lines, 1200) or "")


@pytest.mark.parametrize("text", ["word " * 500, "слово " * 500, "字" * 800, "🐈" * 300])
def test_a_summary_is_capped_in_every_script(text: str):
    assert of_text(capped(text, 100)) <= 100
    assert capped("short", 100) == "short"


@pytest.mark.parametrize(
    ("window", "reserve", "limit"),
    [
        (128_000, 20_000, 108_000),
        (16_000, 20_000, 12_000),
        (8_000, 2_500, 6_000),
        (4000, 500, 3500),
    ],
)
def test_a_small_window_keeps_no_more_than_a_quarter_free(window: int, reserve: int, limit: int):
    found = room(window, reserve, 20_000)
    assert found.limit == limit
    assert found.keep <= found.limit // 2


def old_results(pause: float, count: int = 8) -> list[Entry]:
    lines = [Entry("user", "hi", 0.0, seq=1)]
    for number in range(count):
        at = float(number)
        lines.append(Entry("assistant", "", at, calls=(ToolCall(f"c{number}", "look", "{}"),)))
        lines.append(Entry("tool", f"{number % 10}" * 9000, at, call_id=f"c{number}", name="look"))
    lines.append(Entry("user", "and now?", count + pause))
    return lines


def test_old_results_are_pruned_after_a_pause_and_stay_so():
    lines = old_results(PAUSE + 1)
    first = pruned(lines, 30_000)
    results = [one.text for one in first if one.role == "tool"]
    assert [len(text) < 4000 for text in results] == [True] * 5 + [False] * 3
    later = [*lines, Entry("assistant", "well", 400.0), Entry("user", "more", 401.0)]
    assert list(pruned(later, 30_000))[: len(lines)] == list(first), "the cache still fits"
    assert pruned(old_results(1), 400_000) == old_results(1)
    assert next(one.text for one in lines if one.role == "tool") == "0" * 9000


def test_a_very_full_window_clears_old_results():
    seen = pruned(old_results(PAUSE + 1, 25), 60_000)
    cleared = [one.text == CLEARED for one in seen if one.role == "tool"]
    assert cleared == [True] * 22 + [False] * 3


def test_one_result_never_takes_more_than_its_share():
    lines = [Entry("user", "hi", 0.0), Entry("tool", "x" * 50_000, 1.0, call_id="c", name="look")]
    assert of_entries(pruned(lines, 8000)) < 8000 * 0.4
