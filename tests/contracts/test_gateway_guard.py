"""What reaches the gateway: hosts, origins, content types, sizes, and what every answer carries."""

import io
from collections.abc import AsyncIterator

import pytest
from aiohttp import WSServerHandshakeError
from structlog.testing import capture_logs

from bot.errors import ConfigError
from bot.gateway.answers import HEADERS
from bot.gateway.guard import Guard, check_bind
from tests.contracts.gateway_kit import BEARER, TOKEN, Rig, raw, running

PATHS = ["/", "/chat", "/login", "/healthz", "/readyz", "/ws", "/static/login.css", "/nothing"]


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with running() as rig:
        yield rig


@pytest.mark.parametrize("path", PATHS)
async def test_D03_a_wrong_host_is_404_everywhere(rig: Rig, path: str):
    answer = await rig.get(path, Host=f"evil.example:{rig.port}")
    assert answer.status == 404
    assert await answer.json() == {"error": {"code": "NOT_FOUND", "message": "not found"}}


@pytest.mark.parametrize(
    "host",
    [
        *(
            "localhost",
            "127.0.0.1",
            "127.0.0.1:1",
            "",
            ":",
            "[::1",
            "127.0.0.1.evil.example:{port}",
        ),
        *(
            "user@127.0.0.1:{port}",
            "127.0.0.1:{port}:{port}",
            "127.0.0.1:{port}/",
            "localhost.:{port}",
        ),
        *("0.0.0.0:{port}", "127.1:{port}", "2130706433:{port}", "127.0.0.1:0{port}0", "*:{port}"),
    ],
)
async def test_D03_only_exact_names_with_the_bound_port_are_hosts(rig: Rig, host: str):
    assert (await rig.get("/healthz", Host=host.format(port=rig.port))).status in (400, 404)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "LOCALHOST"])
async def test_loopback_names_are_hosts_with_the_bound_port(rig: Rig, host: str):
    assert (await rig.get("/healthz", Host=f"{host}:{rig.port}")).status == 200


async def test_an_allowed_host_without_port_stands_for_the_bound_one_and_the_usual_two():
    async with running(allowed_hosts=["Bot.example.org", "x.example:8443"]) as rig:
        port = rig.port
        for host in ("bot.example.org", f"bot.example.org:{port}", "bot.example.org:443"):
            assert (await rig.get("/healthz", Host=host)).status == 200, host
        assert (await rig.get("/healthz", Host="x.example:8443")).status == 200
        for host in ("bot.example.org:8080", "x.example", f"x.example:{port}"):
            assert (await rig.get("/healthz", Host=host)).status == 404, host


@pytest.mark.parametrize(
    "head",
    [
        b"GET /healthz HTTP/1.1\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nHost: evil.example\r\n",
        b"GET /healthz HTTP/1.0\r\n",
        b"GET http://evil.example/healthz HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:%d\x01\r\n",
    ],
)
async def test_a_missing_double_or_overruled_host_is_refused(rig: Rig, head: bytes):
    head = head % rig.port if b"%d" in head else head
    answer = await raw(rig.port, head + b"Connection: close\r\n\r\n")
    assert answer.split()[1] in (b"400", b"404")
    assert b'{"ok":true}' not in answer


@pytest.mark.parametrize(
    "origin",
    [
        *("null", "", "http://evil.example", "http://127.0.0.1", "http://127.0.0.1:1"),
        *("https://127.0.0.1:{port}", "http://localhost:{port}", "http://127.0.0.1:{port}/"),
        *("http://127.0.0.1:{port}.evil.example", "http://x@127.0.0.1:{port}", "127.0.0.1:{port}"),
    ],
)
async def test_D04_only_our_own_origin_may_act(rig: Rig, origin: str):
    headers = {"Origin": origin.format(port=rig.port), **BEARER}
    posted = await rig.http.post(rig.url + "/login", json={"token": TOKEN}, headers=headers)
    assert posted.status == 403
    assert (await posted.json())["error"]["code"] == "FORBIDDEN"
    with pytest.raises(WSServerHandshakeError) as refused:
        await rig.http.ws_connect(rig.url + "/ws", headers=headers)
    assert refused.value.status == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_D04_every_unsafe_method_wants_our_origin(rig: Rig, method: str):
    answer = await rig.http.request(
        method, rig.url + "/chat", json={}, headers={"Origin": "http://evil.example"}
    )
    assert answer.status == 403


