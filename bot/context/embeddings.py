"""Texts as vectors, by any server that speaks OpenAI's embeddings or Ollama's."""

from __future__ import annotations

import math
from array import array
from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Any, TypeAlias

from bot.clock import Clock
from bot.config.agents import Provider
from bot.config.settings import Config
from bot.errors import RunError
from bot.providers import openai, split_ref
from bot.providers.http import Http, Refused
from bot.providers.ollama import BASE_URL as OLLAMA_URL
from bot.providers.ollama import native_base

BATCH = 16
MAX_DIMENSIONS = 8192
TIMEOUT = 30.0

# Subscripted only for the type checker: the class itself is no generic before Python 3.12.
Vector: TypeAlias = "array[float]"


class NoVectors(Exception):
    """The endpoint gave none; the sentence says why."""


class Embedder:
    """One model behind one endpoint. `ref` names it; vectors have the length 1."""

    def __init__(self, ref: str, settings: Provider, clock: Clock) -> None:
        provider, self._model = split_ref(ref)
        keys = [key.reveal() for key in (settings.api_key, *settings.api_keys) if key]
        headers = {name: value.reveal() for name, value in settings.headers.items()}
        if keys:
            headers = {"Authorization": f"Bearer {keys[0]}", **headers}
        self.ref = ref
        self._ollama = settings.api == "ollama"
        self._path = "api/embed" if self._ollama else "embeddings"
        base = settings.base_url or (OLLAMA_URL if self._ollama else openai.BASE_URL)
        self._http = Http(
            provider,
            native_base(base) if self._ollama else base.rstrip("/"),
            headers={**headers, "Accept": "application/json"},
            secrets=(*keys, *headers.values()),
            with_login=not keys,
            clock=clock,
            idle_timeout=TIMEOUT,
        )

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """A vector for each text, in this order. Raises NoVectors."""
        found: list[Vector] = []
        for at in range(0, len(texts), BATCH):
            batch = texts[at : at + BATCH]
            try:
                answer = await self._http.document(
                    self._path, {"model": self._model, "input": list(batch)}
                )
            except Refused as refused:
                raise NoVectors(refused.failure.message) from None
            found += self._read(answer, len(batch))
        return found

    async def close(self) -> None:
        await self._http.close()

    def _read(self, answer: Any, wanted: int) -> list[Vector]:
        lists = _lists(answer, self._ollama)
        if lists is None or len(lists) != wanted:
            raise NoVectors(f"{self.ref} answered something that is no list of vectors")
        return [_unit(one, self.ref) for one in lists]


def embedder_of(config: Config, clock: Clock) -> Embedder | None:
    """What `memory.embeddings` names; None when it names nothing. Raises NoVectors."""
    ref = config.memory.embeddings
    if ref is None:
        return None
    try:
        name, _ = split_ref(ref)
    except RunError as error:
        raise NoVectors(f"memory.embeddings: {error}") from None
    settings = config.providers.get(name)
    if settings is None:
        raise NoVectors(f"memory.embeddings: there is no provider {name}")
    if settings.api not in ("openai", "ollama"):
        what = f"memory.embeddings: api {settings.api} makes no vectors"
        raise NoVectors(f"{what}; name a provider with api openai or ollama")
    return Embedder(ref, settings, clock)


def packed(vector: Vector) -> str:
    """A vector as the store keeps it."""
    return b64encode(vector.tobytes()).decode()


def unpacked(text: str) -> Vector:
    return array("f", b64decode(text))


def likeness(one: Vector, other: Vector) -> float:
    """How near two vectors of length 1 are, from 0 to 1."""
    if len(one) != len(other):
        return 0.0
    return max(0.0, min(1.0, math.fsum(a * b for a, b in zip(one, other, strict=True))))


def _lists(answer: Any, ollama: bool) -> list[Any] | None:
    if not isinstance(answer, dict):
        return None
    rows = answer.get("embeddings" if ollama else "data")
    if not isinstance(rows, list):
        return None
    if ollama:
        return rows
    if not all(isinstance(row, dict) for row in rows):
        return None
    order = sorted(range(len(rows)), key=lambda at: _index(rows[at], at))
    return [rows[at].get("embedding") for at in order]


def _index(row: dict[str, Any], at: int) -> int:
    index = row.get("index", at)
    return index if isinstance(index, int) else at


def _unit(numbers: Any, ref: str) -> Vector:
    if not isinstance(numbers, list) or not 0 < len(numbers) <= MAX_DIMENSIONS:
        raise NoVectors(f"{ref} answered a vector of the wrong size")
    if not all(type(one) in (int, float) for one in numbers):
        raise NoVectors(f"{ref} answered a vector that does not consist of numbers")
    length = math.hypot(*map(float, numbers))
    if not math.isfinite(length):
        raise NoVectors(f"{ref} answered a vector that is not finite")
    return array("f", (one / (length or 1.0) for one in numbers))
