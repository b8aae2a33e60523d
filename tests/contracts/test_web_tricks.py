"""Address tricks against the real client: nothing private is ever connected to."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest
from aiohttp import web

from bot.errors import FetchError
from bot.tools.web_client import WebClient, pinned
from tests.contracts.web_kit import PUBLIC, Listener, Names, says, serving

V4 = ["127.0.0.1", "10.0.0.5", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.7"]
V4 += ["0.0.0.0", "224.0.0.1", "240.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.0.8"]
V4 += ["192.0.2.9", "203.0.113.7", "168.63.129.16", "192.88.99.1"]
V6 = ["::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "fec0::1", "2001:db8::1"]
V6 += ["64:ff9b:1::1", "100::1", "::7f00:1", "3fff::1", "5f00::1", "2001:10::1", "2001::1"]


def octets(address: str) -> list[int]:
    return [int(part) for part in address.split(".")]


def forms(address: str) -> Iterator[str]:
    """One IPv4 address in the ways that resolvers and browsers read it."""
    a, b, c, d = octets(address)
    whole = (a << 24) + (b << 16) + (c << 8) + d
    yield address
    yield str(whole)
    yield hex(whole)
    yield f"0{whole:o}"
    yield f"{a}.{(b << 16) + (c << 8) + d}"
    yield f"{a}.{b}.{(c << 8) + d}"
    yield ".".join(f"0{one:o}" for one in (a, b, c, d))
    yield ".".join(hex(one) for one in (a, b, c, d))
    yield f"{address}."
    yield "".join(chr(0xFF10 + int(one)) if one.isdigit() else one for one in address)
    yield address.replace(".", "\u3002")


def wrapped(address: str) -> Iterator[str]:
    """One IPv4 address inside IPv6 ones: mapped, compatible, NAT64, 6to4, Teredo."""
    a, b, c, d = octets(address)
    high, low = f"{a:02x}{b:02x}", f"{c:02x}{d:02x}"
    yield f"[::ffff:{address}]"
    yield f"[::ffff:{high}:{low}]"
    yield f"[::{address}]"
    yield f"[64:ff9b::{high}:{low}]"
    yield f"[2002:{high}:{low}::1]"
    yield f"[2001:0:{high}:{low}::1]"
    flipped = f"{0xFFFF ^ int(high, 16):04x}:{0xFFFF ^ int(low, 16):04x}"
    yield f"[2001:0:5db8:d70e:0:0:{flipped}]"


def hosts() -> list[str]:
    """Every host form, without ports."""
    found = [form for address in V4 for form in forms(address)]
    found += [form for address in V4 for form in wrapped(address)]
    found += [f"[{address}]" for address in V6]
    found += ["localhost", "LOCALHOST", "localhost.", "127.1", "0", "0.0", "[::1%25lo]", "[::1%lo]"]
    found += ["metadata.google.internal", "metadata.google.internal.", "METADATA", "instance-data"]
    return list(dict.fromkeys(found))


def urls(port: int) -> Iterator[str]:
    """Every host with the private server's port and without, and what else a URL can hide."""
    for host in hosts():
        yield f"http://{host}:{port}/"
        yield f"https://{host}/"
    yield from (
        f"http://good.example@127.0.0.1:{port}/",
        f"http://127.0.0.1:{port}#@good.example/",
        f"http://good.example:80@127.0.0.1:{port}/",
        f"http://good.example\\@127.0.0.1:{port}/",
        f"http://good.example\t@127.0.0.1:{port}/",
        f" http://127.0.0.1:{port}/",
        f"http:127.0.0.1:{port}/",
        f"http:///127.0.0.1:{port}/",
        f"//127.0.0.1:{port}/",
        f"http://inside.example:{port}/",
        "http://inside.example/",
        "http://mixed.example/",
        "http://mapped.example/",
        "http://nat64.example/",
        "http://good.example:22/",
        "http://good.example:6379/",
        f"http://good.example:{port}/",
        "file:///etc/passwd",
        "ftp://good.example/",
        "gopher://127.0.0.1:6379/_INFO",
        "data:text/plain,x",
        "jar:http://127.0.0.1!/",
        "http://",
        "http://:80/",
        "http://[::1/",
        "http://good.example:99999/",
        "http://" + "a" * 9000,
    )


def names() -> Names:
    found = Names()
    found.answers |= {
        "good.example": [PUBLIC],
        "inside.example": ["127.0.0.1"],
        "mixed.example": [PUBLIC, "10.0.0.1"],
        "mapped.example": ["::ffff:127.0.0.1"],
        "nat64.example": ["64:ff9b::7f00:1"],
    }
    return found


async def test_no_trick_reaches_a_private_address() -> None:
    async with Listener().listening() as private:
        client = WebClient(tuple, names())
        tried = list(dict.fromkeys(urls(private.port)))
        passed = []
        for url in tried:
            try:
                await client.request("GET", url, max_bytes=100)
            except FetchError:
                continue
            passed.append(url)
        assert len(tried) > 500
        assert passed == []
        assert private.connects == 0