async def test_our_own_origin_and_programs_without_one_may_act(rig: Rig):
    for headers in (rig.origin, {}):
        answer = await rig.http.post(rig.url + "/login", json={"token": TOKEN}, headers=headers)
        assert answer.status == 200


@pytest.mark.parametrize(
    "sign",
    [
        {"User-Agent": "Mozilla/5.0"},
        {"Sec-Fetch-Mode": "websocket"},
        {"Cookie": "trunkline_1=x"},
        {"Cookie": "__Host-trunkline_1=x"},
    ],
)
async def test_D04_a_browser_without_an_origin_is_refused(rig: Rig, sign: dict[str, str]):
    posted = await rig.http.post(rig.url + "/login", json={"token": TOKEN}, headers=sign)
    assert posted.status == 403
    with pytest.raises(WSServerHandshakeError) as refused:
        await rig.http.ws_connect(rig.url + "/ws", headers=sign)
    assert refused.value.status == 403


@pytest.mark.parametrize("path", PATHS)
async def test_D05_cross_site_requests_are_refused(rig: Rig, path: str):
    answer = await rig.get(path, Sec_Fetch_Site="cross-site")
    assert answer.status == 403


@pytest.mark.parametrize(
    "kind", ["text/plain", "multipart/form-data; boundary=x", "", "application/jsonx", "text/json"]
)
async def test_D06_only_json_and_the_sign_in_form_are_taken(rig: Rig, kind: str):
    headers = {"Content-Type": kind, **rig.origin}
    body = b'{"token": "%s"}' % TOKEN.encode()
    answer = await rig.http.post(rig.url + "/login", data=body, headers=headers)
    assert answer.status == 415
    assert "Set-Cookie" not in answer.headers


async def test_a_form_is_taken_nowhere_else(rig: Rig):
    answer = await rig.http.post(rig.url + "/hooks/agent", data={"message": "x"}, headers=BEARER)
    assert answer.status == 415


async def test_D09_a_body_is_at_most_a_mebibyte(rig: Rig):
    large = b'{"token": "' + b"x" * (1 << 20) + b'"}'
    kind = {"Content-Type": "application/json"}

    async def chunks() -> AsyncIterator[bytes]:
        yield large

    for data in (io.BytesIO(large), chunks()):
        answer = await rig.http.post(rig.url + "/login", data=data, headers=kind)
        assert answer.status == 413
        assert (await answer.json())["error"]["code"] == "TOO_LARGE"


async def test_D07_forwarding_headers_of_strangers_mean_nothing(rig: Rig):
    forwarded = {
        "X-Forwarded-For": "10.0.0.1",
        "X-Forwarded-Host": f"127.0.0.1:{rig.port}",
        "X-Forwarded-Proto": "https",
        "Forwarded": "for=127.0.0.1",
    }
    evil = {**forwarded, "Host": "evil.example"}
    assert (await rig.http.get(rig.url + "/healthz", headers=evil)).status == 404
    page = await rig.http.get(rig.url + "/chat", headers=forwarded, allow_redirects=False)
    assert page.status == 303
    body = {"token": TOKEN}
    for _ in range(10):
        await rig.http.post(rig.url + "/login", json={"token": "no"}, headers=forwarded)
    other = {**forwarded, "X-Forwarded-For": "10.0.0.2"}
    assert (await rig.http.post(rig.url + "/login", json=body, headers=other)).status == 429


async def test_D07_a_trusted_proxy_tells_the_source_and_the_scheme():
    async with running(trusted_proxies=["127.0.0.0/8"], allowed_hosts=["bot.example"]) as rig:
        named = {"Host": "bot.example", "X-Forwarded-Proto": "https", "X-Forwarded-For": "9.9.9.9"}
        for _ in range(10):
            wrong = await rig.http.post(rig.url + "/login", json={"token": ""}, headers=named)
            assert wrong.status == 401
        locked = await rig.http.post(rig.url + "/login", json={"token": TOKEN}, headers=named)
        assert locked.status == 429
        other = {**named, "X-Forwarded-For": "9.9.9.9, 8.8.8.8", "Origin": "https://bot.example"}
        entered = await rig.http.post(rig.url + "/login", json={"token": TOKEN}, headers=other)
        assert entered.status == 200
        assert entered.headers["Set-Cookie"].startswith("__Host-")
        plain = {**other, "Origin": "http://bot.example"}
        refused = await rig.http.post(rig.url + "/login", json={"token": TOKEN}, headers=plain)
        assert refused.status == 403


