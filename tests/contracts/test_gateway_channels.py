"""Channel accounts and routes over the socket: tried live, changed in the file, used at once."""

from pathlib import Path

import pytest

from adapters.fakes.telegram import FakeTelegram
from tests.contracts.channels_kit import (
    ADA,
    BOB,
    OPEN,
    OTHER,
    answer,
    config,
    connected,
    file,
    row,
    until,
)
from tests.contracts.gateway_product import MAIN, opened


async def test_a_test_says_who_the_bot_is(tmp_path: Path):
    async with connected(tmp_path) as (desk, fake):
        told = await desk.ok("channels.test", account="telegram")
        assert told == {"account": "telegram", "ok": True, "name": "@trunk_bot"}
        assert not fake.called("sendMessage")


async def test_a_test_message_is_marked_and_has_its_id(tmp_path: Path):
    async with connected(tmp_path) as (desk, fake):
        fake.say(ADA, "hello")
        told = await desk.ok("channels.test", account="telegram", to=str(ADA))
        sent = told["sent"]
        assert (told["ok"], sent["ok"]) == (True, True)
        assert sent["to"] == f"telegram:telegram:{ADA}"
        assert int(sent["id"]) > 0
        assert [text for text in fake.visible(ADA) if text.startswith("[Trunkline test]")]


async def test_a_message_that_the_platform_refuses_is_told_with_its_reason(tmp_path: Path):
    async with connected(tmp_path) as (desk, fake):
        fake.fail("sendMessage", status=403, description="Forbidden: bot was blocked by the user")
        told = await desk.ok("channels.test", account="telegram", to="user:1")
        assert told["ok"] is False
        assert told["sent"]["reason"] == "refused"
        assert "bot was blocked by the user" in told["sent"]["message"]


async def test_a_wrong_token_is_told_with_the_platforms_reason(tmp_path: Path):
    wrong = {"token": '"1:wrong"', **OPEN}
    async with connected(tmp_path, **wrong) as (desk, _):
        told = await desk.ok("channels.test", account="telegram", to="1")
        assert (told["ok"], told["reason"]) == (False, "refused")
        assert "Telegram refuses the token" in told["message"]
        assert "sent" not in told
        await until(desk, "telegram", "down")
        assert "refuses the token" in (await row(desk))["error"]
        assert (await desk.say("still here"))["state"] == "final"


async def test_a_platform_that_is_away_is_unreachable(tmp_path: Path):
    away = {"base_url": "http://127.0.0.1:9"}
    async with connected(tmp_path, **away) as (desk, _):
        told = await desk.ok("channels.test", account="telegram")
        assert (told["ok"], told["reason"]) == (False, "unreachable")


async def test_an_account_that_is_not_there_names_those_that_are(tmp_path: Path):
    async with connected(tmp_path) as (desk, _):
        for method in ("channels.test", "channels.remove"):
            error = await desk.error(method, account="telegrm")
            assert error["code"] == "NOT_FOUND"
            assert "telegram" in error["message"]


async def test_an_added_account_answers_without_a_new_start(tmp_path: Path):
    async with connected(tmp_path, **OPEN) as (desk, fake), FakeTelegram(OTHER, "second") as two:
        await until(desk, "telegram", "up")
        first = desk.app.supervisor.get("telegram")
        told = await desk.ok(
            "channels.set",
            account="second",
            adapter="telegram",
            token=OTHER,
            base_url=two.base_url,
            agent="other",
            dm_policy="open",
            allow_from=["*"],
            streaming="off",
        )
        assert (told["checked"], told["name"], told["restart"]) == (True, "@second", False)
        assert told["channel"]["matchedBy"] == "channels.second.agent"
        assert "hello second" in await answer(two, BOB, "hello second")
        assert "hello first" in await answer(fake, ADA, "hello first")
        assert desk.app.supervisor.get("telegram") is first
        keys = {one["sessionKey"] for one in (await desk.ok("sessions.list"))["sessions"]}
        assert f"agent:other:telegram:second:direct:{BOB}" in keys
        assert "# kept: who answers" in file(desk)
        assert "# kept: the first bot" in file(desk)


async def test_a_refused_token_is_not_written(tmp_path: Path):
    async with connected(tmp_path, **OPEN) as (desk, fake):
        await until(desk, "telegram", "up")
        before = file(desk)
        error = await desk.error("channels.set", account="telegram", token="1:wrong")
        assert error["code"] == "INVALID_PARAMS"
        assert "Telegram refuses the token" in error["message"]
        assert error["details"] == {"reason": "refused"}
        assert file(desk) == before
        assert "hello" in await answer(fake, ADA, "hello")


