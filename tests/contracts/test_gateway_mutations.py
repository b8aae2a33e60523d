"""Every route and method that changes something, tried with wrong Origin, Host, cookie, token and
content type: refused, each time, and nothing has changed behind it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.config.settings import Gateway as Options
from bot.gateway.methods import table
from bot.gateway.server import Gateway
from bot.gateway.services import site_of
from tests.contracts.channels_kit import connected, file
from tests.contracts.gateway_kit import BEARER, TOKEN
from tests.contracts.gateway_product import Desk

# What is posted where, and the type that it has; the whole table is compared with the routes.
POSTS: dict[str, tuple[str, Any]] = {
    "/login": ("application/json", b'{"token": "%s"}' % TOKEN.encode()),
    "/channels/{account}": ("application/json", b"{}"),
    "/uploads": ("application/octet-stream", b"text"),
    "/v1/chat/completions": ("application/json", b'{"model": "agent:main", "messages": []}'),
    "/hooks/agent": ("application/json", b'{"message": "hello", "idempotencyKey": "h1"}'),
    "/hooks/wake": ("application/json", b'{"text": "hello"}'),
}
# Its body is signed by the platform, in what type it likes; sign-in is by the token in the body.
SIGNED = "/channels/{account}"
ANY_TYPE = (SIGNED, "/uploads")
UNSIGNED = ("/login", SIGNED)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with connected(tmp_path) as (desk, _):
        yield desk


class Registered(Gateway):
    """A gateway that tells which routes it has."""

    found: frozenset[tuple[str, str]] = frozenset()

    def routes(self, app: web.Application, auth: Any, sockets: Any) -> None:
        super().routes(app, auth, sockets)
        self.found = frozenset((one.method, one.resource.canonical) for one in app.router.routes())


async def test_the_table_has_every_route_that_is_not_safe(desk: Desk):
    options = Options.model_validate({"openai_api": True})
    core = desk.core
    gateway = Registered(options, TOKEN, site_of(core, desk.app.supervisor), table(core))
    await gateway.start(port=0)
    await gateway.stop()
    unsafe = {path for method, path in gateway.found if method not in ("GET", "HEAD")}
    assert {path.replace("{name}", "agent") for path in unsafe} >= {"/login", "/uploads"}
    listed = {path for path in unsafe if not path.startswith("/hooks/")}
    assert listed == {path for path in POSTS if not path.startswith("/hooks/")}


async def posted(desk: Desk, path: str, headers: dict[str, str]) -> int:
    kind, body = POSTS[path]
    sent = {"Content-Type": kind, **headers}
    async with aiohttp.ClientSession() as http:
        address = desk.url + path.format(account="telegram")
        answer = await http.post(address, data=body, headers=sent)
        told = await answer.text()
    assert TOKEN not in told and "Traceback" not in told
    assert "Set-Cookie" not in answer.headers
    return answer.status


async def state(desk: Desk) -> tuple[Any, ...]:
    runs = await desk.ok("usage.series")
    sessions = await desk.ok("sessions.list")
    return file(desk), runs["runs"], [one["updatedAt"] for one in sessions["sessions"]]


@pytest.mark.parametrize("path", POSTS)
async def test_T3_a_mutation_of_another_site_is_refused(desk: Desk, path: str):
    before = await state(desk)
    port = desk.url.rpartition(":")[2]
    for origin in ("http://evil.example", "null", f"http://localhost:{port}", "http://127.0.0.1:1"):
        assert await posted(desk, path, {**BEARER, "Origin": origin}) == 403, origin
    for sign in (
        {"Cookie": f"trunkline_{port}={'x' * 43}"},
        {"Sec-Fetch-Site": "cross-site"},
        {"User-Agent": "Mozilla/5.0"},
    ):
        assert await posted(desk, path, {**BEARER, **sign}) == 403, sign
    assert await state(desk) == before


@pytest.mark.parametrize("path", POSTS)
async def test_T3_a_mutation_under_another_name_is_not_found(desk: Desk, path: str):
    before, port = await state(desk), desk.url.rpartition(":")[2]
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1", f"127.0.0.1.evil:{port}"):
        assert await posted(desk, path, {**BEARER, "Host": host}) == 404, host
    assert await state(desk) == before


@pytest.mark.parametrize("path", [one for one in POSTS if one not in UNSIGNED])
async def test_T3_a_mutation_without_the_right_token_or_cookie_is_refused(desk: Desk, path: str):
    before, port = await state(desk), desk.url.rpartition(":")[2]
    own = {"Origin": desk.url}
    for wrong in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {TOKEN}"},
        {**own, "Cookie": f"trunkline_{port}={'x' * 43}"},
        {**own, "Cookie": f"trunkline_{port}={TOKEN}"},
        {**own, "Cookie": f"token={TOKEN}"},
    ):
        # An API that is off is not there for anybody.
        refused = (401, 404) if path.startswith("/v1/") else (401,)
        assert await posted(desk, path, wrong) in refused, wrong
    assert await state(desk) == before


@pytest.mark.parametrize("path", [one for one in POSTS if one not in ANY_TYPE])
async def test_T3_a_mutation_of_another_type_is_refused(desk: Desk, path: str):
    before = await state(desk)
    kinds = ["text/plain", "multipart/form-data; boundary=x", "text/json", ""]
    if path != "/login":
        kinds.append("application/x-www-form-urlencoded")
    for kind in kinds:
        assert await posted(desk, path, {**BEARER, "Content-Type": kind}) == 415, kind
    assert await state(desk) == before


async def test_T3_a_platform_that_does_not_sign_is_refused(desk: Desk):
    before = await state(desk)
    assert await posted(desk, SIGNED, {}) in (401, 404)
    assert await state(desk) == before


async def test_T3_no_method_answers_a_socket_that_has_not_signed_in(desk: Desk):
    hello = {"protocol": 1, "client": {"id": "t", "version": "1"}}
    before = await state(desk)
    async with aiohttp.ClientSession() as http:
        for method, params in (
            ("config.text.set", {"text": "", "base": "x"}),
            ("connect", {**hello, "auth": {"token": "wrong"}}),
            ("connect", hello),
        ):
            async with http.ws_connect(desk.url + "/ws") as socket:
                await socket.send_json(
                    {"type": "req", "id": "1", "method": method, "params": params}
                )
                frames = [one async for one in socket]
                assert socket.close_code == 1008
                assert not [one for one in frames if '"ok":true' in str(one.data)]
    assert await state(desk) == before
