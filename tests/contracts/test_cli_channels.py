"""Channel accounts and routes on the command line, beside a running gateway and without one."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

from adapters.fakes.telegram import FakeTelegram
from tests.contracts.cli_support import Trunkline

AGENTS = """\
# kept
agents:
  - {id: main, name: Assistant}
  - {id: support, name: Support}
"""


class Local:
    """A local Telegram in a thread of its own, while the program runs in another process."""

    def __init__(self) -> None:
        self.fake: FakeTelegram | None = None
        self._ready = Event()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = Thread(target=self._loop.run_until_complete, args=(self._serve(),))

    async def _serve(self) -> None:
        async with FakeTelegram() as self.fake:
            self._ready.set()
            await self._stop.wait()

    def __enter__(self) -> FakeTelegram:
        self._thread.start()
        assert self._ready.wait(10)
        assert self.fake is not None
        return self.fake

    def __exit__(self, *exc: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()


@contextmanager
def installed(tmp_path: Path) -> Iterator[tuple[Trunkline, FakeTelegram, Path]]:
    trunkline = Trunkline(tmp_path / "home")
    with Local() as fake:
        text = (
            f"{AGENTS}channels:\n  telegram:  # the first\n"
            f'    token: "{fake.token}"\n    base_url: {fake.base_url}\n'
        )
        yield trunkline, fake, trunkline.config(text)


def test_an_account_is_tried(tmp_path: Path):
    with installed(tmp_path) as (trunkline, fake, _):
        assert "knows it as @trunk_bot" in trunkline.ok("channels", "test", "telegram")
        told = trunkline.json("channels", "test", "telegram", "--to", "7")
        assert told["ok"] is True
        assert told["sent"]["id"]
        assert fake.visible(7) == [
            "[Trunkline test] The account telegram can write here. There is nothing to do."
        ]


def test_a_wrong_token_is_told_and_changes_nothing(tmp_path: Path):
    with installed(tmp_path) as (trunkline, _, path):
        before = path.read_text()
        with trunkline.up():
            done = trunkline.run("channels", "set", "telegram", "token=1:wrong")
            assert (done.returncode, done.stdout) == (2, "")
            assert "Telegram refuses the token" in done.stderr
            assert "Traceback" not in done.stderr
            assert path.read_text() == before
            path.write_text(before.replace('token: "', 'token: "9'))
        with trunkline.up():
            tried = trunkline.run("channels", "test", "telegram", "--json")
            assert tried.returncode == 1
            assert json.loads(tried.stdout)["reason"] == "refused"
            assert "echo" in trunkline.ok("chat", "-m", "echo")


def test_an_account_comes_and_goes_beside_a_running_gateway(tmp_path: Path):
    with installed(tmp_path) as (trunkline, fake, path), trunkline.up():
        added = trunkline.run(
            *("channels", "add", "second", "adapter=telegram", "token=-"),
            *(f"base_url={fake.base_url}", "agent=support"),
            input=f"{fake.token}\n",
        )
        assert added.returncode == 0, added.stderr
        assert "second is added; the platform knows it as @trunk_bot" in added.stdout
        assert "next start" not in added.stderr
        assert fake.token not in added.stdout + added.stderr
        rows = {row["account"]: row for row in trunkline.json("channels", "list")["channels"]}
        assert rows["second"]["matchedBy"] == "channels.second.agent"
        assert rows["telegram"]["matchedBy"] == "fallback: default agent"
        told = trunkline.json("channels", "set", "second", "agent=null", "typing=false")
        assert (told["restart"], told["channel"]["agent"]) == (False, "main")
        assert "second is removed" in trunkline.ok("channels", "remove", "second")
        assert [row["account"] for row in trunkline.json("channels", "status")["channels"]] == [
            "telegram"
        ]
        text = path.read_text()
        assert "# kept" in text
        assert "# the first" in text
        assert "second" not in text


def test_without_a_gateway_a_change_counts_from_the_next_start(tmp_path: Path):
    with installed(tmp_path) as (trunkline, _, path):
        done = trunkline.run("channels", "set", "telegram", "typing=false")
        assert done.returncode == 0, done.stderr
        assert "next start" in done.stderr
        assert "typing: false" in path.read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "telegram", "typing=false"), "channels set"),
        (("set", "telegarm", "typing=false"), "there are: telegram"),
        (("set", "telegram", "typing"), "KEY=VALUE"),
        (("set", "telegram", "typnig=false"), 'did you mean "typing"?'),
        (("set", "telegram", "agent=nobody"), "there are: main, support"),
        (("bind", "nobody", "channel=telegram"), "there are: main, support"),
        (("unbind", "3"), "no route 3"),
    ],
)
def test_mistakes_are_told_in_a_line(tmp_path: Path, words: tuple[str, ...], said: str):
    with installed(tmp_path) as (trunkline, _, path):
        before = path.read_text()
        done = trunkline.run("channels", *words)
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr
        assert path.read_text() == before


def test_routes_are_listed_added_and_removed(tmp_path: Path):
    with installed(tmp_path) as (trunkline, _, path):
        assert "No routes." in trunkline.ok("channels", "bindings")
        trunkline.ok("channels", "bind", "support", "channel=telegram", "peer=12345")
        trunkline.ok("channels", "bind", "main", "channel=telegram")
        told = trunkline.json("channels", "bindings")
        assert [(row["number"], row["agent"], row["origin"]) for row in told["bindings"]] == [
            (1, "support", "file"),
            (2, "main", "file"),
        ]
        assert told["bindings"][0]["match"] == {"channel": "telegram", "peer": "12345"}
        trunkline.ok("channels", "unbind", "1")
        assert [row["agent"] for row in trunkline.json("channels", "bindings")["bindings"]] == [
            "main"
        ]
        assert "# kept" in path.read_text()


def test_a_manifest_is_made_from_the_commands(tmp_path: Path):
    trunkline = Trunkline(tmp_path / "home")
    made = json.loads(trunkline.ok("channels", "manifest", "slack", "--name", "Ada"))
    assert made["settings"]["socket_mode_enabled"] is True
    assert made["display_information"]["name"] == "Ada"
    assert "status" in made["features"]["slash_commands"][0]["usage_hint"]
    url = "https://bot.example.org/channels/slack"
    http = trunkline.json("channels", "manifest", "slack", "--url", url)
    assert http["settings"]["event_subscriptions"]["request_url"] == url
    assert trunkline.run("channels", "manifest", "slack", "--url", "http://x").returncode == 2
    none = trunkline.run("channels", "manifest", "telegram")
    assert (none.returncode, "telegram has no manifest" in none.stderr) == (1, True)
    assert trunkline.run("channels", "manifest", "slck").returncode == 1


def test_a_token_that_comes_later_stands_in_no_log(tmp_path: Path):
    with installed(tmp_path) as (trunkline, _, _), trunkline.up():
        secret = "4711:a-token-that-is-wrong"
        refused = trunkline.run("channels", "set", "telegram", f"token={secret}")
        away = ("base_url=http://127.0.0.1:9", f"token={secret}")
        trunkline.ok("channels", "set", "telegram", *away)
        journal = (trunkline.home / "logs" / "trunkline.jsonl").read_text()
        assert "cannot be reached" in journal
        assert secret not in journal + refused.stderr


def test_what_is_no_key_of_an_account_is_refused(tmp_path: Path):
    with installed(tmp_path) as (trunkline, _, _):
        done = trunkline.run("channels", "set", "telegram", "account=other")
        assert (done.returncode, "no key" in done.stderr) == (2, True)
