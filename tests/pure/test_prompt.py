"""The system prompt: its sections in order, what each mode leaves out, and what fits."""

from html import escape
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.context.bootstrap import FILES, MAX_FILE, fitted, wanted
from bot.context.dispatch import dispatched
from bot.context.prompt import system_prompt
from bot.context.reading import Text
from bot.context.report import report
from bot.context.scene import AgentPrompt, Asked, ContextFile, Scene, Skill
from bot.context.sections import sections, skills_text
from bot.types import ToolSpec

AGENT = AgentPrompt("Ada", "Speak like a sailor.", "Europe/Berlin")
TOOLS = ("read", "write", "message", "memory_search", "session_status")
ASKED = Asked("demo/demo", "low", "on", TOOLS)
NOTES = ContextFile("AGENTS.md", 5, "Hello", "whole")


def skill(name: str, about: str = "Does a thing.") -> Skill:
    return Skill(name, about, f"skills/{name}/SKILL.md", Path("/x") / name, "BODY-OF-IT")


FULL = Scene(
    channel="telegram",
    kind="group",
    place_prompt="This is the kitchen.",
    files=(NOTES,),
    skills=(skill("bread"),),
)


def names(scene: Scene, asked: Asked = ASKED, extra: str | None = "Only now.") -> list[str]:
    return [part.name for part in sections(AGENT, scene, asked, extra)]


def test_the_sections_stand_in_their_order():
    assert names(FULL) == [
        *("identity", "tools", "safety", "skills", "memory", "workspace", "time", "reply"),
        *("silence", "runtime", "reasoning", "files", "agent", "place", "run"),
    ]


def test_the_minimal_prompt_of_a_helper_leaves_out_what_it_has_no_use_for():
    scene = Scene(mode="minimal", kind="group", files=(NOTES,), skills=FULL.skills)
    left = {"memory", "reply", "silence", "reasoning", "place"}
    assert names(scene) == [name for name in names(FULL) if name not in left]


def test_without_sections_there_is_who_it_is_and_what_this_run_says():
    assert names(Scene(mode="none", files=(NOTES,))) == ["identity", "agent", "run"]


@pytest.mark.parametrize(
    ("scene", "silent"),
    [
        (Scene(channel="x", kind="direct"), False),
        (Scene(), False),
        (Scene(channel="x", kind="group"), True),
        (Scene(channel="x", kind="channel"), True),
        (Scene(internal=True), True),
    ],
)
def test_silence_is_for_groups_and_internal_turns(scene: Scene, silent: bool):
    assert ("NO_REPLY" in system_prompt(AGENT, scene, ASKED)) is silent


@pytest.mark.parametrize("quotes", [True, False])
def test_quoting_is_explained_where_it_is_possible(quotes: bool):
    said = system_prompt(AGENT, Scene(channel="x", quotes=quotes), Asked("demo/demo"))
    assert ("[[reply_to_current]]" in said) is quotes


def test_what_a_run_adds_comes_last_so_that_all_before_it_can_be_cached():
    plain = system_prompt(AGENT, FULL, ASKED)
    assert system_prompt(AGENT, FULL, ASKED, "Be brief.") == f"{plain}\n\nBe brief."


def test_a_model_without_the_tools_hears_nothing_of_them():
    said = system_prompt(AGENT, FULL, Asked("demo/demo"))
    for word in ("memory_search", "available_skills", "workspace is", "Your tools"):
        assert word not in said


PLAIN = st.text(min_size=1, max_size=40)


@given(st.lists(st.tuples(PLAIN, PLAIN), min_size=1, max_size=8))
def test_the_list_of_skills_costs_what_its_formula_says(known: list[tuple[str, str]]):
    held = tuple(skill(name, about) for name, about in known)
    fields = [(one.name, one.description, one.location) for one in held]
    text = skills_text(held)
    assert len(text) == 195 + sum(97 + sum(len(escape(each)) for each in one) for one in fields)
    assert "BODY-OF-IT" not in text