async def test_a_platform_that_is_away_does_not_stop_a_change(tmp_path: Path):
    async with connected(tmp_path) as (desk, _):
        told = await desk.ok("channels.set", account="telegram", base_url="http://127.0.0.1:9")
        assert told["checked"] is False
        assert told["message"]
        assert "base_url: http://127.0.0.1:9" in file(desk)


async def test_a_changed_account_is_changed_in_place(tmp_path: Path):
    async with connected(tmp_path, **OPEN) as (desk, fake):
        assert "hello" in await answer(fake, ADA, "hello")
        told = await desk.ok(
            "channels.set", account="telegram", dm_policy="disabled", allow_from=None
        )
        assert told["changed"] == ["allow_from", "dm_policy"]
        assert "allow_from" not in file(desk)
        await until(desk, "telegram", "up")
        fake.say(ADA, "anybody there?")
        await fake.wait_for(lambda: not fake.pending)
        assert "anybody there?" not in fake.visible(ADA)[-1]


async def test_mistakes_are_told_with_their_places_and_nothing_is_written(tmp_path: Path):
    async with connected(tmp_path) as (desk, _):
        before = file(desk)
        error = await desk.error("channels.set", account="telegram", stremaing="off", typing=3)
        assert error["code"] == "INVALID_PARAMS"
        assert "stremaing" in error["message"]
        assert "streaming" in error["message"]
        problems = error["details"]["problems"]
        assert {one["key"] for one in problems} == {
            "channels.telegram.stremaing",
            "channels.telegram.typing",
        }
        assert all(one["line"] > 0 for one in problems)
        assert file(desk) == before


async def test_an_unknown_adapter_and_a_bad_name_are_refused(tmp_path: Path):
    async with connected(tmp_path) as (desk, _):
        error = await desk.error("channels.set", account="telegrm", token="1:x")
        assert 'did you mean "telegram"' in error["message"]
        error = await desk.error("channels.set", account="No Name", adapter="telegram", token="1:x")
        assert "account name" in error["message"]


async def test_a_file_that_changed_meanwhile_is_not_written_over(tmp_path: Path):
    async with connected(tmp_path) as (desk, _):
        base = (await desk.ok("config.get"))["base"]
        desk.core.file.path.write_text(file(desk) + "# by hand\n", encoding="utf-8")
        for method, params in (
            ("channels.set", {"account": "telegram", "typing": False}),
            ("channels.remove", {"account": "telegram"}),
            ("bindings.set", {"bindings": []}),
            ("config.set", {"key": "logging.level", "value": "debug"}),
        ):
            error = await desk.error(method, base=base, **params)
            assert error["code"] == "CONFLICT"
        assert "# by hand" in file(desk)


async def test_a_removed_account_leaves_its_sessions(tmp_path: Path):
    async with connected(tmp_path, **OPEN) as (desk, fake):
        await answer(fake, ADA, "remember me")
        before = (await desk.ok("sessions.list"))["sessions"]
        told = await desk.ok("channels.remove", account="telegram")
        assert told["restart"] is False
        assert (await desk.ok("channels.list"))["channels"] == []
        after = (await desk.ok("sessions.list"))["sessions"]
        assert [one["sessionKey"] for one in after] == [one["sessionKey"] for one in before]
        key = f"agent:main:telegram:telegram:direct:{ADA}"
        said = await desk.ok("chat.history", sessionKey=key)
        assert "remember me" in said["messages"][0]["text"]
        polls = len(fake.called("getUpdates"))
        fake.say(ADA, "gone?")
        await desk.say("a turn later", MAIN)
        assert len(fake.called("getUpdates")) == polls


async def test_only_deliveries_to_a_removed_account_fail(tmp_path: Path):
    async with connected(tmp_path, **OPEN) as (desk, fake):
        await answer(fake, ADA, "hello")
        key = f"agent:main:telegram:telegram:direct:{ADA}"
        await desk.ok("channels.remove", account="telegram")
        asked = {"message": "report", "idempotencyKey": "r1", "sessionKey": key, "deliver": True}
        await desk.ok("agent", **asked)
        done = await desk.ok("agent.wait", runId="r1")
        assert done["status"] == "ok"
        assert (await desk.say("the page goes on"))["state"] == "final"
        await desk.app.engine.drain(5)
        story = await desk.ok("why", id="r1")
        assert story["parts"][0]["state"] == "failed"
        assert "not configured" in story["parts"][0]["error"]


