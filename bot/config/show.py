"""The configuration for people: every secret masked, the first file, and the reference page."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from bot.config.channels import ChannelSettings, option_model
from bot.config.environment import ENVIRONMENT
from bot.config.kinds import Secret, Section
from bot.config.problems import Path, dotted, split_key
from bot.config.settings import Config
from bot.config.splice import render
from bot.config.walk import walk

SCHEMA_FILE = "config.schema.json"


def redacted(config: Config) -> dict[str, Any]:
    """The whole tree as the file writes it; secrets as `set (env NAME, 46 chars)` or `not set`."""
    tree = config.model_dump(mode="json")
    channels = {name: dict(channel.shown) for name, channel in config.channels.items()}
    return {key: tree.get(key, channels) for key in Config.model_fields}


def get(config: Config, key: str) -> Any:
    """One value of the redacted tree; a list's item by number or `id`. Raises KeyError."""
    found: Any = redacted(config)
    for part in split_key(key):
        if isinstance(found, list):
            found = {
                item["id"]: item for item in found if isinstance(item, dict) and "id" in item
            } | {str(index): item for index, item in enumerate(found)}
        if not isinstance(found, dict) or part not in found:
            raise KeyError(key)
        found = found[part]
    return found


@dataclasses.dataclass(frozen=True, slots=True)
class Key:
    """One key of the file: `*` stands for a name, `0` for an item of a list."""

    path: Path
    default: str
    help: str


def keys(adapters: Mapping[str, type]) -> Iterator[Key]:
    """Every key with its default and its help, in the order of the settings tree."""
    for path, model, name in walk(Config):
        yield _key(path, model, name)
        if path == ("channels",):
            yield from _channel_keys(adapters)


def _channel_keys(adapters: Mapping[str, type]) -> Iterator[Key]:
    for path, model, name in walk(ChannelSettings, ("channels", "*")):
        yield _key(path, model, name)
    for adapter, options in adapters.items():
        for path, model, name in walk(option_model(options), ("channels", adapter)):
            yield _key(path, model, name)


def _key(path: Path, model: type[Section], name: str) -> Key:
    info = model.model_fields[name]
    if info.is_required():
        default = "required"
    elif isinstance(info.default, Secret):
        default = '""'
    elif isinstance(info.default, Section):
        default = ""
    else:
        default = render(model.defaults().get(name, info.default))
    return Key(path, default, info.description or "")


def reference(adapters: Mapping[str, type]) -> str:
    """The tables of docs/configuration.md."""
    lines = ["| key | default | what it does |", "|---|---|---|"]
    for key in keys(adapters):
        default = f"`{key.default}`" if key.default else ""
        lines.append(f"| `{dotted(key.path)}` | {default} | {_cell(key.help)} |")
    lines += ["", "| variable | what it does |", "|---|---|"]
    lines += [f"| `{name}` | {_cell(text)} |" for name, text in ENVIRONMENT]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def default_config_text(adapters: Mapping[str, type] | None = None) -> str:
    """The first file that `init` writes: the demo model, and how to go on."""
    lines = _START.format(schema=SCHEMA_FILE).splitlines()
    for name, options in (adapters or {}).items():
        lines.append(f"#   {name}: {_starter(options)}")
    return "\n".join(lines) + "\n"


def _starter(options: type) -> str:
    """What an account of this kind needs at least, with the variables' names."""
    model = option_model(options)
    needed = []
    for field in dataclasses.fields(options):
        variable = field.metadata.get("env")
        if variable:
            needed.append(f'{field.name}: "${{{variable}}}"')
        elif model.model_fields[field.name].is_required():
            needed.append(f"{field.name}: ...")
    return "{" + ", ".join(needed) + "}"


_START = """\
# yaml-language-server: $schema={schema}
# Trunkline's configuration. Every key with its default: config.example.yaml, docs/configuration.md.
# Check it with `trunkline config check`. Keep secrets out of it: ${{NAME}} or file:/path.

gateway:
  host: 127.0.0.1   # only this machine; another address also wants allowed_hosts
  port: 7440

agents:
  - id: main
    name: Assistant
    model: demo/demo   # offline, no key; a real one: openai/gpt-5, with its provider below

providers: {{}}
#   openai: {{api: openai, api_key: "${{OPENAI_API_KEY}}"}}
#   ollama: {{api: ollama, base_url: http://127.0.0.1:11434}}

channels: {{}}
"""
