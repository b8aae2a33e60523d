"""Opening a store on PostgreSQL: made once, whoever comes first, and never over something else."""

import asyncio
from collections.abc import Iterator

import pytest

from bot.errors import StoreError, StoreForeign
from bot.store.migrations import STEPS
from bot.store.shared import open_shared
from tests.contracts.cluster_kit import ask
from tests.contracts.postgres_kit import database


@pytest.fixture
def empty() -> Iterator[str]:
    with database(empty=True) as made:
        yield made


async def test_processes_that_start_together_make_one_store(empty: str):
    await asyncio.gather(*(asyncio.to_thread(open_shared, empty) for _ in range(4)))
    steps = [row["name"] for row in ask(empty, "SELECT name FROM trunkline_steps ORDER BY at")]
    ours = [name for name in steps if not name.startswith("engine")]
    assert ours == [name for name, _ in STEPS]


def test_a_step_that_fails_leaves_the_store_as_it_was(empty: str):
    ask(empty, "CREATE TABLE trunkline_steps(name TEXT PRIMARY KEY, at TIMESTAMPTZ DEFAULT now())")
    ask(empty, "CREATE TABLE sessions(id TEXT)")
    with pytest.raises(StoreError, match="already exists"):
        open_shared(empty)
    assert not [
        row for row in ask(empty, "SELECT name FROM trunkline_steps") if row["name"] == "spine"
    ]
    ask(empty, "DROP TABLE sessions")
    open_shared(empty)
    assert ask(empty, "SELECT name FROM trunkline_steps WHERE name = 'spine'")


def test_a_store_from_before_gets_the_steps_of_the_engine_too(empty: str):
    open_shared(empty)
    ask(empty, "DROP TABLE engine_processes")
    ask(empty, "DELETE FROM trunkline_steps WHERE name = 'engine processes'")
    open_shared(empty)
    assert ask(empty, "SELECT count(*) AS n FROM engine_processes") == [{"n": 0}]


def test_a_database_of_something_else_is_left_alone(empty: str):
    ask(empty, "CREATE TABLE shop(id TEXT)")
    with pytest.raises(StoreForeign, match="belongs to something else"):
        open_shared(empty)
    assert len(ask(empty, "SELECT 1 FROM pg_tables WHERE schemaname = 'public'")) == 1


def test_a_newer_store_is_refused_by_name(empty: str):
    open_shared(empty)
    ask(empty, "INSERT INTO trunkline_steps(name) VALUES('teleport')")
    with pytest.raises(StoreForeign, match=r"newer Trunkline.*teleport"):
        open_shared(empty)


@pytest.mark.parametrize("place", ["127.0.0.1:1/trunkline", "[127.0.0.1/trunkline", "h:x/t"])
def test_a_password_is_not_in_what_is_said(place: str):
    with pytest.raises(StoreError, match=r"store\.url") as raised:
        open_shared(f"postgresql://bob:hunter2@{place}")
    assert "hunter2" not in str(raised.value)
    assert "\n" not in str(raised.value)
