"""Which tests show which acceptance rows; each test that is named is there.

The rows of the channels stand here, the others in `rows`.
"""

import re
from pathlib import Path

import pytest

from tests.rules import rows

TESTS = Path(__file__).parents[1]
SURFACES = "scenarios/test_every_surface.py::test_"
CHANNELS = "contracts/test_gateway_channels.py::test_"
SESSIONS = "contracts/test_gateway_sessions.py::test_"
CLI = "contracts/test_cli_channels.py::test_"
ROWS = {
    1: [
        "contracts/test_control_chain.py::test_each_missing_link_has_its_own_error_and_the_whole_chain_one_answer",
        "contracts/test_control_chain.py::test_without_a_sign_in_nothing_is_looked_at",
    ],
    21: [
        SURFACES + "the_bound_agent_answers_in_a_room_and_its_threads",
        CHANNELS + "a_route_counts_at_once_and_says_why",
    ],
    43: [
        SURFACES + "a_wrong_secret_takes_only_its_own_account_down",
        CHANNELS + "a_wrong_token_is_told_with_the_platforms_reason",
        CHANNELS + "an_added_account_answers_without_a_new_start",
        CHANNELS + "a_removed_account_leaves_its_sessions",
        CLI + "an_account_is_tried",
        CLI + "an_account_comes_and_goes_beside_a_running_gateway",
    ],
    44: [
        CHANNELS + "a_route_to_an_unknown_agent_is_refused_and_names_the_known",
        CHANNELS + "a_route_counts_at_once_and_says_why",
        CLI + "routes_are_listed_added_and_removed",
    ],
    45: [
        "contracts/test_gateway_routes.py::test_two_chats_of_one_bot_are_asked_as_two_agents",
        SURFACES + "the_bound_agent_answers_in_a_room_and_its_threads",
    ],
    46: [
        "contracts/test_gateway_routes.py::test_a_room_of_a_server_and_its_threads_are_answered_by_the_bound_agent",
        SURFACES + "the_bound_agent_answers_in_a_room_and_its_threads",
    ],
    47: ["contracts/test_gateway_routes.py::test_two_chats_of_one_bot_are_asked_as_two_agents"],
    48: [
        SURFACES + "a_turn_of_the_page_reaches_no_channel_and_moves_no_route",
        CHANNELS + "a_page_turn_sends_nothing_to_a_channel",
    ],
    154: [SURFACES + "one_text_gives_equal_envelopes"],
    155: [
        SURFACES + "one_text_gives_equal_envelopes",
        "contracts/test_mattermost_feed.py::test_a_new_name_is_used_and_the_person_stays",
    ],
    156: [SURFACES + "one_text_gives_equal_envelopes"],
    157: [
        SURFACES + "pictures_reach_the_model_and_other_files_leave_a_note",
        "scenarios/test_attachments.py::test_what_is_too_large_is_told_and_not_kept",
    ],
    158: [SURFACES + "what_a_message_answers_reaches_the_model"],
    159: [SURFACES + "answers_go_back_where_the_questions_came_from"],
    160: [SURFACES + "a_turn_of_the_page_reaches_no_channel_and_moves_no_route"],
    162: [
        SURFACES + "a_thread_keeps_its_session_and_its_answers",
        SURFACES + "with_threads_a_mention_begins_one",
    ],
    163: [
        SURFACES + "the_transcript_has_users_answers_and_tool_results",
        SESSIONS + "163_an_export_has_everything",
        SESSIONS + "163_what_a_tool_told_is_in_the_next_request",
    ],
    164: [SURFACES + "answers_go_back_where_the_questions_came_from"],
    165: [
        SURFACES + "fifty_first_messages_at_once_make_one_session",
        "scenarios/test_intake.py::test_fifty_callers_at_once_make_one_session",
        SESSIONS + "165_messages_of_the_page_share_one_session",
    ],
}


OTHERS = rows.places()
ALL = {row: [*ROWS.get(row, []), *OTHERS.get(row, [])] for row in sorted({*ROWS, *OTHERS})}
ASKED = {
    *(1, 21, *range(43, 49), *range(154, 161), *range(162, 166)),
    *(2, 5, 13, *range(29, 35), *range(36, 40), *range(70, 73), *range(74, 83), 86, 88),
    *(*range(90, 96), 97, *range(100, 103), 140, *range(145, 151), 152, 153, 163, 165, 186),
    *(3, 4, *range(11, 15), *range(18, 24), 25, 27, *range(63, 74), *range(83, 100)),
    *(*range(103, 145), *range(149, 154), 157, 161, *range(167, 194)),
}


@pytest.mark.parametrize("row", ALL)
def test_a_row_is_shown_by_tests_that_are_there(row: int):
    assert ALL[row]
    for place in ALL[row]:
        path, _, name = place.partition("::")
        source = (TESTS / path).read_text("utf-8")
        assert re.search(rf"^(async )?def {name}\(", source, re.M), f"there is no {place}"


def test_every_row_that_was_asked_for_is_shown():
    assert set(ALL) >= ASKED


def test_no_mark_is_left_over():
    assert {line.split()[1] for line in rows.TABLE.split("\n") if line} == set(rows.MARKS)