async def test_an_account_that_is_switched_off_is_neither_asked_nor_started(tmp_path: Path):
    async with connected(tmp_path) as (desk, fake):
        await until(desk, "telegram", "up")
        told = await desk.ok("channels.set", account="telegram", enabled=False)
        assert (told["checked"], told["channel"]["state"]) == (False, "off")
        asked = len(fake.calls)
        await desk.say("a turn later", MAIN)
        assert len(fake.calls) == asked


async def test_a_route_counts_at_once_and_says_why(tmp_path: Path):
    async with connected(tmp_path, **OPEN) as (desk, fake):
        assert (await row(desk))["matchedBy"] == "fallback: default agent"
        told = await desk.ok(
            "bindings.set",
            bindings=[
                {"agent": "other", "match": {"channel": "telegram", "peer": str(ADA)}},
                {"agent": "main", "match": {"channel": "telegram"}},
            ],
        )
        assert told["restart"] is False
        assert [one["agent"] for one in told["bindings"]] == ["other", "main"]
        assert told["bindings"][0]["match"] == {"channel": "telegram", "peer": str(ADA)}
        await answer(fake, ADA, "who are you?")
        await answer(fake, BOB, "and you?")
        keys = {one["sessionKey"] for one in (await desk.ok("sessions.list"))["sessions"]}
        assert f"agent:other:telegram:telegram:direct:{ADA}" in keys
        assert f"agent:main:telegram:telegram:direct:{BOB}" in keys
        run = (await desk.ok("chat.history", sessionKey=min(keys)))["messages"][0]["runId"]
        assert (await desk.ok("why", id=run))["route"]["matchedBy"].startswith("binding 2")
        assert (await row(desk))["matchedBy"] == "binding 2: channel telegram"
        assert "# kept: who answers" in file(desk)


async def test_a_route_to_an_unknown_agent_is_refused_and_names_the_known(tmp_path: Path):
    async with connected(tmp_path) as (desk, _):
        before = file(desk)
        route = {"agent": "nobody", "match": {"channel": "telegram"}}
        for method, params in (
            ("bindings.set", {"bindings": [route]}),
            ("channels.set", {"account": "telegram", "agent": "nobody"}),
        ):
            error = await desk.error(method, **params)
            assert error["code"] == "INVALID_PARAMS"
            assert error["message"].endswith("there are: main, other")
        assert file(desk) == before


async def test_a_switched_agent_is_listed_with_its_origin(tmp_path: Path):
    owner = {**OPEN, "allow_from": f'["*", "{ADA}"]'}
    async with connected(tmp_path, **owner) as (desk, fake):
        await answer(fake, ADA, "/agent switch other")
        rows = (await desk.ok("bindings.list"))["bindings"]
        assert [one["origin"] for one in rows] == ["/agent switch"]
        assert rows[0]["agent"] == "other"
        assert rows[0]["match"]["conversation"] == str(ADA)


async def test_a_page_turn_sends_nothing_to_a_channel(tmp_path: Path):
    async with connected(tmp_path, **OPEN) as (desk, fake):
        await until(desk, "telegram", "up")
        assert (await desk.say("only here"))["state"] == "final"
        assert not fake.called("sendMessage")


BREAKS = {
    "import": "raise RuntimeError('a library is missing something')",
    "start": """
from dataclasses import dataclass
from bot.contract import Adapter

@dataclass(frozen=True)
class None_:
    pass

class Broken(Adapter):
    channel = "broken"
    Options = None_

    def __init__(self, account, options):
        raise KeyError("made wrongly")
""",
}


@pytest.mark.parametrize("when", BREAKS)
async def test_a_broken_adapter_takes_only_its_own_account_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
):
    name = f"broken_chat_{when}"
    (tmp_path / f"{name}.py").write_text(BREAKS[when], encoding="utf-8")
    about = tmp_path / f"{name}-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    (about / "entry_points.txt").write_text(f"[trunkline.adapters]\nbroken = {name}:Broken\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    async with FakeTelegram() as fake:
        text = config(fake, **OPEN) + "  broken: {}\n"
        async with opened(tmp_path / "state", text, channels=True) as desk:
            down = await row(desk, "broken")
            assert down["state"] == "down"
            assert "the broken adapter cannot be" in down["error"]
            assert "hello" in await answer(fake, ADA, "hello")
            tried = await desk.ok("channels.test", account="broken")
            assert (tried["ok"], tried["message"]) == (False, down["error"])
