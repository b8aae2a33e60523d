"""What the operator's pages ask for: the file as text, figures from rows, and the first set-up."""

import os
from pathlib import Path

from bot.gateway.figures import percentile, spread
from tests.contracts.channels_kit import connected, file
from tests.contracts.gateway_product import opened


async def test_the_text_is_edited_around_its_secrets(tmp_path: Path):
    async with connected(tmp_path) as (desk, fake):
        shown = await desk.ok("config.text.get")
        assert fake.token not in str(shown)
        assert shown["ok"] is True and shown["kept"][0]["key"] == "channels.telegram.token"
        edited = shown["text"].replace("name: Other", "name: Opal") + "# mine\n"
        told = await desk.ok("config.text.set", text=edited, base=shown["base"])
        assert told["restart"] is True
        assert fake.token in file(desk) and "name: Opal" in file(desk)
        assert file(desk).startswith("# kept: who answers") and file(desk).endswith("# mine\n")
        assert (await desk.ok("config.text.get"))["base"] == told["base"]


async def test_a_text_with_mistakes_is_not_written(tmp_path: Path):
    async with connected(tmp_path) as (desk, _):
        shown, before = await desk.ok("config.text.get"), file(desk)
        wrong = shown["text"] + "gatway: {}\nlimits: {daily_cost: much}\n"
        told = await desk.ok("config.text.check", text=wrong)
        places = [(one["line"], one["column"], one["key"]) for one in told["problems"]]
        line = len(shown["text"].splitlines()) + 1
        assert told["ok"] is False and (line, 1, "gatway") in places and len(places) > 1
        error = await desk.error("config.text.set", text=wrong, base=shown["base"])
        assert (error["code"], error["details"]["problems"]) == ("INVALID_PARAMS", told["problems"])
        broken = await desk.ok("config.text.check", text="a: [1")
        assert broken["ok"] is False and broken["problems"][0]["line"] == 1
        assert file(desk) == before


async def test_a_changed_file_is_never_saved_over(tmp_path: Path):
    async with connected(tmp_path) as (desk, _):
        shown = await desk.ok("config.text.get")
        desk.core.file.path.write_text(file(desk) + "# by hand\n", encoding="utf-8")
        error = await desk.error("config.text.set", text=shown["text"], base=shown["base"])
        assert error["code"] == "CONFLICT" and file(desk).endswith("# by hand\n")
        stale = await desk.error("config.patch", changes={"gateway.port": 1}, base=shown["base"])
        assert stale["code"] == "CONFLICT"


async def test_programs_are_named_in_the_file_alone(tmp_path: Path):
    async with connected(tmp_path) as (desk, _):
        shown, before = await desk.ok("config.text.get"), file(desk)
        for evil in ("plugins: [evil]\n", "hooks: {dirs: [/tmp]}\n"):
            text = shown["text"] + evil
            error = await desk.error("config.text.set", text=text, base=shown["base"])
            assert error["code"] == "FORBIDDEN" and ", line " in error["message"]
        assert file(desk) == before


async def test_several_keys_change_together_or_not_at_all(tmp_path: Path):
    async with connected(tmp_path) as (desk, _):
        changes = {"agents.other.name": "Opal", "agents.other.prompt": None, "gateway.port": 80}
        await desk.ok("config.patch", changes=changes)
        assert "name: Opal" in file(desk) and "Be brief" not in file(desk)
        before = file(desk)
        error = await desk.error("config.patch", changes={"gateway.port": 81, "limits.nix": 1})
        assert error["details"]["problems"][0]["key"] == "limits.nix" and file(desk) == before


async def test_figures_come_from_rows(tmp_path: Path):
    async with opened(tmp_path / "state") as desk:
        await desk.say("hello [[demo tool session_status {}]]")
        await desk.say('[[demo tool read {"path": "nix"}]]')
        await desk.say("[[demo error 429]]")
        told = await desk.ok("usage.series", days=7)
        [used] = [one for one in told["usage"] if one["model"] == "demo/demo"]
        assert (used["agent"], used["runs"]) == ("main", 2) and used["outputTokens"] > 0
        assert told["queueWait"]["count"] == 3 and told["reply"]["count"] == 2
        assert 0 <= told["firstToken"]["p50"] <= told["reply"]["p95"]
        [day] = told["runs"]
        assert (day["runs"], day["failed"], day["limited"]) == (3, 1, 1)
        assert sum(one["count"] for one in told["messages"]) == 3
        tools = {one["name"]: (one["calls"], one["failed"]) for one in told["tools"]}
        assert tools == {"session_status": (1, 0), "read": (1, 1)}


def test_percentiles_are_values_that_occurred():
    assert percentile([], 0.5) is None
    assert (percentile([1, 2, 3, 4], 0.5), percentile([1, 2, 3, 4], 0.95)) == (2, 4)
    told = spread([0.05, 0.3, 400.0])
    assert (told["p50"], told["max"], told["count"]) == (0.3, 400.0, 3)
    assert [one["count"] for one in told["bars"] if one["count"]] == [1, 1, 1]
    assert told["bars"][-1] == {"upTo": None, "count": 1}


async def test_the_state_of_the_setup_is_the_real_one(tmp_path: Path):
    async with connected(tmp_path) as (desk, _):
        state = await desk.ok("setup.state")
        done = {name: state[name]["done"] for name in ("model", "channel", "task", "demo")}
        assert done == {"model": False, "channel": True, "task": False, "demo": False}
        await desk.say("hello")
        assert (await desk.ok("setup.state"))["demo"]["done"] is True


async def test_setup_saves_nothing_that_was_not_found(tmp_path: Path):
    async with connected(tmp_path) as (desk, _):
        before = file(desk)
        error = await desk.error("setup.model", preset="nix", model="x")
        assert error["code"] == "NOT_FOUND" and file(desk) == before
        # A key that no server accepts is found, tested, and not saved.
        assert "OPENAI_API_KEY" not in os.environ
        assert not [one for one in (await desk.ok("setup.find"))["found"] if not one["local"]]
