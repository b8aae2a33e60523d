"""A model server, and our client of it: what the suites of the OpenAI provider stand on."""

from collections.abc import AsyncIterator

import pytest

from bot.providers.openai import OpenAI
from tests.contracts.provider import openai
from tests.fakes.openai_server import FakeOpenAI


@pytest.fixture
async def server() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI() as server:
        yield server


@pytest.fixture
async def provider(server: FakeOpenAI) -> AsyncIterator[OpenAI]:
    provider = openai(server)
    yield provider
    await provider.close()
