"""Calls from a Mattermost server: nothing passes without its proof, and nothing twice or late."""

import base64
import json
from urllib.parse import parse_qs, urlencode

import pytest

from adapters.fakes.mattermost import FakeMattermost
from adapters.mattermost.commands import SlashCommands
from bot.contract import Button, CommandSpec, HttpRequest, Ref, Reply
from bot.errors import Refused
from tests.contracts.mattermost_support import CALLBACK, Core, connected, listening, place, request

BUTTONS = (Button("Allow", "approve:1", "primary"), Button("Deny", "deny:1", "danger"))
MENU = [
    CommandSpec("status", "where things stand"),
    CommandSpec("approve", "for owners", owner=True),
    CommandSpec("Odd Name", "no trigger"),
    CommandSpec("new", ""),
]
JSON = "application/json"


@pytest.fixture
async def fake():
    async with FakeMattermost() as server:
        yield server


@pytest.fixture
def core():
    return Core()


@pytest.fixture
async def bot(fake, core):
    async with listening(
        fake, core, callback_url=CALLBACK, command_tokens="byhand1, byhand2"
    ) as it:
        yield it


def aged(trigger: str, seconds: float) -> str:
    """A trigger id as it would have been made earlier."""
    name, user, at, signature = base64.b64decode(trigger).decode().split(":")
    text = f"{name}:{user}:{int(at) - int(seconds * 1000)}:{signature}"
    return base64.b64encode(text.encode()).decode()


async def shown(bot, fake) -> Ref:
    return await bot.send(place(fake.world.town), Reply("May I?", buttons=BUTTONS), "k")


async def test_buttons_are_seen_and_a_press_comes_back(fake, core, bot):
    ref = await shown(bot, fake)
    actions = fake.world.posts[ref.id]["props"]["attachments"][0]["actions"]
    assert [(a["name"], a["style"]) for a in actions] == [("Allow", "primary"), ("Deny", "danger")]
    assert all(a["id"].isalnum() for a in actions)
    url, body = fake.press(ref.id, 1)
    answer = await bot.handle(request(json.dumps(body), JSON), core)
    assert (url, answer.status, json.loads(answer.body)) == (CALLBACK, 200, {})
    message = core.messages[0]
    assert (message.change, message.action.value, message.ref.id) == ("action", "deny:1", ref.id)
    assert (message.author.id, message.author.name) == (fake.world.ada, "Ada Lovelace")
    assert (message.kind, message.address.thread) == ("channel", None)


async def test_a_press_in_a_thread_is_answered_there(fake, core, bot):
    root = fake.say(fake.world.town, "question")
    there = place(fake.world.town, root)
    ref = await bot.send(there, Reply("May I?", buttons=BUTTONS), "k")
    _, body = fake.press(ref.id)
    await bot.handle(request(json.dumps(body), JSON), core)
    assert core.messages[-1].address == there


async def test_one_press_told_twice_has_one_version_and_two_have_two(fake, core, bot):
    ref = await shown(bot, fake)
    first, second = fake.press(ref.id)[1], fake.press(ref.id)[1]
    for body in (first, first, second):
        await bot.handle(request(json.dumps(body), JSON), core)
    versions = [message.version for message in core.messages]
    assert versions[0] == versions[1] != versions[2]


def changed(body: dict, **context: object) -> dict:
    return {**body, "context": {**body["context"], **context}}


async def test_what_proves_nothing_is_refused_without_a_word(fake, core, bot):
    ref = await shown(bot, fake)
    _, body = fake.press(ref.id)
    wrong = [
        changed(body, value="approve:2"),
        changed(body, value=""),
        changed(body, value=5),
        changed(body, thread="a" * 26),
        changed(body, signature=""),
        changed(body, signature=None),
        changed(body, signature="é" * 64),
        changed(body, signature=body["context"]["signature"].upper()),
        changed(body, conversation=fake.world.room),
        {**changed(body, conversation=fake.world.room), "channel_id": fake.world.room},
        {**body, "channel_id": fake.world.room},
        {**body, "context": None},
        {**body, "context": []},
        {**body, "context": {}},
        {**body, "command": "/status"},
        {**body, "trigger_id": aged(body["trigger_id"], 600)},
        {**body, "trigger_id": aged(body["trigger_id"], -600)},
        [],
        None,
        "text",
    ]
    answers = [await bot.handle(request(json.dumps(one), JSON), core) for one in wrong]
    answers += [await bot.handle(request(text, JSON), core) for text in ("", "{", "[" * 100_000)]
    assert {(answer.status, answer.body) for answer in answers} == {(401, b"")}
    assert (core.messages, core.refused) == ([], [])


