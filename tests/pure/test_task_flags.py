"""Options of tasks: read, taken out of the text, and applied; errors create nothing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import RequestError
from bot.schedule.flags import Flags, apply, split_flags
from bot.schedule.planner import Policy, plan
from bot.schedule.terms import Stop

TEXT = "every 1h Watch: check it"


@pytest.mark.parametrize(
    ("flags", "policy", "stop"),
    [
        ("--mode cheap", {"mode": "cheap"}, {}), ("--mode=cheap-check", {"mode": "cheap"}, {}),
        ("--mode skill-only --tool health", {"mode": "skill", "tool": "health"}, {}),
        ('--tool x --input {"a": {"b": 1}}', {"tool": "x", "tool_input": {"a": {"b": 1}}}, {}),
        ("--memory summary", {"memory": "session-summary"}, {}),
        ("--skills a, b,c", {"skills": ("a", "b", "c")}, {}),
        ("--model openai/gpt-5", {"model": "openai/gpt-5"}, {}),
        ("--escalate", {}, None), ("--escalate off", {"escalate": False}, {}),
        ("--escalate a/b", {"escalate": True, "escalation_model": "a/b"}, {}),
        ("--max-tokens 10,000", {"max_tokens": 10000}, {}),
        ("--max-cost $0.50", {"max_cost": 0.5}, {}),
        ("--max-runs-hour 0", {"max_runs_per_hour": 0}, {}),
        ("--stop-on-success", {}, {"on_success": True}),
        ("--stop-on-success no", {}, {"on_success": False}),
        ('--stop-text "all good, done"', {}, {"output_includes": ("all good", "done")}),
        ("--max-successes 2 --max-total-runs 9", {}, {"max_successes": 2, "max_runs": 9}),
        ("--missed skip --overlap queue", {"missed": "skip", "overlap": "queue"}, {}),
        ("--target main", {"target": "main"}, {}), ("—mode strong", {"mode": "strong"}, {}),
    ],
)  # fmt: skip
def test_each_option(flags: str, policy: dict[str, Any], stop: dict[str, Any] | None):
    if stop is None:
        with pytest.raises(RequestError, match="needs a value"):
            split_flags(f"{TEXT} {flags}")
        return
    assert split_flags(f"{TEXT} {flags}") == (TEXT, Flags(policy=policy, stop=stop))


def test_words_and_places():
    rest, flags = split_flags(f"{TEXT} --objective keep it up --success “no -- errors” --to 5")
    assert (rest, flags.objective, flags.success) == (TEXT, "keep it up", "no -- errors")
    assert flags.delivery == {"mode": "announce", "to": "5"}
    _, hook = split_flags("x --webhook https://example.org/in")
    assert hook.delivery == {"mode": "webhook", "url": "https://example.org/in"}
    assert split_flags("x --delivery none --best-effort")[1].best_effort is True


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("cron 0 9 * * 1 -- Name: prompt", "cron 0 9 * * 1 -- Name: prompt"),
        ("cron 0 9 * * 1 --mode cheap -- Name: prompt", "cron 0 9 * * 1 -- Name: prompt"),
        (f"--mode cheap {TEXT}", TEXT),
        (f'--mode cheap --objective "keep it" {TEXT}', TEXT),
        ("run `git log --model x` daily", "run `git log --model x` daily"),
        ('say "--mode loud" daily', 'say "--mode loud" daily'),
        ("run npm test --silent daily", "run npm test --silent daily"),
        ("one\ntwo --mode cheap", "one\ntwo"),
    ],
)
def test_what_is_no_option_stays(text: str, rest: str):
    assert split_flags(text)[0] == rest


@pytest.mark.parametrize(
    "flags",
    [
        "--mode best", "--mode", "--mdoe cheap", "--mode cheap --mode strong",
        "--mode cheap please",
        "--max-tokens 0", "--max-tokens many", "--max-cost -1", "--max-runs-hour 1.5",
        "--input [1]",
        "--input {bad", "--memory all", "--webhook ftp://x", "--webhook https://x --channel y",
        "--delivery none --to 5", "--delivery webhook", "--stop-text ,", '--objective ""',
        "--coordinate", "--ask-agent bob", "--auto-repair", "--primary-source-approval yes",
    ],
)  # fmt: skip
def test_a_wrong_option_is_refused_with_a_sentence(flags: str):
    with pytest.raises(RequestError) as refused:
        split_flags(f"{TEXT} {flags}")
    assert refused.value.code == "INVALID_PARAMS"
    assert "--" in str(refused.value)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str):
    try:
        rest, _ = split_flags(f"{text} --mode cheap")
    except RequestError:
        return
    assert len(rest) <= len(text) + 20


def applied(text: str, policy: Policy | None = None) -> Policy:
    return apply(split_flags(text)[1], policy or Policy())


def test_options_are_a_person_s_choice():
    made = applied("x --mode cheap --memory search --stop-on-success")
    assert (made.mode, made.memory, made.stop) == ("cheap", "search", Stop(on_success=True))
    assert made.chosen == {"mode", "memory", "stop"}
    assert applied("x --tool health").mode == "skill"
    assert applied("x --escalate a/b").mode == "cheap"


def test_a_change_takes_away_what_no_longer_fits():
    skill = applied("x --tool health")
    assert applied("--mode cheap", skill).tool is None
    assert applied("--model a/b", skill).mode == "auto"
    cheap = plan("", "", "", "check the site", Policy())
    assert applied("--model a/b", cheap).mode == "cheap"
    back = applied("--mode auto --model default", applied("--mode strong --model a/b"))
    assert (back.model, back.chosen) == (None, frozenset())


@pytest.mark.parametrize("flags", ["--mode skill", '--input {"a": 1}', "--mode cheap --tool x"])
def test_parts_that_do_not_fit_are_refused(flags: str):
    with pytest.raises(RequestError):
        applied(flags)
