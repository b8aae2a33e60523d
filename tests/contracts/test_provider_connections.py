"""How calls of models use connections: so many at once, kept, ended when nobody listens."""

import asyncio

import aiohttp

from bot.providers.openai import OpenAI
from bot.types import TextDelta
from tests.contracts.provider import HELLO, call, openai
from tests.fakes.openai_server import FakeOpenAI, text_stream


async def test_no_more_calls_at_once_than_allowed(server: FakeOpenAI):
    provider = openai(server, max_concurrent=1)
    gate = asyncio.Event()
    server.answer(gate, *text_stream("first"))
    server.answer(*text_stream("second"))
    asyncio.get_running_loop().call_later(0.05, gate.set)
    first, second = await asyncio.gather(call(provider), call(provider))
    assert (first.text, second.text) == ("first", "second")
    assert server.most_at_once == 1
    await provider.close()


async def test_closing_the_iterator_ends_the_call(server: FakeOpenAI, provider: OpenAI):
    server.answer(text_stream("Hello")[1], asyncio.Event())
    stream = provider.stream(HELLO)
    assert await anext(stream) == TextDelta("Hello")
    await stream.aclose()  # type: ignore[attr-defined]
    await asyncio.wait_for(server.left.wait(), 30)


async def test_connections_are_used_again(server: FakeOpenAI):
    """The next call needs no new connection, though an answer is over before its response."""
    opened = []
    provider = openai(server, session=lambda: counting_session(opened))
    for _ in range(3):
        server.answer(*text_stream("ok"))
        await call(provider)
        await until_kept(provider)
    assert len(opened) == 1
    await provider.close()


def counting_session(opened: list[object]) -> aiohttp.ClientSession:
    trace = aiohttp.TraceConfig()

    async def created(*args: object) -> None:
        opened.append(args)

    trace.on_connection_create_end.append(created)
    return aiohttp.ClientSession(trace_configs=[trace])


async def until_kept(provider: OpenAI) -> None:
    session = provider._http._session
    assert session is not None
    while session.connector._acquired:  # type: ignore[union-attr]  # noqa: ASYNC110
        await asyncio.sleep(0)
