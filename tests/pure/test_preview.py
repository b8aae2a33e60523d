"""A growing answer is shown by one message that is posted once and edited with care."""

from dataclasses import replace
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import preview
from bot.preview import Edit, Hold, Post, Preview, Wait, decide
from bot.reply import draft, releasable, visible


def whole(text: str) -> tuple[str, bool]:
    return text, False


def shown(text: str, at: float = 1.0, **fields: object) -> Preview:
    state = preview.posted(Preview(began=0.0), Post(text), at)
    return replace(state, **fields)


def test_nothing_is_posted_while_nothing_may_be_seen():
    assert decide(Preview(began=0.0), "", 100.0, whole) == Hold()
    assert decide(Preview(began=0.0), " \n", 100.0, whole) == Hold()


def test_an_instant_answer_costs_no_preview():
    state = Preview(began=10.0, first_after=0.7)
    assert decide(state, "Hello", 10.0, whole) == Wait(10.7)
    assert decide(state, "Hello", 10.7, whole) == Post("Hello")


def test_one_action_is_in_flight():
    state = preview.started(Preview(began=0.0))
    assert decide(state, "Hello", 5.0, whole) == Hold()
    state = preview.posted(state, Post("Hello"), 5.0)
    assert decide(state, "Hello you", 5.5, whole) == Wait(6.0)
    assert decide(state, "Hello you there", 6.0, whole) == Edit("Hello you there")


def test_unchanged_text_is_not_edited():
    assert decide(shown("Hello"), "Hello", 9.0, whole) == Hold()
    assert decide(shown("Hello"), "Hello [li", 9.0, partial(draft, limit=0)) == Hold()


def test_a_full_preview_rests():
    """Beyond the platform's limit the first part stands, and editing stops."""
    cut = partial(draft, limit=100)
    action = decide(shown("Hello"), "word " * 40, 9.0, cut)
    assert isinstance(action, Edit) and action.full and len(action.text) <= 100
    state = preview.edited(shown("Hello"), action, 9.0)
    assert decide(state, "word " * 80, 99.0, cut) == Hold()


def test_edits_of_a_turn_may_be_counted():
    state = shown("a", max_edits=1)
    state = preview.edited(state, Edit("ab"), 2.0)
    assert decide(state, "abc", 99.0, whole) == Hold()


def test_previews_give_way_when_the_budget_is_low():
    assert decide(Preview(began=0.0), "Hello", 9.0, whole, allowed=False) == Wait(None)
    assert decide(shown("Hello"), "Hello you", 9.0, whole, allowed=False) == Wait(None)


def test_a_flood_pauses_and_the_newest_text_wins():
    state = preview.failed(preview.started(shown("a")), 2.0, until=40.0)
    assert decide(state, "ab", 39.0, whole) == Wait(40.0)
    assert decide(state, "abc", 40.0, whole) == Edit("abc")


def test_a_refusal_gives_the_preview_up():
    state = preview.failed(preview.started(Preview(began=0.0)), 2.0, until=None)
    assert decide(state, "Hello", 99.0, whole) == Hold()


def test_after_the_end_nothing_moves():
    assert decide(preview.closed(shown("a")), "ab", 99.0, whole) == Hold()


def test_a_draft_is_made_only_when_it_can_be_used():
    """Healing costs as much as the text is long, so it is not done for every letter."""

    def never(text: str) -> tuple[str, bool]:
        raise AssertionError("drafted")

    assert decide(Preview(began=0.0), "Hello", 0.1, never) == Wait(0.7)
    assert decide(preview.started(Preview(began=0.0)), "Hello", 9.0, never) == Hold()


class Platform:
    """What people see, and a caller of the reducer as delivery is one."""

    def __init__(self, interval: float) -> None:
        self.now = 0.0
        self.messages: dict[int, str] = {}
        self.ids = 0
        self.own: int | None = None
        self.state = Preview(began=0.0, edit_interval=interval)
        self.pending: Post | Edit | None = None
        self.acted: list[float] = []

    def tick(self, text: str, allowed: bool) -> None:
        action = decide(self.state, text, self.now, partial(draft, limit=200), allowed)
        if isinstance(action, Post | Edit):
            assert self.pending is None
            self.pending, self.state = action, preview.started(self.state)
            self.acted.append(self.now)

    def answer(self, outcome: str) -> None:
        """The platform's word on the action in flight."""
        action, self.pending = self.pending, None
        if action is None:
            return
        if outcome == "flood":
            self.state = preview.failed(self.state, self.now, self.now + 30)
        elif outcome == "refused":
            self.state = preview.failed(self.state, self.now, None)
        elif isinstance(action, Post):
            self.own = self.put(action.text)
            self.state = preview.posted(self.state, action, self.now)
        else:
            assert self.own is not None
            self.messages[self.own] = action.text
            self.state = preview.edited(self.state, action, self.now)

    def put(self, text: str) -> int:
        self.ids += 1
        self.messages[self.ids] = text
        return self.ids

    def end(self, text: str, editable: bool) -> None:
        """The final replaces the preview in place, or is sent fresh and the preview removed."""
        self.answer("ok")
        self.state = preview.closed(self.state)
        if self.own is not None and text and editable:
            self.messages[self.own] = text
        else:
            if text:
                self.put(text)
            if self.own is not None:
                del self.messages[self.own]


STEPS = st.lists(
    st.tuples(
        st.floats(0, 3),
        st.sampled_from(["grow", "grow", "grow", "ok", "ok", "flood", "refused"]),
        st.booleans(),
    ),
    max_size=60,
)
ANSWERS = st.sampled_from(
    ["NO_REPLY", "word " * 90, "NO problem", "a **b** `c`\n```py\nx\n```", "Yes. NO_REPLY", ""]
)


@given(ANSWERS, STEPS, st.booleans(), st.integers(0, 10))
def test_exactly_one_final_under_any_order(
    answer: str, steps: list[tuple[float, str, bool]], editable: bool, stop_after: int
):
    """Floods, refusals, slow answers and a cancel anywhere: one final, or none for silence."""
    platform, seen = Platform(interval=1.0), 0
    for wait, step, allowed in steps:
        platform.now += wait
        if step == "grow":
            seen = min(len(answer), seen + stop_after)
        else:
            platform.answer(step)
        platform.tick(releasable(answer[:seen]), allowed)
        assert len(platform.messages) <= 1
    final = visible(answer)
    platform.end(final, editable)
    platform.tick(final, True)
    assert list(platform.messages.values()) == ([final] if final else [])
    assert all(later - earlier >= 1.0 for earlier, later in pairwise(platform.acted))


@pytest.mark.parametrize("token", ["NO_REPLY", "**NO_REPLY**", "<think>x</think>NO_REPLY"])
def test_silence_letter_by_letter_posts_nothing(token: str):
    platform = Platform(interval=1.0)
    for at in range(len(token) + 1):
        platform.now += 2.0
        platform.tick(releasable(token[:at]), True)
        platform.answer("ok")
    assert platform.messages == {} and platform.acted == []
