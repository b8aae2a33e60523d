"""What a server says about its models, read from the lists that servers give. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.providers.draft import count, string

MAX_MODELS = 2000

# What servers call the window of a model, in tokens.
_WINDOWS = (
    "context_length",
    "max_model_len",
    "max_context_length",
    "loaded_context_length",
    "context_window",
    "max_input_tokens",
)


@dataclass(frozen=True, slots=True)
class Found:
    """A model that a server offers; None is what it does not say. `window` is in tokens."""

    id: str
    name: str = ""
    window: int | None = None
    tools: bool | None = None
    images: bool | None = None
    thinking: bool | None = None

    def row(self) -> dict[str, Any]:
        """As the gateway shows it."""
        return {
            "id": self.id,
            "name": self.name or self.id,
            "contextWindow": self.window,
            "tools": self.tools,
            "images": self.images,
            "reasoning": self.thinking,
        }


def found(document: Any) -> list[Found]:
    """The models of a list in the form of `GET /v1/models`, as all compatible servers give it."""
    if isinstance(document, dict):
        document = document.get("data", document.get("models", document.get("result")))
    rows = document if isinstance(document, list) else []
    models = [_model(row) for row in rows[:MAX_MODELS] if isinstance(row, dict)]
    return [model for model in models if model.id]


def _model(row: Mapping[str, Any]) -> Found:
    windows = (count(row.get(name)) for name in _WINDOWS)
    return Found(
        id=string(row.get("id")) or string(row.get("name")),
        name=string(row.get("display_name")) or string(row.get("name")),
        window=next((window for window in windows if window), None),
    )
