"""The model of a session: what is on offer, what is taken, what is refused."""

import pytest

from bot.errors import RequestError
from commands.model import SHOWN
from tests.pure.command_chat import MODELS, STATUS, Agents, Chat, Runs, Sessions


@pytest.mark.parametrize("typed", ["/model", "/model list", "/models"])
async def test_the_choices_are_numbered_and_the_current_one_is_marked(typed: str):
    lines = (await Chat().say(typed)).splitlines()
    assert lines[0] == "Model: `openai/gpt-5`"
    assert lines[2:5] == [
        "1. `demo/demo`",
        "2. `openai/gpt-5` best (current)",
        "3. `openai/o9`, not ready: no key",
    ]
    assert "/model NUMBER" in lines[-1]


async def test_a_long_list_is_cut_and_every_number_still_picks():
    rows = [{**MODELS[0], "ref": f"demo/{n}"} for n in range(1, SHOWN + 6)]
    chat = Chat(agents=Agents(rows=rows))
    assert "5 more, up to number 35." in await chat.say("/model")
    assert await chat.say("/model 35") == "Model for this session: `demo/35`."


async def test_nothing_to_choose_from_is_said():
    chat = Chat(agents=Agents(rows=[]), runs=Runs(now={**STATUS, "model": None}))
    text = await chat.say("/model")
    assert text.startswith("No model is set.") and "no provider is set up" in text


@pytest.mark.parametrize(
    ("typed", "ref"),
    [
        ("/model 1", "demo/demo"),
        ("/model BEST", "openai/gpt-5"),
        ("/model Demo/Demo", "demo/demo"),
        ("/model GPT-5", "openai/gpt-5"),
        ("/model openai/unlisted", "openai/unlisted"),
    ],
)
async def test_a_model_is_picked_by_number_alias_or_ref(typed: str, ref: str):
    chat = Chat()
    assert await chat.say(typed) == f"Model for this session: `{ref}`."
    assert chat.sessions.patches == [{"model": ref}]


async def test_a_model_that_is_not_ready_is_taken_with_a_word():
    assert (await Chat().say("/model 3")).endswith("It is not ready: no key.")


@pytest.mark.parametrize("number", ["0", "4", "9" * 5000, "²"])
async def test_a_number_outside_the_list_changes_nothing(number: str):
    chat = Chat()
    text = await chat.say(f"/model {number}")
    assert "/model" in text and len(text) < 400
    assert chat.sessions.patches == []


@pytest.mark.parametrize("ref", ["openai/gpt-6", "gpt-5-mini", "two words"])
async def test_a_model_outside_the_catalogue_is_refused_by_name(ref: str):
    chat = Chat(sessions=Sessions(refused=RequestError("FORBIDDEN", "not in the list")))
    text = await chat.say(f"/model {ref}")
    assert f"`{ref}` is not in the catalogue." in text and "/model lists" in text


async def test_a_near_miss_is_named():
    chat = Chat(sessions=Sessions(refused=RequestError("NOT_FOUND", "no")))
    assert "Did you mean `openai/gpt-5`?" in await chat.say("/model openai/gpt5")


async def test_a_failure_is_not_called_a_refusal():
    chat = Chat(sessions=Sessions(refused=RequestError("UNAVAILABLE", "Try again in a minute.")))
    assert await chat.say("/model 1") == "Try again in a minute."


@pytest.mark.parametrize("word", ["default", "clear"])
async def test_the_agents_own_model_comes_back(word: str):
    chat = Chat()
    assert "`openai/gpt-5`" in await chat.say(f"/model {word}")
    assert chat.sessions.patches == [{"model": None}]


async def test_model_status_shows_the_provider_and_its_address_to_owners_only():
    row = {**MODELS[1], "api": "openai", "endpoint": "http://10.0.0.7/v1", "contextWindow": 128_000}
    text = await Chat(agents=Agents(rows=[row])).say("/model status")
    assert text.splitlines() == [
        "- Model: `openai/gpt-5`",
        "- Chosen by: session",
        "- Ready: yes",
        "- API: `openai`",
        "- Context window: 128,000 tokens",
    ]
    owner = Chat(owner=True, agents=Agents(rows=[row]))
    assert "`http://10.0.0.7/v1`" in await owner.say("/model status")


async def test_model_status_names_what_is_missing():
    gone = Chat(agents=Agents(rows=[MODELS[0]]))
    assert "Not in the catalogue" in await gone.say("/model status")
    unready = Chat(runs=Runs(now={**STATUS, "model": "openai/o9"}))
    assert "- Ready: no, no key" in await unready.say("/model status")
