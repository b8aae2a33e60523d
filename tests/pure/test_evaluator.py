"""What a cheap check signals, what follows from it, and what never reaches a chat."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.schedule.evaluator import (
    INSTRUCTION,
    State,
    Verdict,
    delivered,
    escalation,
    judge,
    preamble,
    settled,
    without_cues,
)

YES, NO, NONE = (
    Verdict("yes", "odd"),
    Verdict("no", "calm", "All is calm"),
    Verdict("none", "", "x"),
)
CUE = re.compile(r"needs\s+deeper\s+analysis\W*(yes|no)\b", re.IGNORECASE)


@pytest.mark.parametrize(
    ("text", "signal", "reason"),
    [
        ("Needs deeper analysis: yes", "yes", ""),
        ("Needs deeper analysis: no", "no", ""),
        ("needs deeper analysis: YES\nThe API is down.", "yes", "The API is down."),
        ("- **Needs deeper analysis: yes** - two hosts fail", "yes", "two hosts fail"),
        ("> `Needs deeper analysis: no`, all fine", "no", "all fine"),
        ("1. Needs deeper\n   analysis: yes (disk)", "yes", "disk)"),
        ("**Needs deeper analysis:** yes", "yes", ""),
        ('{"escalate": true, "reason": "spike"}', "yes", "spike"),
        ('Result: {"escalate": false}', "no", "Result"),
        ("Needs deeper analysis: no\n> Needs deeper analysis: yes", "no", ""),
        ("All well.\nNeeds deeper analysis: yes", "yes", "All well."),
        ("Needs deeper analysis: yesterday it did", "none", ""),
        ("He asked: Needs deeper analysis: yes or no?", "none", ""),
        ('{"escalate": "true"}', "none", ""),
        ("", "none", ""),
    ],
)
def test_the_first_signal_of_a_text(text: str, signal: str, reason: str):
    verdict = judge(text)
    assert (verdict.signal, verdict.reason) == (signal, reason)


def test_the_instruction_names_both_cues_word_for_word():
    assert "\nNeeds deeper analysis: yes\nNeeds deeper analysis: no\n" in INSTRUCTION


WRAPS = ("{}", "**{}**", "`{}`", "- {}", "* {}", "1. {}", "> {}", "# {}", '"{}"', "“{}”", "• {}")
TAILS = ("", ".", " - because", ", so it is", "!", "\n", "\r\n")
ANSWER = st.from_regex(r"[A-Za-z ]{0,20}", fullmatch=True)


@given(
    st.sampled_from(WRAPS),
    st.sampled_from(WRAPS),
    st.sampled_from(("yes", "no", "YES", "No")),
    st.sampled_from((" ", "\n", "  ", "\N{NO-BREAK SPACE}")),
    st.sampled_from(TAILS),
    ANSWER,
    ANSWER,
)
def test_no_cue_survives_however_it_is_dressed(
    outer: str, inner: str, answer: str, gap: str, tail: str, before: str, after: str
):
    cue = outer.format(inner.format(f"Needs deeper{gap}analysis: {answer}{tail}"))
    text = f"{before}\n{cue}\n{after}"
    assert judge(text).signal == answer.lower()
    assert not CUE.search(without_cues(text))
    for end in range(len(text)):
        assert not CUE.search(without_cues(text[:end], growing=True))


@given(ANSWER, st.booleans(), ANSWER)
def test_no_signal_as_json_survives(before: str, value: bool, after: str):
    text = f'{before} {{"escalate": {str(value).lower()}, "more": {{"a": 1}}}} {after}'
    assert "escalate" not in without_cues(text)
    assert "escalate" not in without_cues(text[: len(text) // 2], growing=True)


def test_a_signal_that_removal_puts_together_goes_too():
    assert without_cues('Needs {"escalate": true}deeper analysis: yes') == ""


@pytest.mark.parametrize("end", range(3, len("Needs deeper analysis: yes")))
def test_a_growing_cue_is_held_back(end: int):
    assert without_cues("Needs deeper analysis: yes"[:end], growing=True) == ""


@pytest.mark.parametrize(
    "text",
    [
        "The check says Needs deeper analysis: yes when it worries.",
        "This needs deeper analysis, yes.", "Needs deeper analysis: yesterday's figures",
        'An object {"a": 1} stays', "```\ncode\n```", "a\n\nb", "x {",
    ],
)  # fmt: skip
def test_words_that_are_no_signal_survive(text: str):
    assert without_cues(text) == text


def test_an_emptied_fence_goes_with_its_signal():
    assert without_cues('Fine.\n```json\n{"escalate": true}\n```\nBye.') == "Fine.\nBye."


def test_many_braces_are_read_in_time():
    assert judge('{"a":' * 5000 + '"escalate"').signal == "none"


def test_one_strong_run_for_one_cue_two_seconds_later():
    state, at = escalation(State(), YES, True, 100.0, 4)
    assert (at, state.pending, state.signals) == (102.0, "odd", 1)
    state, again = escalation(state, YES, True, 101.0, 4)
    assert again is None
    state, at = escalation(settled(state), YES, True, 160.0, 4)
    assert (at, state.signals) == (162.0, 3)


@pytest.mark.parametrize("verdict", [NO, NONE])
def test_a_quiet_run_asks_for_nothing_and_is_counted(verdict: Verdict):
    state, at = escalation(State(signals=3, quiet=0), verdict, True, 9.0, 4)
    assert (at, state.signals, state.quiet) == (None, 0, 1)
    assert escalation(state, verdict, True, 10.0, 4)[0].quiet == 2
    assert escalation(state, YES, True, 11.0, 4)[1] == 13.0


def test_a_failed_check_changes_nothing():
    assert escalation(State(quiet=2), YES, False, 9.0, 4) == (State(quiet=2), None)


def test_the_cap_is_of_any_hour_and_not_of_the_task_s_life():
    state, begun = State(), list[float]()
    for minute in range(120):
        now = minute * 60.0
        state, at = escalation(settled(state), YES if minute % 2 else NO, True, now, 3)
        begun += [] if at is None else [now]
    assert len(begun) == 6
    assert all(len([at for at in begun if now - 3600 < at <= now]) <= 3 for now in begun)
    assert escalation(State(), YES, True, 0.0, 0)[1] is None


def test_what_of_a_check_people_get():
    found = judge("Needs deeper analysis: yes - odd")
    assert delivered(found, strong_follows=True, quiet="line") == ""
    assert delivered(found, strong_follows=False, quiet="silent") == "odd"
    assert delivered(NO, strong_follows=False, quiet="silent") == ""
    assert delivered(NO, strong_follows=False, quiet="line") == "calm"
    assert delivered(NONE, strong_follows=False, quiet="silent") == "x"


def test_the_strong_run_hears_why():
    assert "two hosts fail" in preamble("two hosts fail")
    assert "said" not in preamble("")
