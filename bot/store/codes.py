"""Codes that people pass on by hand: eight symbols that cannot be taken for one another."""

from __future__ import annotations

import secrets

CODE_SYMBOLS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
CODE_LIFE = 3600.0


def new_code() -> str:
    return "".join(secrets.choice(CODE_SYMBOLS) for _ in range(8))
