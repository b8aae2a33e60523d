"""The server: its port, TLS, health, pages, webhooks, and what it writes about requests."""

import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from structlog.testing import capture_logs

from bot.config.settings import Gateway as Options
from bot.errors import ConfigError, ListenError
from bot.gateway.server import listen
from tests.contracts.gateway_kit import TOKEN, Rig, raw, running

# A key and certificate for localhost, made for this test alone.
PEM = Path(__file__).with_name("gateway_tls.pem")


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with running() as rig:
        yield rig


async def test_port_zero_takes_a_free_one_and_tells_it(rig: Rig):
    assert rig.url == f"http://127.0.0.1:{rig.port}" and rig.port > 0
    assert (await rig.get("/healthz")).status == 200


async def test_a_taken_port_is_named_with_the_next_free_one(rig: Rig):
    with pytest.raises(ListenError) as refused:
        listen("127.0.0.1", rig.port)
    said = str(refused.value)
    assert f"port {rig.port} on 127.0.0.1 is taken" in said
    free = int(said.rpartition(" ")[2])
    assert free > rig.port
    listen("127.0.0.1", free).close()


def test_an_address_that_is_not_ours_is_named():
    with pytest.raises(ListenError, match=r"cannot listen on 192\.0\.2\.1:7440: .+"):
        listen("192.0.2.1", 7440)


async def test_a_failed_start_leaves_the_port_free():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    async with running() as rig:
        gateway = rig.gateway
        gateway._options = Options.model_validate({"trusted_proxies": ["x"]})
        with pytest.raises(ConfigError, match="trusted_proxies"):
            await gateway.start(port=port)
    listen("127.0.0.1", port).close()


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
async def test_the_other_loopback_is_served_too():
    async with running(host="::1") as rig:
        assert rig.url.startswith("http://[::1]:")
        assert (await rig.get("/healthz")).status == 200


async def test_health_says_ok_and_no_more(rig: Rig):
    for path in ("/healthz", "/readyz"):
        answer = await rig.get(path)
        assert (answer.status, await answer.json()) == (200, {"ok": True})
    rig.is_ready[0] = False
    answer = await rig.get("/readyz")
    assert (answer.status, await answer.json()) == (503, {"ok": False})
    assert (await rig.get("/healthz")).status == 200


async def test_with_tls_the_cookie_is_bound_to_the_host_and_to_tls():
    tls = {"cert": str(PEM), "key": str(PEM)}
    async with running(tls=tls) as rig:
        assert rig.url.startswith("https://")
        context = ssl.create_default_context(cafile=str(PEM))
        connector = aiohttp.TCPConnector(ssl=context)
        async with aiohttp.ClientSession(connector=connector) as http:
            answer = await http.post(
                rig.url + "/login", json={"token": TOKEN}, headers={"Origin": rig.url}
            )
            assert answer.status == 200
            cookie = answer.headers["Set-Cookie"]
            assert cookie.startswith("__Host-trunkline")
            assert "Secure" in cookie and "Path=/" in cookie and "Domain" not in cookie
            plain = {"Origin": rig.url.replace("https", "http")}
            assert (await http.post(rig.url + "/login", json={}, headers=plain)).status == 403
        with pytest.raises(ConnectionError):
            assert await raw(rig.port, b"GET / HTTP/1.1\r\n\r\n") == b""
            raise ConnectionError


@pytest.mark.parametrize(
    ("tls", "said"),
    [
        ({"cert": str(PEM)}, "belong together"),
        ({"key": str(PEM)}, "belong together"),
        ({"cert": "/nowhere/cert.pem", "key": str(PEM)}, "cannot use /nowhere/cert.pem"),
        ({"cert": __file__, "key": __file__}, "cannot use"),
    ],
)
async def test_tls_files_that_do_not_fit_are_named(tls: dict[str, str], said: str):
    with pytest.raises(ConfigError, match=said):
        async with running(tls=tls):
            pass


async def test_an_open_bind_without_hosts_does_not_start():
    with pytest.raises(ConfigError, match="allowed_hosts"):
        async with running(host="0.0.0.0"):
            pass


async def test_a_webhook_goes_to_its_account_as_it_came(rig: Rig):
    body = b'payload=%7B"a":1%7D\xff'
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Signature": "v0=abc"}
    answer = await rig.http.post(rig.url + "/channels/hooked?a=1&b=2", data=body, headers=headers)
    assert (answer.status, await answer.text()) == (200, "taken")
    [(account, request)] = rig.hooks
    assert account == "hooked"
    assert (request.method, request.path, request.query) == (
        *("POST", "/channels/hooked"),
        {"a": "1", "b": "2"},
    )
    assert request.body == body
    assert request.headers["x-signature"] == "v0=abc"


async def test_a_webhook_of_nobody_is_404(rig: Rig):
    answer = await rig.http.post(rig.url + "/channels/none", data=b"x")
    assert answer.status == 404
    assert (await rig.get("/channels/hooked")).status == 405


async def test_the_log_has_a_line_for_each_request_and_never_a_query_or_a_secret(rig: Rig):
    code = rig.gateway.login_url().partition("code=")[2]
    with capture_logs() as lines:
        await rig.get(f"/login?code={code}")
        await rig.http.post(rig.url + "/login", json={"token": TOKEN})
        await rig.get("/x%0a%1b[31mfake", Authorization=f"Bearer {TOKEN}")
        await rig.get("/login", Host="evil.example")
    requests = [line for line in lines if line["event"] == "request"]
    assert [line["status"] for line in requests] == [303, 200, 404, 404]
    text = repr(lines)
    assert code not in text and TOKEN not in text
    assert "\n" not in requests[2]["path"] and "\x1b" not in requests[2]["path"]


async def test_a_failure_inside_is_a_plain_500_with_a_number_for_the_log(rig: Rig):
    async def broken() -> bool:
        raise ZeroDivisionError("internal detail")

    rig.gateway._site.ready = broken
    with capture_logs() as lines:
        answer = await rig.get("/readyz")
    assert answer.status == 500
    body = await answer.text()
    assert "internal detail" not in body and "Traceback" not in body
    number = next(line["id"] for line in lines if line["event"] == "request failed")
    assert number in body
