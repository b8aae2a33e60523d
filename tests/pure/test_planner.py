"""What a task runs, judged by its words, and the same said in words and as JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import RequestError
from bot.schedule.planner import (
    Action,
    Policy,
    Roles,
    document_of_policy,
    in_words,
    models_for,
    plan,
    policy_of,
)
from bot.schedule.terms import Stop

DEMO = Roles("demo/demo")
SERVICE = (
    "Check provider status with a cheap check first and escalate if deeper analysis is needed."
)
ACTIONS = {
    "wallet": Action("wallet", {"action": "balance"}),
    "health": Action("health", {"action": "status"}),
    "offers": Action("offers", {"action": "list"}),
}

JUDGED = {
    "text": [
        "remind me to stretch", "Reminder: drink water", "remind us that the shop closes at 6",
        "don't forget the milk", "a reminder for the team dinner", "Reminding you to breathe",
        "remind me about mum's birthday", "please remind me of the rent", "reminders for vitamins",
        "don’t forget to call Bob",
    ],
    "cheap": [
        SERVICE, "do a quick scan first, then read on", "a lightweight pass first of the logs",
        "light-weight check first", "start cheap and go on from there",
        "starting cheaply, look at it",
        "look at the feed, escalate if it is odd", "follow up if something is wrong",
        "deeper dive if needed", "deep-dive when it matters", "first a quick check of the queue",
        "a cheap look, then the strong model", "use something quick and go deep on trouble",
        "wallet: quick check first", "escalate when offers change, cheap otherwise",
        "check the site", "monitor https://example.org", "watch the build", "status of the shop",
        "fetch the timetable", "today's headlines", "the price of copper", "availability of seats",
        "something quick", "a simple hello", "any news?", "uptime of the blog",
        "tell me if it rains",
        "let me know when the train is late", "alert me about storms", "weather in Bonn",
        "remind me to check the oven", "remind me to monitor the job",
        "check provider status", "watch the wallet balance",
    ],
    "strong": [
        "research battery makers", "analyse last week", "analyze the tickets", "compare both plans",
        "a strategy for spring", "debug the pipeline", "security of the site",
        "design a logo brief",
        "plan the sprint", "code a small game", "write a poem", "draft the minutes",
        "deep look at churn", "investigate the outage", "audit the accounts", "explain the figures",
        "remind me to research flights", "check and compare the prices", "brainstorm names",
    ],
    "agent": [
        "say good morning", "tell a joke", "greet the team", "what should I cook?",
        "ask Ada how she is", "translate the motto", "count to ten", "tidy the list",
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("mode", "prompt"), [(mode, prompt) for mode, prompts in JUDGED.items() for prompt in prompts]
)
def test_words_decide_what_runs(mode: str, prompt: str):
    assert plan("", "", "", prompt, Policy()).mode == mode


def test_the_sentence_of_the_service_watch_is_a_cheap_check_even_where_a_tool_could_answer():
    made = plan("Service watch", "", "", SERVICE, Policy(), ACTIONS)
    assert (made.mode, made.escalate, made.memory, made.tool) == ("cheap", True, "none", None)
    assert in_words(made, DEMO).startswith("cheap check on demo/demo, escalates to demo/demo (")
    assert made.chosen_by == "planner"


@pytest.mark.parametrize(
    ("prompt", "tool"),
    [
        ("wallet balance please", "wallet"), ("provider health", "health"),
        ("status of the gateway", "health"), ("the newest offers", "offers"),
    ],
)  # fmt: skip
def test_a_question_that_a_tool_answers_needs_no_model(prompt: str, tool: str):
    made = plan("", "", "", prompt, Policy(), ACTIONS)
    assert (made.mode, made.tool, made.tool_input) == ("skill", tool, ACTIONS[tool].input)
    assert in_words(made, DEMO) == f"the tool {tool} alone, without a model"
    assert plan("", "", "", prompt, Policy()).mode != "skill"


@pytest.mark.parametrize(
    "prompt", ["send what is in the wallet", "accept all offers", "restart on bad provider health"]
)
def test_what_changes_something_is_no_question(prompt: str):
    assert plan("", "", "", prompt, Policy(), ACTIONS).mode != "skill"


def test_each_mode_brings_its_memory_and_its_skills():
    assert plan("", "", "", "research batteries", Policy()).memory == "search"
    assert plan("", "", "", "say hello", Policy()).memory == "session-summary"
    assert plan("", "", "", "check https://example.org", Policy()).skills == ("web_fetch",)
    assert plan("", "", "", "check the news", Policy()).skills == ("web_search",)
    assert plan("", "", "", "check the pinned notes", Policy()).memory == "pinned"


def test_what_a_person_fixed_stays():
    fixed = policy_of({"mode": "cheap", "memory": "search", "skills": ["exec"]})
    made = plan("", "", "", "research batteries", fixed)
    assert (made.mode, made.memory, made.skills, made.escalate) == (
        "cheap",
        "search",
        ("exec",),
        True,
    )
    assert made.chosen_by == "user"
    with_model = plan("", "", "", "research batteries", policy_of({"model": "a/b"}))
    assert (with_model.mode, with_model.model) == ("agent", "a/b")
    assert plan("", "", "", SERVICE, policy_of({"model": "a/b"})).mode == "cheap"
    assert plan("", "", "", "x", policy_of({"tool": "health"})).mode == "skill"


def test_a_plan_is_made_anew_for_new_words_but_not_for_the_same():
    first = plan("", "", "", "check the site", Policy(max_cost=0.5))
    assert plan("", "", "", "check the site", first) == first
    second = plan("", "", "", "write a poem", first)
    assert (second.mode, second.escalate, second.max_cost) == ("strong", False, 0.5)


@pytest.mark.parametrize(
    ("policy", "roles", "said"),
    [
        (Policy(mode="cheap"), DEMO,
         "cheap check on demo/demo (no cheap model is set: the agent's own)"),
        (Policy(mode="cheap", escalate=True), Roles("p/p", "c/c", "s/s"),
         "cheap check on c/c, escalates to s/s"),
        (Policy(mode="cheap", escalate=True), Roles("p/p", "router/auto", "s/s"),
         "cheap check on p/p, escalates to s/s (no cheap model is set: the agent's own)"),
        (Policy(mode="cheap", escalate=True, model="m/m", escalation_model="e/e"), DEMO,
         "cheap check on m/m, escalates to e/e"),
        (Policy(mode="strong"), Roles("p/p", "c/c", "s/s"), "strong run on s/s"),
        (Policy(mode="strong"), DEMO,
         "strong run on demo/demo (no strong model is set: the agent's own)"),
        (Policy(mode="agent", model="m/m"), DEMO, "agent turn on m/m"),
        (Policy(mode="text"), DEMO, "the text as it is, without a model"),
        (Policy(mode="agent", target="main", max_runs_per_hour=1, stop=Stop(max_runs=3)), DEMO,
         "agent turn on demo/demo, in the session itself; at most 1 run an hour; "
         "stops after 3 runs"),
    ],
)  # fmt: skip
def test_the_plan_in_words(policy: Policy, roles: Roles, said: str):
    assert in_words(policy, roles) == said


def test_nothing_is_asked_without_a_model():
    assert models_for(Policy(mode="text"), DEMO) == (None, None, ())
    assert models_for(Policy(mode="cheap", escalate=True, max_escalations=0), DEMO)[1] is None


@given(
    st.builds(
        Policy,
        mode=st.sampled_from(["auto", "cheap", "strong", "agent"]),
        escalate=st.booleans(),
        memory=st.sampled_from(["none", "search", "pinned"]),
        max_cost=st.none() | st.floats(0, 1000),
        max_tokens=st.none() | st.integers(1, 10**6),
        missed=st.sampled_from([None, "skip", "all"]),
        stop=st.builds(Stop, st.booleans(), st.just(("done",)), st.none() | st.integers(1, 9)),
        chosen=st.frozensets(st.sampled_from(["mode", "memory", "stop"])),
    )
)
def test_a_policy_comes_back_from_its_document(policy: Policy):
    assert policy_of(json.loads(json.dumps(document_of_policy(policy)))) == policy


@pytest.mark.parametrize(
    "document",
    [
        [], "cheap", {"mood": 1}, {"mode": "best"}, {"mode": ["cheap"]}, {"escalate": "yes"},
        {"maxTokens": 0}, {"maxTokens": True}, {"maxCost": -1}, {"maxCost": float("nan")},
        {"stop": {"onFire": True}}, {"stop": {"maxRuns": 0}}, {"skills": [1]}, {"model": " "},
        {"mode": "skill"}, {"toolInput": {}}, {"mode": "cheap", "tool": "x"},
        {"mode": "text", "model": "a/b"}, {"target": "there"},
    ],
)  # fmt: skip
def test_a_wrong_policy_is_refused_with_a_sentence(document: object):
    with pytest.raises(RequestError) as refused:
        policy_of(document)
    assert refused.value.code == "INVALID_PARAMS"
    assert " " in str(refused.value)
