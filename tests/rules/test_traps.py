"""The known traps of an engine on PostgreSQL, and which test falls into each."""

import ast
from pathlib import Path

import pytest

from tests.rules.source import ROOT

ALONE, WAKES = "contracts/test_cluster_alone.py", "contracts/test_cluster_wakes.py"
LIVE, LISTEN = "contracts/test_cluster_live.py", "contracts/test_cluster_listen.py"
BRIDGE, FENCE = "contracts/test_cluster_bridge.py", "contracts/test_engine_fence.py"
KILL, CUTS = "kill/test_cluster.py", "kill/test_cuts.py"
TRAPS: dict[str, tuple[tuple[str, str], ...]] = {
    "the next job of a lock waits for the poll": (
        (WAKES, "test_a_busy_key_is_handed_on_without_waiting_for_the_poll"),
    ),
    "polling alone costs transactions": (
        (WAKES, "test_a_worker_with_nothing_to_do_asks_less_than_four_times_a_second"),
    ),
    "a job that is run again collides with the one that waits, and its lane is stuck": (
        (WAKES, "test_the_lane_of_a_dead_worker_goes_on_even_when_it_is_woken_meanwhile"),
    ),
    "a delayed job with a lock keeps its lane from running": (
        (WAKES, "test_a_delayed_wake_comes_in_time_and_holds_nobody_up"),
    ),
    "a frozen worker may end a job that another has": (
        (WAKES, "test_a_job_is_ended_only_by_the_worker_that_has_it"),
        (WAKES, "test_a_frozen_process_loses_its_lane_and_ends_nothing_when_it_is_back"),
    ),
    "a frozen worker writes what another has written": (
        (FENCE, "test_a_stale_epoch_keeps_no_row_no_mark_and_no_wake"),
        (KILL, "test_a_worker_that_freezes_and_comes_back_changes_nothing"),
    ),
    "a worker whose row was pruned takes no job and does not end": (
        (WAKES, "test_a_worker_that_was_given_up_ends_and_another_begins"),
    ),
    "the library takes half a minute to see that a worker is dead": (
        (WAKES, "test_a_killed_process_is_followed_within_ten_seconds"),
    ),
    "who waits for a resource asks for it again and again": (
        (ALONE, "test_a_killed_holder_is_followed_within_a_second"),
    ),
    "a frozen holder keeps what it holds": (
        (ALONE, "test_a_frozen_holder_is_followed_and_knows_it_when_it_is_back"),
    ),
    "who waited for a resource and is gone gets it": (
        (ALONE, "test_who_waits_and_is_gone_holds_nobody_up"),
    ),
    "who stops in a transaction stops all writers": (
        (ALONE, "test_a_process_that_stops_in_a_transaction_stops_nobody_for_long"),
    ),
    "a job is taken before what woke it can be seen": (
        (WAKES, "test_nobody_takes_a_job_before_what_woke_it_can_be_seen"),
    ),
    "a notification holds 8,000 bytes": (
        (LIVE, "test_every_process_hears_an_event_once_and_only_of_its_topic"),
    ),
    "a growing text is a flood of notifications": (
        (BRIDGE, "test_a_growing_text_is_told_ten_times_a_second"),
    ),
    "a connection that listens ends, and what is told meanwhile is told to nobody": (
        (LISTEN, "test_a_wake_that_is_told_to_nobody_is_found_by_polling"),
        (LISTEN, "test_watchers_see_the_end_once_when_live_events_were_cut_off"),
    ),
    "a cut network says nothing: both ends think that the other is there": (
        (CUTS, "test_a_machine_that_is_cut_off_is_followed_and_joins_again"),
    ),
    "a database that was away leaves broken connections everywhere": (
        (LIVE, "test_a_database_that_was_away_is_used_again"),
        (KILL, "test_connections_that_are_cut_are_made_again"),
        (KILL, "test_a_database_that_is_away_is_waited_for"),
    ),
}


@pytest.mark.parametrize("trap", TRAPS)
def test_each_trap_has_a_test(trap: str):
    for file, name in TRAPS[trap]:
        tree = ast.parse(Path(ROOT, "tests", file).read_text("utf-8"))
        assert name in {getattr(node, "name", "") for node in tree.body}, f"{file} has no {name}"
