"""Servers that people have, as data: what to fill in for each, and where its models are listed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Preset:
    """One kind of server. `id` is the usual name of its provider in the configuration.

    `base_url` is filled in where a provider of this name has none; words in braces are to be
    replaced. `env` is the environment variable in which people keep its key. `models_path` is
    where its models are listed, from the base.
    """

    id: str
    title: str
    api: str
    base_url: str | None
    key: Literal["needed", "optional", "none"]
    env: str | None = None
    local: bool = False
    models_path: str = "models"
    source: str = ""

    def row(self) -> dict[str, Any]:
        """As the gateway shows it; the keys are those of the file."""
        row = asdict(self)
        del row["models_path"], row["source"]
        return row

    @property
    def usable_url(self) -> str | None:
        """The base, unless something in it is to be replaced."""
        return None if self.base_url is None or "{" in self.base_url else self.base_url


PRESETS: tuple[Preset, ...] = (
    Preset(
        "openai",
        "OpenAI",
        "openai",
        "https://api.openai.com/v1",
        "needed",
        "OPENAI_API_KEY",
        source="https://platform.openai.com/docs/api-reference",
    ),
    Preset(
        "anthropic",
        "Anthropic",
        "anthropic",
        "https://api.anthropic.com",
        "needed",
        "ANTHROPIC_API_KEY",
        source="https://docs.claude.com/en/api/overview",
    ),
    Preset(
        "ollama",
        "Ollama",
        "ollama",
        "http://127.0.0.1:11434",
        "optional",
        "OLLAMA_API_KEY",
        local=True,
        source="https://github.com/ollama/ollama/blob/main/docs/api.md",
    ),
    Preset(
        "lmstudio",
        "LM Studio",
        "openai",
        "http://127.0.0.1:1234/v1",
        "optional",
        local=True,
        source="https://lmstudio.ai/docs/app/api/endpoints/openai",
    ),
    Preset(
        "vllm",
        "vLLM",
        "openai",
        "http://127.0.0.1:8000/v1",
        "optional",
        "VLLM_API_KEY",
        local=True,
        source="https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html",
    ),
    Preset(
        "litellm",
        "LiteLLM",
        "openai",
        "http://127.0.0.1:4000/v1",
        "optional",
        "LITELLM_API_KEY",
        local=True,
        source="https://docs.litellm.ai/docs/proxy/quick_start",
    ),
    Preset(
        "cloudflare",
        "Cloudflare AI",
        "openai",
        "https://api.cloudflare.com/client/v4/accounts/{account_id}/ai/v1",
        "needed",
        "CLOUDFLARE_API_TOKEN",
        models_path="../models/search",
        source="https://developers.cloudflare.com/workers-ai/configuration/open-ai-compatibility/",
    ),
    Preset(
        "sglang",
        "SGLang",
        "openai",
        "http://127.0.0.1:30000/v1",
        "optional",
        local=True,
        source="https://docs.sglang.ai/basic_usage/openai_api.html",
    ),
    Preset("custom", "Any OpenAI-compatible server", "openai", None, "optional"),
)
BY_ID: Mapping[str, Preset] = {preset.id: preset for preset in PRESETS}


def preset_of(provider: str, api: str) -> Preset | None:
    """The preset of a provider by its name, if it speaks that wire format."""
    found = BY_ID.get(provider)
    return found if found is not None and found.api == api else None


def table() -> str:
    """The presets as they stand in docs/models.md."""
    rows = ["| name | server | api | base_url | key |", "|---|---|---|---|---|"]
    for one in PRESETS:
        address = f"`{one.base_url}`" if one.base_url else "yours"
        key = f"{one.key}, `{one.env}`" if one.env else one.key
        rows.append(f"| `{one.id}` | {one.title} | {one.api} | {address} | {key} |")
    return "\n".join(rows)