async def test_a_signature_outlives_a_restart_and_dies_with_the_token(fake, core, bot):
    ref = await shown(bot, fake)
    _, body = fake.press(ref.id)
    call = request(json.dumps(body), JSON)
    async with listening(fake, Core(), callback_url=CALLBACK) as later:
        assert (await later.handle(call, core)).status == 200
    fake.token = fake.sockets._token = "another0token"
    async with listening(fake, Core(), callback_url=CALLBACK) as other:
        assert (await other.handle(call, core)).status == 401


@pytest.mark.parametrize("field", ["user_id", "post_id", "trigger_id"])
async def test_what_proves_itself_but_makes_no_sense_is_put_aside(fake, core, bot, field):
    ref = await shown(bot, fake)
    body = {**fake.press(ref.id)[1], field: None}
    assert (await bot.handle(request(json.dumps(body), JSON), core)).status == 400
    assert (core.messages, len(core.refused)) == ([], 1)


async def test_commands_are_made_once_and_kept_in_step(fake, core, bot):
    await bot.publish_commands(MENU)
    await bot.publish_commands(MENU)
    there = {one["trigger"]: one for one in fake.world.commands.values()}
    assert sorted(there) == ["trunk-bot-new", "trunk-bot-status"]
    assert there["trunk-bot-status"]["auto_complete_desc"] == "where things stand"
    assert len(fake.called("CreateCommand")) == 2
    await bot.publish_commands([CommandSpec("status", "changed")])
    there = {one["trigger"]: one for one in fake.world.commands.values()}
    assert [(name, one["auto_complete_desc"]) for name, one in there.items()] == [
        ("trunk-bot-status", "changed")
    ]


async def test_what_others_made_is_left_alone(fake, core, bot):
    theirs = {"team_id": fake.world.team, "trigger": "trunk-bot-status", "url": "https://else"}
    fake.world.commands["theirs"] = {"id": "theirs", "token": "t", **theirs}
    await bot.publish_commands(MENU)
    assert fake.world.commands["theirs"]["url"] == "https://else"
    assert len(fake.called("CreateCommand")) == 1


async def test_a_bot_without_the_permission_is_told(fake, core, bot):
    fake.fail("CreateCommand", status=403, message="permissions")
    with pytest.raises(Refused, match="permissions"):
        await bot.publish_commands(MENU)


async def test_a_server_that_is_away_is_asked_again(fake, core, bot):
    fake.fail("ListCommands", status=503, times=3)
    await bot.publish_commands(MENU)
    assert len(fake.world.commands) == 2


async def test_a_slash_command_comes_as_one(fake, core, bot):
    await bot.publish_commands(MENU)
    direct = fake.world.direct(fake.world.me, fake.world.bob)
    url, token, form = fake.command(direct, "/trunk-bot-status all of it", sender=fake.world.bob)
    for headers in ({}, {"authorization": f"Token {token}"}):
        assert (await bot.handle(request(form, **headers), core)).status == 200
    message = core.messages[0]
    assert (url, message.change, message.kind) == (CALLBACK, "command", "direct")
    assert (message.command.name, message.command.args) == ("status", "all of it")
    assert message.author.name == "Bobby"
    assert len({message.version for message in core.messages}) == 1
    # What comes back to it is a post like any other: there is nothing to quote.
    await bot.send(message.address, Reply("fine", reply_to=message.ref.id), "k")
    assert fake.visible(direct) == ["fine"]


