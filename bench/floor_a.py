"""Floor A: a bare python-telegram-bot bot on aiohttp, history in memory, no durability."""

from __future__ import annotations

import argparse
import json
from typing import Any

import aiohttp
from telegram import Update
from telegram.ext import Application, ContextTypes, MessageHandler, filters
from telegram.request import BaseRequest, RequestData

History = dict[int, list[dict[str, str]]]


class AiohttpRequest(BaseRequest):
    """The library's requests over one aiohttp session."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    @property
    def read_timeout(self) -> float:
        return 20.0

    async def initialize(self) -> None:
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def shutdown(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def do_request(
        self, url: str, method: str, request_data: RequestData | None = None, *a: Any, **k: Any
    ) -> tuple[int, bytes]:
        assert self._session is not None
        fields = request_data.json_parameters if request_data else {}
        async with self._session.post(url, data=fields) as response:
            return response.status, await response.read()


class Bot:
    """Answers each message with what the model streams."""

    def __init__(self, model_url: str) -> None:
        self._url = f"{model_url}/chat/completions"
        self._history: History = {}
        self._session: aiohttp.ClientSession | None = None

    async def on_message(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.effective_chat and update.message and update.message.text
        history = self._history.setdefault(update.effective_chat.id, [])
        history.append({"role": "user", "content": update.message.text})
        text = await self._ask(history)
        history.append({"role": "assistant", "content": text})
        await context.bot.send_message(update.effective_chat.id, text)

    async def _ask(self, history: list[dict[str, str]]) -> str:
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        body = {"model": "echo", "messages": history, "stream": True}
        pieces = []
        async with self._session.post(self._url, json=body) as response:
            async for line in response.content:
                if line.startswith(b"data: {"):
                    for choice in json.loads(line[6:])["choices"]:
                        pieces.append(choice["delta"].get("content") or "")
        return "".join(pieces)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--telegram", required=True)
    parser.add_argument("--model", required=True)
    given = parser.parse_args()
    application = (
        Application.builder()
        .token("1:bench")
        .base_url(f"{given.telegram}/bot")
        .request(AiohttpRequest())
        .get_updates_request(AiohttpRequest())
        .concurrent_updates(256)
        .build()
    )
    application.add_handler(MessageHandler(filters.TEXT, Bot(given.model).on_message))
    application.run_polling(stop_signals=None)


if __name__ == "__main__":
    main()
