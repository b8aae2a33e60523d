"""Which tools an agent holds: profiles, groups, wildcards, and steps that only take away."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.config.agents import Agent
from bot.config.settings import Sandbox
from bot.tools.policy import GROUPS, NOTHING, PROFILES, ToolPolicy, matches, policy_of

MAIN = "agent:main:main"
CHAT = "agent:main:telegram:bot:group:5"
CHILD = "agent:main:subagent:1"
OFF = Sandbox()
NAMES = sorted({*GROUPS["trunkline"], "weather__today", "pay"})


def policy(tools: dict[str, Any], ref: str = "demo/demo", key: str = MAIN, **more: Any):
    sandbox = Sandbox.model_validate(more.pop("sandbox", {}))
    agent = Agent.model_validate({"id": "main", "tools": tools, **more})
    return policy_of(agent, ref, key, sandbox)


def held(*args: Any, **more: Any) -> set[str]:
    found = policy(*args, **more)
    return {name for name in NAMES if found.allows(name)}


TABLE = [
    ({"profile": "minimal"}, {"session_status"}),
    ({"profile": "minimal", "allow": ["web_*"]}, {"session_status", "web_fetch", "web_search"}),
    ({"profile": "minimal", "allow": ["GROUP:Memory"]}, {"session_status", *GROUPS["memory"]}),
    ({"profile": "full"}, set(NAMES)),
    ({"profile": "full", "deny": ["*"]}, set()),
    ({"profile": "full", "deny": ["group:trunkline"]}, {"weather__today", "pay"}),
    ({"profile": "full", "deny": ["*__*", "PAY"]}, set(NAMES) - {"weather__today", "pay"}),
    ({"profile": "minimal", "allow": ["*"], "deny": ["group:fs", "group:runtime"]},
     set(NAMES) - GROUPS["fs"] - GROUPS["runtime"]),
    ({"profile": "minimal", "allow": ["exec"], "deny": ["exec"]}, {"session_status"}),
    ({"profile": "minimal", "allow": ["group:nothing"]}, {"session_status"}),
    ({"profile": "messaging", "allow": ["weather__*"]}, {*PROFILES["messaging"], "weather__today"}),
]  # fmt: skip


@pytest.mark.parametrize(("tools", "expected"), TABLE)
def test_a_profile_with_what_is_added_and_taken(tools: dict[str, Any], expected: set[str]):
    assert held(tools) == expected


def test_profiles_are_as_the_documentation_says():
    messaging = {
        *("session_status", "message", "sessions_list", "sessions_history", "sessions_send"),
        *("agents_list", "memory_search", "memory_get", "task", "read"),
    }
    coding = messaging | {
        *("write", "edit", "apply_patch", "exec", "process", "web_fetch", "web_search"),
        *("sessions_spawn", "image"),
    }
    assert held({"profile": "messaging"}) == messaging
    assert held({"profile": "coding"}) == coding
    assert {"browser", "nodes", "subagents", "weather__today"} <= held({"profile": "full"})


@pytest.mark.parametrize(
    ("tools", "only"),
    [
        ({"profile": "messaging"}, True),
        ({"profile": "messaging", "allow": ["read"]}, False),
        ({"profile": "messaging", "allow": ["group:fs"]}, False),
        ({"profile": "messaging", "allow": ["web_*"]}, True),
        ({"profile": "coding"}, False),
        ({"profile": "full"}, False),
        ({"profile": "coding", "by_provider": {"demo": {"profile": "messaging"}}}, True),
        ({"profile": "coding", "by_provider": {"other": {"profile": "messaging"}}}, False),
        ({"profile": "coding", "by_provider": {"demo": {"deny": ["exec"]}}}, False),
    ],
)
def test_messaging_reads_files_of_skills_only(tools: dict[str, Any], only: bool):
    assert policy(tools).skills_only is only


def test_a_provider_and_a_model_narrow():
    tools = {
        "profile": "coding",
        "allow": ["weather__*"],
        "by_provider": {
            "OLLAMA": {"profile": "messaging", "allow": ["exec", "browser"]},
            "ollama/tiny": {"deny": ["exec"]},
        },
    }
    assert held(tools) == held(tools, "demo/demo") == PROFILES["coding"] | {"weather__today"}
    narrowed = PROFILES["messaging"] | {"exec"}
    assert held(tools, "ollama/big") == narrowed, "browser is not given back"
    assert held(tools, "Ollama/Tiny") == narrowed - {"exec"}


def test_107_the_sandbox_takes_what_acts_outside_it():
    every = set(NAMES)
    outside = GROUPS["ui"] | GROUPS["nodes"]
    full = {"profile": "full"}
    assert held(full, sandbox={"mode": "all"}) == every - outside
    assert held(full, sandbox={"mode": "non-main"}) == every
    assert held(full, key=CHAT, sandbox={"mode": "non-main"}) == every - outside
    assert held(full, sandbox={"mode": "all", "workspace": "ro"}) == (
        every - outside - {"write", "edit", "apply_patch"}
    )
    assert held(full, sandbox={"mode": "all", "workspace": "none"}) == (
        every - outside - GROUPS["fs"] - {"image"}
    )


def test_a_helper_has_no_session_and_no_system_tools():
    full, every = {"profile": "full"}, set(NAMES)
    without = GROUPS["sessions"] | GROUPS["automation"] | {"agents_list"}
    assert held(full, key=CHILD) == every - without
    deeper = {"subagents": {"max_depth": 2}}
    leads = {"sessions_spawn", "sessions_list", "sessions_history", "subagents"}
    assert held(full, key=CHILD, **deeper) == (every - without) | leads
    assert held(full, key=f"{CHILD}:subagent:2", **deeper) == every - without
    assert held({"profile": "minimal"}, key=CHILD, **deeper) == set()


def test_025_a_payment_is_denied_until_the_agent_may_ask():
    denied = policy({"profile": "full"}).refusal("pay", ["payment"])
    assert denied is not None and "tools.payments is deny" in denied
    assert policy({"profile": "full", "payments": "ask"}).refusal("pay", ["payment"]) is None
    assert policy({"profile": "full"}).refusal("pay", ["other"]) is None
    for payments in ("ask", "deny"):
        refused = policy({"profile": "minimal", "payments": payments}).refusal("pay", ["payment"])
        assert refused == "The tool pay is not allowed for this agent."


def test_nothing_allows_nothing():
    assert not any(NOTHING.allows(name) for name in NAMES)


def test_patterns_are_whole_names():
    assert not matches("web_fetch", ["web", "fetch", "_fetch", "group:web_fetch", ""])
    assert matches("Web_Fetch", ["web_?etch"])


_patterns = st.lists(
    st.sampled_from([*NAMES, *(f"group:{name}" for name in GROUPS), "*", "*_*", "s*", "WEB_*"]),
    max_size=4,
)
_filter = st.fixed_dictionaries(
    {"allow": _patterns, "deny": _patterns},
    optional={"profile": st.sampled_from(list(PROFILES))},
)
_tools = st.fixed_dictionaries(
    {
        "profile": st.sampled_from(list(PROFILES)),
        "allow": _patterns,
        "deny": _patterns,
        "by_provider": st.dictionaries(
            st.sampled_from(["demo", "demo/demo", "other"]), _filter, max_size=3
        ),
    }
)
_sandboxes = st.fixed_dictionaries(
    {
        "mode": st.sampled_from(["off", "non-main", "all"]),
        "workspace": st.sampled_from(["none", "ro", "rw"]),
    }
)


@settings(max_examples=300, deadline=None)
@given(
    tools=_tools,
    sandbox=_sandboxes,
    key=st.sampled_from([MAIN, CHAT, CHILD, f"{CHILD}:subagent:2"]),
    depth=st.integers(0, 3),
)
def test_no_step_ever_gives_back(tools: dict[str, Any], sandbox: Any, key: str, depth: int):
    """Each step alone, and all together, hold a part of what the steps before held."""
    more: dict[str, Any] = {"subagents": {"max_depth": depth}, "sandbox": sandbox}
    whole = policy(tools, key=key, **more)
    before = set(NAMES)
    for number in range(len(whole.steps) + 1):
        part = ToolPolicy(whole.steps[:number])
        now = {name for name in NAMES if part.allows(name)}
        assert now <= before
        before = now
    assert held(tools, key=key, **more) == before
    plain = {"profile": tools["profile"], "allow": tools["allow"], "deny": tools["deny"]}
    assert before <= held(plain), "what an agent does not hold, no provider or session gives it"
    assert not any(matches(name, tools["deny"]) for name in before), "deny wins"
    if policy(plain).skills_only:
        assert whole.skills_only
