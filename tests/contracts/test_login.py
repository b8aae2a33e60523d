"""Sign-in by device code against a local issuer: the real verb, the real file, whole runs."""

import asyncio
import json
import os
import stat
import sys
from pathlib import Path

import pytest

from bot.clock import SystemClock
from bot.config.agents import OAuth
from bot.providers.http import Refused
from bot.providers.login import SignIn, next_wait
from tests.contracts.cli_support import ROOT
from tests.contracts.gateway_product import opened
from tests.fakes.issuer import CODE, USER_CODE, FakeIssuer
from tests.fakes.openai_server import FakeOpenAI, error, text_stream

MAIN = "agent:main:main"


class Later(SystemClock):
    """The real time, and as much more as a test wants."""

    ahead = 0.0

    def now(self) -> float:
        return super().now() + self.ahead


def config(issuer: FakeIssuer, server: FakeOpenAI) -> str:
    return f"""
agents: [{{id: main, model: far/m}}]
providers:
  far: {{api: openai, base_url: "{server.url}", oauth: {issuer.settings()}}}
"""


async def typed(home: Path, *words: str) -> tuple[int, str, str]:
    """The real program; a sub-process, so that the fakes of this loop can answer it."""
    env = {**os.environ, "TRUNKLINE_HOME": str(home), "PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", *words),
        env=env,
        cwd=home.parent,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, wrong = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, out.decode(), wrong.decode()


def signing(issuer: FakeIssuer, state: Path, clock: Later) -> SignIn:
    oauth = OAuth(
        device_url=f"{issuer.url}/device",
        token_url=f"{issuer.url}/token",
        client_id="trunkline-test",
    )
    return SignIn("far", oauth, state, clock)


def bearers(server: FakeOpenAI) -> list[str]:
    return [one.headers["Authorization"].removeprefix("Bearer ") for one in server.requests]


async def test_009_a_person_signs_in_and_the_sign_in_lasts(tmp_path: Path):
    """Renewed when it ends, by one request for several runs, without anybody's doing."""
    state, clock = tmp_path / "state", Later()
    async with FakeIssuer() as issuer, FakeOpenAI() as server:
        issuer.polls = ["authorization_pending", "authorization_pending"]
        text = config(issuer, server)
        async with opened(state, text, clock=clock) as desk:
            (row,) = [r for r in (await desk.ok("models.list"))["models"] if r["provider"] == "far"]
            assert not row["ready"] and "models login far" in row["reason"]
            code, out, wrong = await typed(
                state, "models", "login", "far", "--config", str(state / "config.yaml")
            )
            assert code == 0, wrong
            assert USER_CODE in out and f"{issuer.url}/activate" in out
            assert "canary" not in (out + wrong).replace(USER_CODE, "")
            (row,) = [r for r in (await desk.ok("models.list"))["models"] if r["provider"] == "far"]
            assert row["ready"]
            server.answer(*text_stream("signed in"))
            assert (await desk.say("hi"))["message"]["text"] == "signed in"
            clock.ahead = 3600.0
            issuer.hold = asyncio.Event()
            for _ in range(3):
                server.answer(*text_stream("renewed"))
            sent = [await desk.send("hi", f"{MAIN}:chat:n{one}") for one in range(3)]
            issuer.hold.set()
            for one in sent:
                assert (await desk.end(one["runId"]))["message"]["text"] == "renewed"
    assert bearers(server) == [issuer.token(1), *[issuer.token(2)] * 3]
    kept = state / "logins" / "far.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    others = [one for one in state.rglob("*") if one.is_file() and one != kept]
    for one in others:
        assert b"access-canary" not in one.read_bytes(), one
        assert b"refresh-canary" not in one.read_bytes(), one


async def test_a_refused_token_is_renewed_once(tmp_path: Path):
    state = tmp_path / "state"
    async with FakeIssuer() as issuer, FakeOpenAI() as server:
        sign_in = signing(issuer, state, Later())
        await sign_in.finish(await sign_in.begin())
        server.refuse(401, error("token revoked"))
        server.answer(*text_stream("fine"))
        async with opened(state, config(issuer, server)) as desk:
            assert (await desk.say("hi"))["message"]["text"] == "fine"
            issuer.revoked = True
            server.refuse(401, error(f"token {issuer.token(2)} revoked"))
            end = await desk.say("hi")
            assert end["state"] == "error"
            assert "canary" not in json.dumps(end)
    assert bearers(server) == [issuer.token(1), issuer.token(2), issuer.token(2)]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("access_denied", "refused"),
        ("expired_token", "ran out"),
        ("invalid_client", "client_id"),
        ("server_error", "gave no token: server_error"),
    ],
)
async def test_a_sign_in_that_comes_to_nothing_says_why(tmp_path: Path, answer: str, words: str):
    async with FakeIssuer() as issuer:
        issuer.polls = ["authorization_pending", answer]
        sign_in = signing(issuer, tmp_path, Later())
        with pytest.raises(Refused, match=words):
            await sign_in.finish(await sign_in.begin())
        assert not sign_in.known
        assert [one.get("device_code") for one in issuer.asked] == [None, CODE, CODE]


async def test_nobody_there_is_one_clear_line(tmp_path: Path):
    (tmp_path / "state").mkdir()
    file = tmp_path / "state" / "config.yaml"
    oauth = "{device_url: http://127.0.0.1:9/d, token_url: http://127.0.0.1:9/t, client_id: x}"
    file.write_text(f"providers: {{far: {{api: openai, oauth: {oauth}}}, plain: {{api: openai}}}}")
    words = ("models", "login", "far", "--config", str(file))
    code, out, wrong = await typed(tmp_path / "state", *words)
    assert (code, out) == (1, "")
    assert "cannot reach the issuer" in wrong and "Traceback" not in wrong
    code, _, wrong = await typed(tmp_path / "state", *words[:2], "plain", *words[3:])
    assert code == 2
    assert "providers.plain.oauth is not configured" in wrong


def test_an_issuer_is_asked_as_slowly_as_it_wants():
    assert next_wait({"error": "authorization_pending"}, 5.0) == 5.0
    assert next_wait({"error": "slow_down"}, 5.0) == 10.0
    assert next_wait({"error": "access_denied"}, 5.0) is None
    assert next_wait(None, 5.0) is None


async def test_a_page_begins_a_sign_in_and_waits_for_its_confirmation(tmp_path: Path):
    state = tmp_path / "state"
    async with (
        FakeIssuer() as issuer,
        FakeOpenAI() as server,
        opened(state, config(issuer, server)) as desk,
    ):
        early = await desk.error("providers.loginWait", provider="far")
        assert early["code"] == "CONFLICT"
        none = await desk.error("providers.login", provider="demo")
        assert none["code"] == "NOT_FOUND" and "oauth is not configured" in none["message"]
        begun = await desk.ok("providers.login", provider="far")
        assert begun == {
            "provider": "far",
            "url": f"{issuer.url}/activate",
            "wholeUrl": None,
            "userCode": USER_CODE,
            "expiresInMs": 600_000,
        }
        issuer.polls = ["access_denied"]
        refused = await desk.error("providers.loginWait", provider="far")
        assert refused["code"] == "FORBIDDEN" and "was refused" in refused["message"]
        await desk.ok("providers.login", provider="far")
        issuer.polls = ["authorization_pending"]
        ended = await desk.ok("providers.loginWait", provider="far")
    assert ended["provider"]["ready"] and ended["provider"]["sign_in"]
    said = json.dumps([begun, ended])
    assert CODE not in said and "canary" not in said
