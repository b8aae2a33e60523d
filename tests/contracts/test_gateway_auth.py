"""Signing in: credentials absent, empty, of a wrong type, wrong, another's, expired, replayed."""

import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.engine.embedded import Embedded
from bot.errors import ConfigError
from bot.gateway.browsers import StoredBrowsers
from bot.gateway.secret import load_token
from bot.store.migrations import open_store
from tests.contracts.gateway_kit import BEARER, TOKEN, Rig, StepClock, running

WRONG_TOKENS: list[Any] = [
    *("", " ", "wrong", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), f" {TOKEN}", f"{TOKEN}\n"),
    *(None, 0, True, [TOKEN], {"token": TOKEN}, "\u0000", "törken", "x" * 100_000),
]


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with running() as rig:
        yield rig


async def sign_in(rig: Rig, token: Any, **headers: str) -> Any:
    body = {"token": token}
    return await rig.http.post(rig.url + "/login", json=body, headers={**rig.origin, **headers})


async def page(rig: Rig, **headers: str) -> int:
    """The status of the page: 303 to the sign-in for strangers."""
    answer = await rig.get("/", **headers)
    assert answer.headers["Location"] in ("/login", "/chat")
    return 200 if answer.headers["Location"] == "/chat" else 303


async def test_the_token_signs_a_browser_in_and_the_cookie_is_safe(rig: Rig):
    answer = await sign_in(rig, TOKEN)
    assert answer.status == 200
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Path=/" in cookie
    assert "Secure" not in cookie and "Domain" not in cookie
    value = cookie.partition("=")[2].partition(";")[0]
    assert len(value) == 43 and value not in rig.browsers.rows
    assert await page(rig, Cookie=cookie.partition(";")[0]) == 200


async def test_the_form_signs_in_without_scripts(rig: Rig):
    shown = await rig.get("/login")
    assert shown.status == 200 and 'type="password"' in await shown.text()
    answer = await rig.http.post(
        rig.url + "/login", data={"token": TOKEN}, headers=rig.origin, allow_redirects=False
    )
    assert (answer.status, answer.headers["Location"]) == (303, "/chat")
    assert await page(rig, Cookie=answer.headers["Set-Cookie"].partition(";")[0]) == 200


async def test_a_refused_form_shows_the_page_again_with_the_reason(rig: Rig):
    answer = await rig.http.post(
        rig.url + "/login", data={"token": "<b>no</b>"}, headers=rig.origin, allow_redirects=False
    )
    assert answer.status == 401
    text = await answer.text()
    assert "That token is not right." in text and "<b>" not in text
    twice = await rig.http.post(
        rig.url + "/login", data=[("token", TOKEN), ("token", "x")], headers=rig.origin
    )
    assert twice.status == 401 and "Set-Cookie" not in twice.headers


@pytest.mark.parametrize("token", WRONG_TOKENS)
async def test_a_wrong_token_signs_nobody_in(rig: Rig, token: Any):
    answer = await sign_in(rig, token)
    assert answer.status == 401
    assert (await answer.json())["error"]["code"] == "UNAUTHORIZED"
    assert "Set-Cookie" not in answer.headers
    assert rig.browsers.rows == {}


@pytest.mark.parametrize("body", ["", "[]", '"x"', "{", '{"token": "a", "token": "b"}', "null"])
async def test_a_body_that_is_no_sign_in_is_refused(rig: Rig, body: str):
    kind = {"Content-Type": "application/json"}
    answer = await rig.http.post(rig.url + "/login", data=body, headers=kind)
    assert answer.status == 400
    assert TOKEN not in await answer.text()


