"""The configuration of a place, read and checked."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from typing import Any

from bot.cli import load
from bot.cli.output import note
from bot.cli.place import Place
from bot.config.load import load as load_config
from bot.config.settings import Config


def option_types() -> Mapping[str, type]:
    """Adapter name -> its options."""
    types: Mapping[str, type] = load("adapters").option_types()
    return types


@functools.cache
def read(place: Place) -> Config:
    """The checked configuration, read once. Raises ConfigError."""
    return read_with(place, {})


def read_with(place: Place, flags: Mapping[str, Any]) -> Config:
    """As `read`, with what the command line says over it; warnings go to stderr."""
    config = checked(place, flags)
    for warning in config.warnings:
        note(f"warning: {warning}")
    return config


def checked(place: Place, flags: Mapping[str, Any]) -> Config:
    """The configuration with its warnings. Raises ConfigError."""
    return load_config(place.config, os.environ, option_types(), flags=flags)