async def test_a_command_made_by_hand_is_known_by_its_token(fake, core, bot):
    await bot.publish_commands(MENU)
    _, _, form = fake.command(fake.world.town, "/trunk-bot-new")
    fields = {name: values[0] for name, values in parse_qs(form, keep_blank_values=True).items()}
    by_hand = urlencode({**fields, "token": "byhand2", "command": "/ask"})
    assert (await bot.handle(request(by_hand), core)).status == 200
    assert core.messages[0].command.name == "ask"


async def test_a_command_without_its_token_is_refused_without_a_word(fake, core, bot):
    await bot.publish_commands(MENU)
    _, token, form = fake.command(fake.world.town, "/trunk-bot-status")
    fields = {name: values[0] for name, values in parse_qs(form, keep_blank_values=True).items()}
    late = aged(fields["trigger_id"], 600)
    wrong = [
        urlencode({**fields, "token": "wrong"}),
        urlencode({**fields, "token": ""}),
        urlencode({**fields, "token": "é"}),
        urlencode({name: value for name, value in fields.items() if name != "token"}),
        urlencode({name: value for name, value in fields.items() if name != "command"}),
        f"{form}&token={token}",
        f"{form}&context=x",
        urlencode({**fields, "trigger_id": late}),
        "token=%FF&command=/x",
        "&".join(["a=b"] * 1000),
        "é",
        "",
    ]
    answers = [await bot.handle(request(text), core) for text in wrong]
    answers.append(await bot.handle(request(form, authorization="Token wrong"), core))
    answers.append(await bot.handle(request(form, JSON), core))
    answers.append(await bot.handle(HttpRequest("POST", "/", {}, {}, b"\xff\x00"), core))
    assert {(answer.status, answer.body) for answer in answers} == {(401, b"")}
    assert (core.messages, core.refused) == ([], [])


async def test_nothing_is_confirmed_that_is_not_stored(fake, core, bot):
    await bot.publish_commands(MENU)
    _, _, form = fake.command(fake.world.town, "/trunk-bot-status now")
    core.full = ["/status now"]
    assert (await bot.handle(request(form), core)).status == 503
    assert (await bot.handle(request(form), core)).status == 200
    assert core.texts == ["/status now"]


async def test_a_look_up_that_fails_costs_the_name_only(fake, core, bot):
    await bot.publish_commands(MENU)
    _, _, form = fake.command(fake.world.direct(fake.world.me, fake.world.bob), "/trunk-bot-status")
    fake.fail("GetUser", status=503)
    fake.fail("GetChannel", status=503)
    assert (await bot.handle(request(form), core)).status == 200
    assert (core.messages[0].author.name, core.messages[0].kind) == ("ada", "direct")


async def test_without_an_address_there_is_no_door_and_no_button(fake, core):
    async with listening(fake, core) as bot:
        ref = await shown(bot, fake)
        assert "attachments" not in fake.world.posts[ref.id]["props"]
        assert (await bot.handle(request("token=x&command=/x"), core)).status == 404


async def test_before_it_is_up_it_asks_to_come_back(fake, core):
    fake.fail("GetUser", hang=True)
    async with connected(fake, core, callback_url=CALLBACK) as bot:
        assert (await bot.handle(request("token=x&command=/x"), core)).status == 503


async def test_buttons_go_when_the_post_is_edited_and_the_key_stays(fake, core, bot):
    ref = await shown(bot, fake)
    key = {name: value for name, value in fake.world.posts[ref.id]["props"].items()}
    await bot.edit(ref, Reply("Allowed by Ada"))
    assert fake.world.posts[ref.id]["message"] == "Allowed by Ada"
    assert fake.world.posts[ref.id]["props"] == {"trunkline_key": key["trunkline_key"]}
    await bot.edit(ref, Reply("Once more?", buttons=BUTTONS[:1]))
    props = fake.world.posts[ref.id]["props"]
    assert len(props["attachments"][0]["actions"]) == 1
    assert props["trunkline_key"] == "k"


def test_the_commands_carry_the_bots_own_name():
    slash = SlashCommands(None, CALLBACK, "me", "Trunk-Bot")
    assert slash._prefix == "trunk-bot-"