@pytest.mark.parametrize(
    "value",
    [
        *("", "Bearer", "Bearer ", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer x"),
        *(f"Token {TOKEN}", f"Bearer Bearer {TOKEN}", f"Bearer {TOKEN} {TOKEN}"),
    ],
)
async def test_a_wrong_authorization_is_refused_even_beside_a_good_cookie(rig: Rig, value: str):
    cookie = await rig.signed_in_cookie()
    assert await page(rig, Authorization=value) == 303
    assert await page(rig, Authorization=value, Cookie=cookie) == 303


async def test_a_bearer_token_opens_the_page(rig: Rig):
    assert await page(rig, **BEARER) == 200
    assert await page(rig, Authorization=f"bearer {TOKEN}") == 200


async def test_a_link_works_once_and_for_a_minute(rig: Rig):
    link = rig.gateway.login_url()
    first = await rig.http.get(link, allow_redirects=False)
    assert (first.status, first.headers["Location"]) == (303, "/chat")
    again = await rig.http.get(link, allow_redirects=False)
    assert again.status == 401 and "Set-Cookie" not in again.headers
    assert "trunkline open" in await again.text()

    late = rig.gateway.login_url()
    await rig.clock.step(60.0)
    assert (await rig.http.get(late, allow_redirects=False)).status == 401


async def test_a_link_looked_at_with_head_is_not_spent(rig: Rig):
    link = rig.gateway.login_url()
    assert (await rig.http.head(link)).status == 405
    assert (await rig.http.get(link, allow_redirects=False)).status == 303


@pytest.mark.parametrize("code", ["", "x", TOKEN, "%00", "x" * 5000])
async def test_a_wrong_code_signs_nobody_in(rig: Rig, code: str):
    answer = await rig.get(f"/login?code={code}")
    assert answer.status == 401 and "Set-Cookie" not in answer.headers


async def test_one_credential_is_not_another(rig: Rig):
    code = rig.gateway.login_url().partition("code=")[2]
    cookie = (await rig.signed_in_cookie()).partition("=")
    assert (await sign_in(rig, code)).status == 401
    assert (await sign_in(rig, cookie[2])).status == 401
    assert (await rig.get(f"/login?code={cookie[2]}")).status == 401
    assert await page(rig, Cookie=f"{cookie[0]}={TOKEN}") == 303
    assert await page(rig, Cookie=f"{cookie[0]}={code}") == 303
    assert await page(rig, Authorization=f"Bearer {cookie[2]}") == 303
    stored = next(iter(rig.browsers.rows))
    assert await page(rig, Cookie=f"{cookie[0]}={stored}") == 303


@pytest.mark.parametrize("value", ["", "x", "x" * 43, "x" * 43 + "; trunkline_1=y", '"' * 43])
async def test_a_wrong_cookie_is_a_stranger(rig: Rig, value: str):
    name = (await rig.signed_in_cookie()).partition("=")[0]
    assert await page(rig, Cookie=f"{name}={value}") == 303
    assert await page(rig) == 303


async def test_a_cookie_lasts_thirty_days_from_its_last_use(rig: Rig):
    cookie = await rig.signed_in_cookie()
    for _ in range(3):
        await rig.clock.step(29 * 86400.0)
        assert await page(rig, Cookie=cookie) == 200
    await rig.clock.step(30 * 86400.0)
    assert await page(rig, Cookie=cookie) == 303


async def test_signing_in_again_ends_the_browsers_earlier_sign_in(rig: Rig):
    cookie = await rig.signed_in_cookie()
    answer = await sign_in(rig, TOKEN, Cookie=cookie)
    assert answer.status == 200
    assert await page(rig, Cookie=cookie) == 303
    assert len(rig.browsers.rows) == 1


async def test_a_cookie_of_another_gateway_is_a_stranger(rig: Rig):
    async with running() as other:
        foreign = (await other.signed_in_cookie()).partition("=")[2]
        name = (await rig.signed_in_cookie()).partition("=")[0]
        assert await page(rig, Cookie=f"{name}={foreign}") == 303


async def test_ten_failures_lock_a_source_for_five_minutes_out_of_every_door(rig: Rig):
    cookie = await rig.signed_in_cookie()
    for _ in range(10):
        assert (await sign_in(rig, "guess")).status == 401
    locked = await sign_in(rig, TOKEN)
    assert locked.status == 429
    assert int(locked.headers["Retry-After"]) == 300
    assert (await rig.get("/chat", **BEARER)).status == 429
    assert (await rig.http.get(rig.gateway.login_url(), allow_redirects=False)).status == 429
    async with rig.socket(connect={}) as socket:
        answer = await socket.request("connect", {"protocol": 1, "auth": {"token": TOKEN}})
        assert answer["error"]["code"] == "RATE_LIMITED"
        assert answer["error"]["retryable"] is True
    assert await page(rig, Cookie=cookie) == 200
    await rig.clock.step(300.0)
    assert (await sign_in(rig, TOKEN)).status == 200


async def test_failures_far_apart_or_forgiven_do_not_lock(rig: Rig):
    for _ in range(12):
        assert (await sign_in(rig, "guess")).status == 401
        await rig.clock.step(7.0)
    await rig.clock.step(60.0)
    for _ in range(9):
        await sign_in(rig, "guess")
    assert (await sign_in(rig, TOKEN)).status == 200
    for _ in range(9):
        await sign_in(rig, "guess")
    assert (await sign_in(rig, TOKEN)).status == 200


async def test_every_failure_makes_the_next_one_slower_for_everybody(rig: Rig):
    for _ in range(5):
        await sign_in(rig, "guess")
    waits = [wait for wait in rig.clock.slept if wait < 10]
    assert waits == sorted(waits) and waits[0] > 0 and waits[-1] > waits[0]


async def test_strangers_are_led_to_the_sign_in_and_the_signed_in_to_the_page(rig: Rig):
    for path in ("/", "/chat"):
        answer = await rig.get(path)
        assert (answer.status, answer.headers["Location"]) == (303, "/login")
    cookie = await rig.signed_in_cookie()
    answer = await rig.get("/login", Cookie=cookie)
    assert (answer.status, answer.headers["Location"]) == (303, "/chat")


def test_a_token_is_made_once_and_readable_by_its_owner_alone(tmp_path: Path):
    path = tmp_path / "state" / "token"
    made = load_token("", path)
    assert len(made) >= 43
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_token("", path) == made
    assert load_token("configured", path) == "configured"
    assert [one.name for one in path.parent.iterdir()] == ["token"]
    assert load_token("", tmp_path / "other" / "token") != made


def test_a_token_file_that_others_read_is_closed_again(tmp_path: Path):
    path = tmp_path / "token"
    made = load_token("", path)
    path.chmod(0o644)
    assert load_token("", path) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_empty_token_file_is_made_again(tmp_path: Path):
    path = tmp_path / "token"
    path.write_text(" \n")
    assert load_token("", path) and path.read_text().strip() == load_token("", path)


def test_a_token_file_that_is_a_link_or_a_folder_is_named(tmp_path: Path):
    (tmp_path / "real").write_text("planted")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "folder").mkdir()
    for name in ("link", "folder"):
        with pytest.raises(ConfigError, match=f"gateway.token.*{name}"):
            load_token("", tmp_path / name)


async def test_signed_in_browsers_survive_a_restart(tmp_path: Path):
    path, clock = tmp_path / "trunkline.db", StepClock()
    open_store(path)
    now = clock.now()
    engine = Embedded(path, clock)
    browsers = StoredBrowsers(engine)
    await browsers.add("a", now, now + 100.0, "Firefox")
    await browsers.add("b", now, now + 100.0, "Firefox")
    assert await browsers.seen("a", now + 99.0, now + 1000.0)
    assert not await browsers.seen("a", now + 100.0, now + 1000.0)
    assert not await browsers.seen("c", now, now + 100.0)
    await browsers.revoke("b")
    assert not await browsers.seen("b", now, now + 100.0)
    await engine.stop(1.0)

    engine = Embedded(path, clock)
    browsers = StoredBrowsers(engine)
    assert await browsers.seen("a", now + 1.0, now + 100.0)
    await browsers.add("d", now, now + 10 * 86400.0, "")
    assert await browsers.seen("d", now + 2 * 86400.0, now + 32 * 86400.0)
    assert await browsers.seen("d", now + 31 * 86400.0, now + 60 * 86400.0)
    await engine.stop(1.0)
