"""The conformance kit: the same checks for every adapter, ours or a stranger's.

Describe an adapter and its platform once (`Descriptor`), then `run_all([descriptor])` yields a
`Result` for each check and `table(results)` prints them; docs/adapters.md shows how.
"""

from bot.testing.conformance import (
    attachments,
    failing,
    living,
    parsing,
    receiving,
    sending,
    texts,
    webhooks,
)
from bot.testing.conformance.core import Core
from bot.testing.conformance.descriptor import TRAITS, Descriptor, Seen, World
from bot.testing.conformance.suite import CHECKS, Check, Result, run_all, run_check, wrong
from bot.testing.conformance.table import table

# Each of these registers its checks when it is imported.
SECTIONS = (parsing, receiving, attachments, sending, texts, failing, living, webhooks)

__all__ = [
    "CHECKS",
    "SECTIONS",
    "TRAITS",
    "Check",
    "Core",
    "Descriptor",
    "Result",
    "Seen",
    "World",
    "run_all",
    "run_check",
    "table",
    "wrong",
]
