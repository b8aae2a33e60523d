"""Connections to platforms give a request up that the network swallows, before who sent it does."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from adapters import http
from adapters.discord import rest as discord
from adapters.http import UNHEARD, open_session
from adapters.mattermost import rest as mattermost
from adapters.slack import client as slack
from adapters.telegram import request as telegram
from tests.contracts.web_kit import says, serving

pytestmark = pytest.mark.skipif(
    not http.IMPATIENT, reason="the system has no TCP_USER_TIMEOUT (Linux has)"
)


@pytest_asyncio.fixture
async def url() -> AsyncIterator[str]:
    async with serving({"/": says(b"x" * 2**24)}) as base:
        yield f"{base}/"


def patience_of(found: socket.socket) -> int:
    return found.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)


async def test_the_shared_session_gives_up_before_any_caller(url: str):
    async with open_session(url) as session, session.get(url) as response:
        assert response.connection is not None and response.connection.transport is not None
        assert patience_of(response.connection.transport.get_extra_info("socket")) == UNHEARD * 1000
    callers = (discord.PATIENCE, mattermost.PATIENCE, slack.PATIENCE, telegram.PATIENCE)
    assert min(callers) > UNHEARD


async def test_so_does_the_session_of_mattermost(url: str):
    rest = mattermost.Rest("mm", url.rstrip("/"), "token", None)
    rest.open()

    def asked() -> int:
        with rest._driver.client._session() as session, session.get(url, stream=True) as response:
            return patience_of(response.raw.connection.sock)

    try:
        assert await asyncio.to_thread(asked) == UNHEARD * 1000
    finally:
        rest.close()
