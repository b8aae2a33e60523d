"""`logs.tail`: the end of the log by level and words, and what was added since."""

import json
from pathlib import Path

from tests.contracts.gateway_product import opened


def line(level: str, event: str) -> str:
    return json.dumps({"ts": "2026-01-01T00:00:00Z", "level": level, "event": event}) + "\n"


async def test_records_by_level_by_words_and_since_the_last_look(tmp_path: Path):
    state = tmp_path / "state"
    async with opened(state, "{}") as desk:
        path = state / "logs" / "trunkline.jsonl"
        path.parent.mkdir(exist_ok=True)
        path.write_text(line("info", "one") + "no json\n" + line("error", "Two broke"))
        everything = await desk.ok("logs.tail")
        assert [one["event"] for one in everything["records"]][-2:] == ["one", "Two broke"]
        assert [one["event"] for one in (await desk.ok("logs.tail", level="error"))["records"]] == [
            "Two broke"
        ]
        assert (await desk.ok("logs.tail", search="two"))["records"][0]["event"] == "Two broke"
        with path.open("a") as stream:
            stream.write(line("info", "three") + '{"half')
        later = await desk.ok("logs.tail", after=everything["next"])
        assert [one["event"] for one in later["records"]] == ["three"]
        with path.open("a") as stream:
            stream.write('": 1}\n' + line("info", "four"))
        last = await desk.ok("logs.tail", after=later["next"], search="four")
        assert [one["event"] for one in last["records"]] == ["four"]
        path.rename(path.with_suffix(".1"))
        path.write_text(line("info", "new file"))
        turned = await desk.ok("logs.tail", after=last["next"])
        assert [one["event"] for one in turned["records"]] == ["new file"]
        assert (await desk.error("logs.tail", after="x"))["code"] == "INVALID_PARAMS"


async def test_no_log_yet_is_an_empty_answer(tmp_path: Path):
    async with opened(tmp_path / "state", "{}") as desk:
        assert await desk.ok("logs.tail") == {"records": [], "next": None}