async def test_the_listener_would_have_seen_it() -> None:
    """The same client reaches the same server once its address is allowed."""
    async with Listener().listening() as private:
        client = WebClient(lambda: ["127.0.0.0/8", "::1"], names())
        for host in ("127.0.0.1", "0x7f.1", "inside.example", "[::1]"):
            answer = await client.request("GET", f"http://{host}:{private.port}/", max_bytes=100)
            assert answer.body == b"secret"
        assert private.connects == 4


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_reaches_a_private_address(status: int) -> None:
    async with Listener().listening() as private:
        wanted = ""

        async def redirect(request: web.Request) -> web.Response:
            return web.Response(status=status, headers={"Location": wanted})

        async with serving({"/": redirect}) as url:
            resolver = names()
            resolver.answers["start.example"] = ["127.0.0.1"]
            # The server stands on loopback, so its name alone is allowed.
            client = WebClient(lambda: ["start.example"], resolver)
            start = url.replace("127.0.0.1", "start.example")
            tried = [one for one in urls(private.port) if one.startswith(("http", "//", "file"))]
            for wanted in tried[:: 1 if status == 302 else 9]:
                if "\t" in wanted or "\u3002" in wanted or not wanted.isascii():
                    continue  # no header can carry it
                try:
                    answer = await client.request("GET", start + "/", max_bytes=100)
                except FetchError:
                    continue
                # What names no host is a path of the server that redirects.
                assert answer.url.startswith(start), wanted
        assert private.connects == 0


async def test_a_name_that_changes_its_mind_gains_nothing() -> None:
    """DNS rebinding: the first answer is judged and used, a second one is never asked for."""
    async with Listener().listening() as private:
        resolver = Names(turns=[[PUBLIC], ["127.0.0.1"]])
        judged = await WebClient(lambda: ["turns"], resolver).permitted("turns", 80)
        assert [str(one) for one in judged] == [PUBLIC]
        assert resolver.asked == ["turns"]
        connector = pinned(judged)
        found = await connector._resolver.resolve("turns", 80)
        assert [one["host"] for one in found] == [PUBLIC]
        assert resolver.asked == ["turns"]
        await connector.close()
        assert private.connects == 0


async def test_a_socket_is_made_for_judged_addresses_alone() -> None:
    async with Listener().listening() as private:
        connector = pinned(await WebClient(tuple, names()).permitted("good.example", 80))
        made = connector._socket_factory
        assert made is not None
        where = ("127.0.0.1", private.port)
        with pytest.raises(PermissionError):
            made((socket.AF_INET, socket.SOCK_STREAM, 6, "", where))
        made((socket.AF_INET, socket.SOCK_STREAM, 6, "", (PUBLIC, 80))).close()
        await connector.close()
        assert private.connects == 0


async def test_allowing_one_thing_allows_nothing_else() -> None:
    async with serving({"/": says("wiki")}) as url:
        port = url.rpartition(":")[2]
        resolver = Names(**{"wiki.home": ["127.0.0.1"], "evil.home": ["127.0.0.1"]})
        client = WebClient(lambda: ["wiki.home"], resolver)
        answer = await client.request("GET", f"http://wiki.home.:{port}/", max_bytes=100)
        assert answer.body == b"wiki"
        named = WebClient(
            lambda: ["B\u00fccher.home"], Names(**{"xn--bcher-kva.home": ["127.0.0.1"]})
        )
        assert (await named.request("GET", f"http://b\u00fccher.home:{port}/", max_bytes=9)).body
        for host in ("evil.home", "127.0.0.1", "localhost", "sub.wiki.home"):
            with pytest.raises(FetchError):
                await client.request("GET", f"http://{host}:{port}/", max_bytes=100)


async def test_the_credentials_of_a_cloud_need_a_word_of_their_own() -> None:
    wide = WebClient(lambda: ["0.0.0.0/0", "::/0"], names())
    with pytest.raises(FetchError, match="private or reserved"):
        await wide.permitted("169.254.169.254", 80)
    assert await wide.permitted("10.0.0.1", 8080)
    exact = WebClient(lambda: ["169.254.169.254"], names())
    assert await exact.permitted("169.254.169.254", 80)


async def test_dialling_is_judged_too() -> None:
    async with Listener().listening() as private:
        client = WebClient(tuple, names())
        for host in hosts():
            with pytest.raises(FetchError):
                await client.dial(host.strip("[]").rstrip("."), 443)
        assert private.connects == 0
        allowed = WebClient(lambda: ["127.0.0.1"], names())
        reader, writer = await allowed.dial("127.0.0.1", private.port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        async with asyncio.timeout(30):
            assert b"secret" in await reader.read(1000)
        writer.close()
