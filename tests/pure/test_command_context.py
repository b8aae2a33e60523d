"""`/context` and `/skill` as people see them."""

import json
from typing import Any

import pytest

from tests.pure.command_chat import Chat, Context

NOW: dict[str, Any] = {
    "mode": "full",
    "model": "demo/demo",
    "used": 3200,
    "limit": 128_000,
    "system": {"chars": 4000, "tokens": 1000},
    "sections": [{"name": "identity", "chars": 40, "tokens": 10}],
    "files": [
        {"name": "AGENTS.md", "state": "cut", "rawChars": 30_000, "injectedChars": 18_060,
         "tokens": 4515},
        {"name": "SOUL.md", "state": "missing", "rawChars": 0, "injectedChars": 20, "tokens": 5},
    ],
    "skills": [{"name": "bread", "rawChars": 900, "chars": 150, "tokens": 38}],
    "tools": [{"name": "read", "descriptionChars": 90, "schemaChars": 200, "tokens": 80}],
    "toolTokens": 80,
}  # fmt: skip


def row(name: str, **more: Any) -> dict[str, Any]:
    plain = {"description": "Does a thing.", "location": f"skills/{name}/SKILL.md", "tool": None}
    return {"name": name, "ready": True, "reason": None, "userInvocable": True, **plain, **more}


SKILLS = (
    row("bread"),
    row("bread rolls"),
    row("git log", tool="exec"),
    row("broken", ready=False, reason="install git"),
    row("secret", userInvocable=False),
)


def chat(**context: Any) -> Chat:
    return Chat(known=Context(**context))


async def test_the_short_form_has_totals_and_files():
    lines = (await chat(now=NOW).say("/context")).splitlines()
    assert lines[0] == "- Context: 3,200 of 128,000 tokens (2%), model `demo/demo`"
    assert "  - `AGENTS.md`: 30,000 characters, 18,060 given (cut), 4,515 tokens" in lines
    assert "  - `SOUL.md`: missing" in lines and "- Tools: 1 tool, 80 tokens" in lines


async def test_the_long_form_has_every_part_and_json_is_the_document():
    said = await chat(now=NOW).say("/context detail")
    for part in ("`identity`: 40 characters", "`bread`: 150 characters", "`read`: 90 + 200"):
        assert part in said
    document = await chat(now=NOW).say("/context json")
    assert json.loads(document.split("```")[1].removeprefix("json")) == NOW


async def test_another_word_names_the_choices():
    assert "Use list, detail or json." in await chat(now=NOW).say("/context all")


async def test_skills_for_people_are_listed():
    said = await chat(rows=SKILLS).say("/skill")
    assert "- `bread`: Does a thing." in said and "secret" not in said and "broken" not in said
    assert "no skills that you can use" in await chat().say("/skill")


@pytest.mark.parametrize(
    ("typed", "then"),
    [
        ("/skill bread", "Use the skill bread: read skills/bread/SKILL.md and follow it."),
        ("/skill BREAD", "Use the skill bread: read skills/bread/SKILL.md and follow it."),
        (
            "/skill bread rolls for  six\nplease",
            "Use the skill bread rolls: read skills/bread rolls/SKILL.md and follow it.\n\n"
            "for  six\nplease",
        ),
        ("/skill git  log -n  3", "/skill git log -n  3"),
        ("/skill git log", "/skill git log"),
    ],
)
async def test_a_skill_sends_on_what_it_shall_do(typed: str, then: str):
    assert (await chat(rows=SKILLS).answer(typed)).then == then


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("/skill broken", "The skill `broken` is not ready: install git."),
        ("/skill secret", "There is no skill `secret`. `/skill` lists them."),
        ("/skill bred", "There is no skill `bred`. Did you mean `bread`? `/skill` lists them."),
        ("/skill breadth", "There is no skill `breadth`. Did you mean `bread`?"),
    ],
)
async def test_what_cannot_be_used_is_told(typed: str, answer: str):
    given = await chat(rows=SKILLS).answer(typed)
    assert given.text.startswith(answer) and given.then is None
