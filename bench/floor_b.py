"""Floor B: the same bot with the libraries' default clients."""

from __future__ import annotations

import argparse

from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionMessageParam
from telegram import Update
from telegram.ext import Application, ContextTypes, MessageHandler, filters


class Bot:
    """Answers each message with what the model streams."""

    def __init__(self, model_url: str) -> None:
        self._client = AsyncOpenAI(base_url=model_url, api_key="x")
        self._history: dict[int, list[ChatCompletionMessageParam]] = {}

    async def on_message(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.effective_chat and update.message and update.message.text
        history = self._history.setdefault(update.effective_chat.id, [])
        history.append({"role": "user", "content": update.message.text})
        stream = await self._client.chat.completions.create(
            model="echo", messages=history, stream=True
        )
        pieces = []
        async for chunk in stream:
            pieces += [choice.delta.content or "" for choice in chunk.choices]
        text = "".join(pieces)
        history.append({"role": "assistant", "content": text})
        await context.bot.send_message(update.effective_chat.id, text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--telegram", required=True)
    parser.add_argument("--model", required=True)
    given = parser.parse_args()
    application = (
        Application.builder()
        .token("1:bench")
        .base_url(f"{given.telegram}/bot")
        .concurrent_updates(256)
        .build()
    )
    application.add_handler(MessageHandler(filters.TEXT, Bot(given.model).on_message))
    application.run_polling(stop_signals=None)


if __name__ == "__main__":
    main()