async def test_a_tunnel_on_this_machine_may_serve_https():
    async with running(allowed_hosts=["bot.example"]) as rig:
        for scheme in ("http", "https"):
            headers = {"Host": "bot.example", "Origin": f"{scheme}://bot.example"}
            answer = await rig.http.post(rig.url + "/login", json={"token": TOKEN}, headers=headers)
            assert answer.status == 200


@pytest.mark.parametrize(
    "path", [*PATHS, "/static/none", "/%2e%2e/%2e%2e/etc/passwd", "/login?code=x"]
)
async def test_D08_every_answer_carries_the_same_headers(rig: Rig, path: str):
    answer = await rig.get(path)
    for name, value in HEADERS.items():
        assert answer.headers.getall(name) == [value]
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy and "*" not in policy
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "aiohttp" not in answer.headers["Server"]
    assert answer.headers["Cache-Control"] in ("no-store", "no-cache")


@pytest.mark.parametrize("request_", [b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/9.9\r\n\r\n"])
async def test_what_is_no_http_gets_a_plain_answer_with_the_same_headers(rig: Rig, request_: bytes):
    answer = await raw(rig.port, request_ + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.0 400 ")
    assert b"Content-Security-Policy: default-src 'none'" in answer
    assert b'{"error":{"code":"INVALID_PARAMS","message":"bad HTTP"}}' in answer


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "NOT_FOUND"),
        ("POST", "/chat", 405, "UNKNOWN_METHOD"),
        ("POST", "/v1/chat/completions", 404, "NOT_FOUND"),
        ("POST", "/hooks/agent", 404, "NOT_FOUND"),
        ("OPTIONS", "/chat", 405, "UNKNOWN_METHOD"),
        ("GET", "/static/../server.py", 404, "NOT_FOUND"),
        ("GET", "/static/", 404, "NOT_FOUND"),
        ("GET", "/static/none.css", 404, "NOT_FOUND"),
        ("GET", "/static/%2e%2e/server.py", 404, "NOT_FOUND"),
        ("GET", "/static//etc/passwd", 404, "NOT_FOUND"),
        ("GET", "/static/x%00.css", 404, "NOT_FOUND"),
    ],
)
async def test_errors_have_one_shape(rig: Rig, method: str, path: str, status: int, code: str):
    answer = await rig.http.request(
        method, rig.url + path, json={} if method == "POST" else None, headers=BEARER
    )
    assert answer.status == status
    body = await answer.json()
    assert body["error"]["code"] == code
    assert set(body["error"]) == {"code", "message"}


def test_D01_a_bind_beyond_loopback_needs_hosts_and_warns_without_privacy():
    for host in ("127.0.0.1", "127.9.9.9", "localhost", "::1", "[::1]"):
        check_bind(host, [], [], False)
    for host in ("0.0.0.0", "::", "192.168.1.2", "bot.example"):
        with pytest.raises(ConfigError, match="allowed_hosts"):
            check_bind(host, [], [], True)
        with capture_logs() as said:
            check_bind(host, ["bot.example"], [], False)
        assert "without TLS" in said[0]["event"]
        with capture_logs() as said:
            check_bind(host, ["bot.example"], [], True)
            check_bind(host, ["bot.example"], ["10.0.0.1"], False)
        assert not said


@pytest.mark.parametrize(
    "host", ["http://bot.example", "bot example", "bot.example/x", "*.example"]
)
def test_a_host_that_is_none_is_named(host: str):
    with pytest.raises(ConfigError, match="allowed_hosts"):
        Guard(1, hosts=[host])


def test_a_proxy_that_is_no_address_is_named():
    with pytest.raises(ConfigError, match=r"trusted_proxies.*proxy\.example"):
        Guard(1, proxies=["proxy.example"])