def test_a_skill_for_people_only_is_not_listed_and_no_skill_costs_nothing():
    hidden = Skill("x", "y", "z", Path("/x"), "", for_model=False)
    assert skills_text((hidden,)) == skills_text(()) == ""


def test_more_skills_than_there_is_room_for_are_left_out():
    many = tuple(skill(f"s{number}", "d" * 1000) for number in range(200))
    assert 20_000 < len(skills_text(many)) < 31_000
    assert skills_text(tuple(skill(f"s{n}", "") for n in range(400))).count("<skill>") == 150


def test_a_long_file_keeps_its_head_and_its_tail_with_a_marker_between():
    text = "a" * 14_000 + "b" * 50_000 + "c" * 4_000
    [file] = fitted([("AGENTS.md", Text(text))])
    assert (file.state, file.raw) == ("cut", 68_000)
    assert file.text.startswith("a" * 14_000 + "\n[... 50,000 characters of AGENTS.md were cut")
    assert file.text.endswith("]\n" + "c" * 4_000)


def test_all_files_together_have_a_limit():
    given = [(f"{number}.md", Text("x" * 30_000)) for number in range(12)]
    files = fitted(given)
    assert sum(len(file.text) for file in files) <= 150_000
    assert [file.state for file in files][:7] == ["cut"] * 7
    assert files[-1].state == "left out"


@given(
    st.lists(st.integers(0, 40_000), max_size=14), st.integers(0, 30_000), st.integers(0, 90_000)
)
def test_no_size_of_files_breaks_a_limit(sizes: list[int], each: int, total: int):
    files = fitted([(f"{at}.md", Text("é" * size)) for at, size in enumerate(sizes)], each, total)
    assert all(len(file.text) <= each for file in files)
    assert sum(len(file.text) for file in files) <= total


def test_a_missing_file_leaves_a_marker_where_it_is_expected():
    gone = Text(problem="it is not there", missing=True)
    files = {file.name: file.text for file in fitted([(name, gone) for name in FILES])}
    assert files["AGENTS.md"] == "[AGENTS.md is missing]"
    assert files["MEMORY.md"] == files["USER.md"] == files["BOOTSTRAP.md"] == ""


def test_groups_never_get_the_curated_page_and_helpers_get_two_files():
    assert "MEMORY.md" in wanted("full", True)
    assert "MEMORY.md" not in wanted("full", False)
    assert wanted("minimal", True) == ("AGENTS.md", "TOOLS.md")
    assert wanted("none", True) == ()


def test_the_report_counts_every_part():
    specs = [ToolSpec("read", "Reads.", {"type": "object"})]
    now = report(AGENT, FULL, ASKED, specs, used=10, limit=1000)
    assert now["files"] == [
        {"name": "AGENTS.md", "state": "whole", "rawChars": 5, "injectedChars": 5, "tokens": 2}
    ]
    assert [one["name"] for one in now["skills"]] == ["bread"]
    assert now["skills"][0]["rawChars"] == len("BODY-OF-IT")
    assert now["tools"][0]["schemaChars"] == len('{"type": "object"}')
    between = 2 * (len(now["sections"]) - 1)
    assert now["system"]["chars"] == sum(one["chars"] for one in now["sections"]) + between
    assert now["system"]["chars"] == len(system_prompt(AGENT, FULL, ASKED))


def test_only_a_skill_with_a_tool_is_dispatched_and_the_longest_name_counts():
    tool = Skill("run", "d", "l", Path("/x"), "", tool="exec")
    longer = Skill("run all", "d", "l", Path("/x"), "", tool="exec")
    scene = Scene(skills=(tool, longer, skill("bread")))
    found = dispatched(scene, "/skill run all  now; please")
    assert found is not None and (found.skill, found.args) == (longer, "now; please")
    for text in ("/skill bread x", "say /skill run", "/skill runner", "/skill"):
        assert dispatched(scene, text) is None


def test_a_file_of_exactly_the_limit_is_whole():
    [file] = fitted([("AGENTS.md", Text("x" * MAX_FILE))])
    assert file.state == "whole"
