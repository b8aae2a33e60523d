"""Commands as a person meets them: what is typed, what is answered, and what changed behind it."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from bot.errors import RequestError
from bot.types import CommandContext, CommandInfo
from commands import agent, command, session, table
from commands.words import GREETING, one_of
from tests.pure.command_chat import BASE, MODELS, STATUS, Agents, Chat, Runs, Sessions, add


async def test_help_fits_one_phone_screen_and_names_every_command():
    text = await Chat().say("/help")
    assert len(text.splitlines()) <= 12
    assert {f"/{info.name}" for info in table().infos} <= set(re.findall(r"/\w+", text))


async def test_help_begins_with_what_helps_most():
    unready = Chat(agents=Agents(rows=[{**MODELS[0], "ready": False}]))
    assert (await unready.say("/help")).startswith("No model is ready yet: /model")
    running = Chat(runs=Runs(now={**STATUS, "running": True}))
    assert (await running.say("/help")).startswith("A run is active: /stop")
    demo = Chat(runs=Runs(now={**STATUS, "demo": True}))
    assert "demo model" in (await demo.say("/help")).splitlines()[0]


async def test_help_stays_short_however_many_commands_there_are():
    many = [CommandInfo(f"c{n}", "helps", group=f"Group {n}") for n in range(50)]
    assert len((await Chat(infos=many).say("/help")).splitlines()) <= 12


async def test_help_explains_one_command():
    text = await Chat().say("/help /whoami")
    assert "`/whoami`" in text and "/id" in text
    assert "Did you mean `session`?" in await Chat().say("/help sesion")


async def test_commands_lists_all_with_a_line_each():
    lines = (await Chat().say("/commands")).splitlines()
    assert all(f"- /{info.name}: {info.help}" in lines for info in table().infos)


async def test_owner_commands_are_shown_to_owners_and_refused_to_others():
    @command("close_shop", owner=True)
    async def close_shop(ctx: CommandContext) -> str:
        """Close."""
        return "Closed."

    other, owner = (Chat(owner=flag, infos=[close_shop.info]) for flag in (False, True))
    assert "close_shop" not in await other.say("/commands")
    assert "close_shop" in await owner.say("/commands")
    refusal = await close_shop(other.context("close_shop"))
    assert refusal.text == "Only an owner can use /close_shop."
    assert (await close_shop(owner.context("close_shop"))).text == "Closed."


async def test_status_shows_what_the_next_run_will_use():
    lines = (await Chat().say("/status")).splitlines()
    assert lines == [
        "- Version: 0.1.0",
        "- Agent: `main`",
        f"- Session: `Main` `{BASE}`",
        "- Model: `openai/gpt-5` (session)",
        "- Thinking: low, verbose off, reasoning off",
        "- Context: 1,500 of 200,000 tokens (1%)",
        "- Compactions: 1",
        "- Queue: collect, idle, 2 waiting",
        "- Usage: 1,200 tokens in, 34 out, $0.0125",
    ]


async def test_status_of_the_demo_says_that_it_is_no_ai():
    now = {**STATUS, "demo": True, "running": True, "cost": None, "contextLimit": None}
    text = await Chat(runs=Runs(now=now)).say("/status")
    assert "demo model, no AI" in text and "running" in text and "limit unknown" in text
    assert "$" not in text
    assert "- Model: none" in await Chat(runs=Runs(now={**now, "model": None})).say("/status")


@pytest.mark.parametrize("typed", ["/whoami", "/id", "/WHOAMI"])
async def test_whoami_names_person_channel_and_account(typed: str):
    text = await Chat(owner=True).say(typed)
    assert "- Id: `12345`" in text and text.count("`telegram`") == 2 and "Owner: yes" in text
    assert "`Ada 'Lovelace'`" in text


@pytest.mark.parametrize(
    ("stopped", "said"),
    [
        ((0, 0), "Nothing is running."),
        ((1, 0), "Stopped."),
        ((1, 1), "Stopped. Withdrew 1 waiting message."),
        ((2, 3), "Stopped 2 runs. Withdrew 3 waiting messages."),
    ],
)
async def test_stop_says_what_it_ended(stopped: tuple[int, int], said: str):
    assert await Chat(runs=Runs(stopped)).say("/stop") == said


@pytest.mark.parametrize("name", ["new", "reset"])
async def test_a_fresh_start_greets_or_takes_the_first_message(name: str):
    chat = Chat()
    assert (await chat.answer(f"/{name}")).then == GREETING
    assert (await chat.answer(f"/{name} Plan a trip\nto Rome")).then == "Plan a trip\nto Rome"
    assert chat.sessions.resets == [name, name]
    assert chat.sessions.patches == []


@pytest.mark.parametrize(
    ("typed", "ref", "then"),
    [
        ("/new best hello there", "openai/gpt-5", "hello there"),
        ("/new OpenAI/GPT-5", "openai/gpt-5", GREETING),
        ("/new openai hello", "openai/gpt-5", "hello"),
        ("/new opnai", "openai/gpt-5", GREETING),
        ("/new openai/unlisted hi", "openai/unlisted", "hi"),
        ("/new opnai hi", None, "opnai hi"),
        ("/new and/or", None, "and/or"),
    ],
)
async def test_new_takes_a_leading_model(typed: str, ref: str | None, then: str):
    chat = Chat()
    assert (await chat.answer(typed)).then == then
    assert chat.sessions.patches == ([{"model": ref}] if ref else [])


async def test_new_with_a_refused_model_resets_nothing():
    chat = Chat(sessions=Sessions(refused=RequestError("FORBIDDEN", "no")))
    answer = await chat.answer("/new openai/other hi")
    assert "`openai/other`" in answer.text and "/model" in answer.text
    assert (answer.then, chat.sessions.resets) == (None, [])


async def test_session_new_names_the_session_and_says_the_way_back():
    chat = Chat()
    assert "`Trip to Rome`" in await chat.say("/session NEW  Trip  to Rome")
    assert "`Chat 2`" in await chat.say("/session new")
    assert chat.sessions.key == f"{BASE}:chat:chat-2"


@pytest.mark.parametrize("typed", ["/session", "/session current"])
async def test_session_shows_label_and_key(typed: str):
    chat = Chat()
    assert await chat.say(typed) == f"Session `Main`\n\nKey `{BASE}`"
    await chat.say("/session new Trip")
    assert await chat.say(typed) == f"Session `Trip`\n\nKey `{BASE}:chat:trip`"


async def test_session_list_begins_with_main_then_the_newest():
    chat = Chat()
    for at, label in enumerate(("Old", "New")):
        add(chat.sessions, label, at)
    assert await chat.say("/session list") == "- `Main` (active)\n- `New`\n- `Old`"
    await chat.say("/session switch old")
    assert await chat.say("/session list") == "- `Main`\n- `New`\n- `Old` (active)"


@pytest.mark.parametrize("active", [0, 24, None])
async def test_session_list_counts_the_rest_and_marks_exactly_one(active: int | None):
    chat = Chat()
    made = [add(chat.sessions, f"Chat {n}", n) for n in range(25)]
    chat.sessions.key = BASE if active is None else made[active].key
    text = await chat.say("/session list")
    assert text.endswith("… and 5 more.")
    assert (text.count("- `"), text.count("(active)")) == (21, 1)


async def test_session_switch_goes_there_and_back():
    chat = Chat()
    add(chat.sessions, "Trip")
    assert await chat.say("/session switch trip") == "Now in `Trip`."
    for back in ("/session main", "/session switch", "/session switch MAIN", "/session close"):
        assert "Now in `Main`." in await chat.say(back)
        await chat.say("/session switch trip")


async def test_session_switch_to_an_unknown_name_hints_and_changes_nothing():
    chat = Chat()
    await chat.say("/session new Trip")
    text = await chat.say("/session switch tripp")
    assert "`tripp`" in text and "Did you mean `Trip`?" in text and "/session list" in text
    assert chat.sessions.key == f"{BASE}:chat:trip"


async def test_session_rename_needs_a_name_a_named_session_and_a_free_label():
    chat = Chat()
    assert "/session new NAME" in await chat.say("/session rename Home")
    assert chat.sessions.known[BASE].label == ""
    for label in ("Trip", "Work"):
        await chat.say(f"/session new {label}")
    assert "/session rename NAME" in await chat.say("/session rename")
    assert await chat.say("/session rename Trip") == "Another session here is called Trip."
    assert await chat.say("/session rename Job") == "This session is now called `Job`."


async def test_session_close_keeps_what_it_leaves():
    chat = Chat()
    assert await chat.say("/session close") == "Now in `Main`."
    await chat.say("/session new Trip")
    assert "`Trip` is kept" in await chat.say("/session close")


@pytest.mark.parametrize(("name", "subs"), [("session", session.SUBS), ("agent", agent.SUBS)])
async def test_an_unknown_sub_command_names_the_valid_ones(name: str, subs: Mapping[str, Any]):
    text = await Chat().say(f"/{name} dance")
    assert text == f"There is no `/{name} dance`. Use {one_of(subs)}."


async def test_agent_shows_and_lists():
    chat = Chat()
    assert "`main`" in await chat.say("/agent")
    assert await chat.say("/agent list") == (
        "- `main` Assistant (current, default)\n- `support` Support (disabled)"
    )


@pytest.mark.parametrize(
    ("chat", "said", "now"),
    [
        (Chat(direct=True), "`support`", "support"),
        (Chat(direct=False, owner=True), "`support`", "support"),
        (Chat(direct=False), "Only an owner", "main"),
        (Chat(web=True, owner=True), "beside the chat", "main"),
    ],
)
async def test_agent_switch_asks_for_the_right_place_and_person(chat: Chat, said: str, now: str):
    assert said in await chat.say("/agent switch support")
    assert chat.agents.current == now


async def test_agent_switch_to_nobody_hints_and_changes_nothing():
    chat = Chat()
    assert "Did you mean `support`?" in await chat.say("/agent switch suport")
    assert "/agent switch NAME" in await chat.say("/agent switch")
    assert chat.agents.current == "main"


async def test_approve_lists_decides_and_is_silent_for_a_button():
    chat = Chat()
    assert await chat.say("/approve") == "Nothing waits for approval here."
    chat.approvals.rows.append({"code": "4F7K", "tool": "exec", "command": "ls -l"})
    assert "- 4F7K: exec `ls -l`" in await chat.say("/approve")
    assert "allow-once" in await chat.say("/approve 4F7K maybe")
    assert await chat.say("/approve 4F7K ALLOW-ONCE") == "Allowed once: `ls -l`"
    assert chat.approvals.decided == [("4F7K", "allow-once")]
    chat.approvals.refusal = RequestError("CONFLICT", "Approval 4F7K is denied already.")
    assert await chat.say("/approve 4F7K deny") == "Approval 4F7K is denied already."
