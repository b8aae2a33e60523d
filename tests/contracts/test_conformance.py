"""Every adapter keeps every promise of the kit; the table at the end says so."""

from collections.abc import Callable

import pytest

from adapters.fakes.discord_descriptor import DESCRIPTOR as DISCORD
from adapters.fakes.mattermost_descriptor import DESCRIPTOR as MATTERMOST
from adapters.fakes.slack_descriptor import DESCRIPTOR as SLACK
from adapters.fakes.telegram_descriptor import DESCRIPTOR as TELEGRAM
from bot.testing.conformance import CHECKS, TRAITS, Descriptor, Result, run_check, table, wrong
from bot.testing.conformance.memory import MemoryDescriptor
from tests.conftest import SUMMARY

DESCRIPTORS: tuple[Descriptor, ...] = (MemoryDescriptor(), TELEGRAM, DISCORD, SLACK, MATTERMOST)
_results: list[Result] = []


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("descriptor", DESCRIPTORS, ids=lambda one: one.name)
def test_an_adapter_keeps_a_promise(descriptor: Descriptor, check: str):
    result = run_check(descriptor, CHECKS[check])
    _results.append(result)
    assert result.outcome != "fail", f"{CHECKS[check].says} {result.detail}"


def test_the_table_of_adapter_by_check(record_property: Callable[[str, object], None]):
    """Printed at the end, for whoever runs the tests."""
    lines = table(_results)
    record_property(SUMMARY, "\n".join(lines))
    assert not any("FAIL" in line for line in lines)


def test_the_kit_asks_at_least_sixty_things_in_a_sentence_each():
    assert len(CHECKS) >= 60
    assert all(check.says.endswith(".") for check in CHECKS.values())


def test_every_trait_is_needed_by_a_check():
    asked = {need for check in CHECKS.values() for need in check.needs}
    assert asked | {"files-out"} == {*TRAITS}


@pytest.mark.parametrize("descriptor", DESCRIPTORS, ids=lambda one: one.name)
def test_what_is_absent_is_absent_for_a_reason(descriptor: Descriptor):
    assert wrong(descriptor) == []


def test_a_wrong_declaration_is_seen():
    descriptor = MemoryDescriptor()
    descriptor.absent = {"wings": "it cannot fly", "image": " "}
    unknown, silent = wrong(descriptor)
    assert "no trait is called 'wings'" in unknown
    assert "say why 'image'" in silent
