"""Which tests show which acceptance rows of models, runs, tools, sessions and hooks."""

# A place is `<file below tests>::<test>`; the marks of the table below stand for its beginning.
MARKS = {
    "apag": "browser/test_agents_page.py",
    "amod": "browser/test_agents_models.py",
    "acha": "browser/test_agents_channels.py",
    "atsk": "browser/test_agents_tasks.py",
    "ains": "browser/test_agents_inside.py",
    "appr": "scenarios/test_approvals.py",
    "bgen": "scenarios/test_blocks.py",
    "chat": "contracts/test_gateway_chat.py",
    "cliv": "contracts/test_cli_verbs.py",
    "clir": "contracts/test_cli_run.py",
    "comp": "scenarios/test_compaction.py",
    "cont": "scenarios/test_context.py",
    "cwrk": "contracts/test_workspace.py",
    "exec": "scenarios/test_exec.py",
    "fall": "scenarios/test_fallback.py",
    "feed": "pure/test_gateway_feed.py",
    "file": "contracts/test_file_tools.py",
    "fold": "scenarios/test_hook_files.py",
    "gses": "contracts/test_gateway_sessions.py",
    "gmet": "contracts/test_gateway_methods.py",
    "hook": "scenarios/test_hooks.py",
    "intk": "scenarios/test_intake.py",
    "kill": "kill/test_matrix.py",
    "lane": "scenarios/test_lanes.py",
    "memo": "scenarios/test_memory.py",
    "mods": "contracts/test_rows_models.py",
    "mprd": "contracts/test_models_product.py",
    "mtrx": "contracts/test_provider_matrix.py",
    "mtol": "scenarios/test_message_tool.py",
    "mevr": "scenarios/test_message_everywhere.py",
    "node": "contracts/test_gateway_nodes.py",
    "oai": "contracts/test_provider_openai.py",
    "page": "browser/test_chat_page.py",
    "ques": "scenarios/test_queue_modes.py",
    "runs": "scenarios/test_runs.py",
    "rrun": "contracts/test_rows_runs.py",
    "sand": "scenarios/test_sandbox.py",
    "sess": "scenarios/test_sessions.py",
    "shap": "scenarios/test_shaping.py",
    "stor": "contracts/test_store_open.py",
    "subs": "scenarios/test_subsessions.py",
    "tool": "scenarios/test_tools.py",
    "webt": "contracts/test_web_tools.py",
    "brow": "browser/test_browser_tool.py",
    "ksub": "kill/test_subsessions.py",
    "anth": "contracts/test_provider_anthropic.py",
    "olla": "contracts/test_provider_ollama.py",
    "prog": "contracts/test_provider_programs.py",
    "prev": "scenarios/test_previews.py",
    "tkit": "contracts/test_gateway_tools.py",
    "tdel": "scenarios/test_task_delivery.py",
    "tsrf": "scenarios/test_task_surfaces.py",
    "task": "scenarios/test_task_surfaces.py",
    "tclk": "scenarios/test_task_clock.py",
    "trun": "scenarios/test_task_runs.py",
    "gtsk": "contracts/test_gateway_tasks.py",
    "ctsk": "pure/test_command_task.py",
    "wfil": "contracts/test_webchat_files.py",
    "psch": "browser/test_chat_page_schedule.py",
    "pags": "browser/test_pages.py",
    "psta": "browser/test_pages_states.py",
    "pact": "browser/test_chat_page_acts.py",
    "ptra": "browser/test_chat_page_transcript.py",
    "psss": "browser/test_sessions_page.py",
    "pses": "browser/test_chat_page_sessions.py",
}
TABLE = """
2 cliv init_writes_once
3 fall 003_each_agent_sends_its_own_key
4 fall 004_a_model_outside_the_agents_list_is_refused_before_any_request
5 sess a_new_session_has_a_name_and_no_history
5 intk two_people_and_two_channels_have_sessions_of_their_own
6 gtsk a_removed_channel_leaves_its_tasks_listed
6 tdel 06_a_removed_channel_loses_deliveries_and_neither_task_nor_history
7 pags only_a_signed_in_browser_sees_a_page
7 psta 007_without_any_agent_in_the_file_there_is_one
7 apag the_list_marks_the_default_and_says_what_is_ready
8 amod 008_the_choice_is_ordered_by_keyboard_and_changes_the_next_request
9 amod 009_a_person_signs_in_by_a_code
10 amod 010_a_pasted_key_is_saved_only_when_it_works_and_never_shown
11 mods 011_an_address_and_a_model_are_enough
11 mods 011_of_ollama_too
11 amod 011_an_own_server_is_found_tested_and_added
12 mods 012_a_refused_key_is_not_ready_and_looking_costs_nothing
12 mprd readiness_has_a_reason
12 fall 012_a_key_that_was_refused_is_not_ready_until_it_answers
12 amod 012_looking_asks_nobody_and_a_refused_key_has_its_reason
13 mods 013_018_each_agent_asks_its_own_model_also_after_a_change
14 fall 014_the_next_model_answers_in_the_same_run_once
14 fall 014_a_format_error_rests_nothing
15 trun 15_checks_and_what_they_find_have_the_models_of_their_roles
15 trun 15_without_roles_the_agents_own_model_answers
16 apag 016_an_old_address_of_a_provider_leads_to_the_models
17 apag 017_an_agent_is_created_with_a_normal_id
17 apag disabling_and_deleting_name_the_tasks_that_stop
18 mods 013_018_each_agent_asks_its_own_model_also_after_a_change
19 cont a_skill_is_listed_by_name_description_and_location_alone
20 rrun 020_a_service_is_offered_to_the_agent_that_lists_it_alone
20 ains 020_a_service_is_shown_for_the_agent_that_lists_it_alone
22 memo agents_share_nothing
23 fold hooks_of_one_agent_are_silent_for_another
24 gtsk lists_are_sorted_and_move_nothing
25 tool 025_a_payment_is_denied_with_a_reason_and_recorded
25 tkit 025_the_wallet_policy_survives_a_round_trip_through_the_file
26 ains 026_what_was_chosen_is_the_same_after_a_new_start
27 cont a_missing_workspace_is_made_and_edits_stay
28 gtsk an_agent_that_is_gone_runs_nothing_and_says_so
28 tclk an_agent_that_is_off_runs_nothing_and_no_other_does_it
29 sess unnamed_sessions_take_the_lowest_free_number
29 sess labels_are_unique_within_the_agent
29 psss a_transcript_shows_what_was_said_and_done
30 page a_new_session_is_empty_and_stays_and_the_old_one_keeps_its_history
30 gses 030_a_named_session_is_empty_listed_and_moves_no_pointer
31 sess a_new_session_has_a_name_and_no_history
32 sess the_list_has_main_first_marks_one_and_names_the_rest
33 sess switching_by_label_slug_or_key_brings_the_history_back
33 sess an_unknown_name_changes_nothing
34 sess a_switch_stays_in_its_conversation
35 gtsk a_task_has_an_agent_a_session_and_no_channel
36 page the_answer_grows_before_it_ends
36 page a_reload_in_mid_stream_goes_on_without_gap_or_repeat
36 gmet 036_a_message_is_answered_streamed_and_ends_once
37 mods 013_018_each_agent_asks_its_own_model_also_after_a_change
37 amod 008_the_choice_is_ordered_by_keyboard_and_changes_the_next_request
38 gses 038_039_overrides_are_the_sessions_own_and_can_be_cleared
38 page the_model_picker_offers_what_is_ready_and_changes_this_session_alone
39 gses 038_039_overrides_are_the_sessions_own_and_can_be_cleared
39 atsk 057_a_sessions_tasks_are_changed_where_it_is_shown
40 page the_model_picker_offers_what_is_ready_and_changes_this_session_alone
40 pses a_model_has_its_price_and_the_context_its_measure
41 gtsk a_preview_keeps_nothing
41 psch a_phrase_is_read_back_and_one_task_is_made
42 gtsk the_source_channel_is_offered_only_where_there_is_one
42 psch the_source_channel_is_offered_where_there_is_one
42 tdel 42_back_to_the_chat_exists_where_a_session_came_from_one
42 tdel 62_42_telegram_threads_get_it_and_the_receipt_is_telegrams_own_id
43 acha 043_a_channel_is_added_only_with_a_token_that_works
43 acha a_refused_token_says_what_to_do_and_is_replaced
44 acha 044_an_account_without_a_route_falls_back_to_the_default_agent
45 acha 045_a_route_leads_one_person_to_another_agent
49 gtsk a_change_keeps_id_owner_and_history
49 tdel 49_another_delivery_leaves_id_owner_and_history
50 gtsk a_task_has_an_agent_a_session_and_no_channel
50 gtsk what_cannot_be_makes_nothing
51 task the_sentence_means_the_same_everywhere_and_comes_back_there
51 ctsk a_new_task_is_told_back_in_full
51 ctsk what_is_no_schedule_makes_nothing_and_says_how
52 ctsk the_list_shows_what_is_enabled
52 ctsk all_has_three_sections_of_twenty
52 task the_page_and_the_chat_see_the_same_tasks
53 ctsk show_keeps_run_and_delivery_apart
53 task who_may_see_and_change_what
54 gtsk run_now_leaves_the_schedule_alone
54 task a_command_behind_a_run_is_not_held_up
55 gtsk a_removed_task_is_gone_and_its_run_stopped
55 task the_page_and_the_chat_see_the_same_tasks
56 task the_page_and_the_chat_see_the_same_tasks
56 atsk 056_a_run_is_cancelled_and_the_chat_sees_the_same
56 atsk 056_the_sessions_page_changes_its_tasks_too
57 atsk 057_a_sessions_tasks_are_changed_where_it_is_shown
58 gtsk run_now_leaves_the_schedule_alone
58 atsk 058_a_task_shows_its_definition_and_each_run
58 atsk a_run_that_did_not_happen_says_why
59 task the_sentence_means_the_same_everywhere_and_comes_back_there
60 task the_sentence_means_the_same_everywhere_and_comes_back_there
61 trun 61_a_yes_causes_one_strong_run_two_seconds_later_and_its_answer_alone_is_told
61 trun 61_a_no_causes_nothing_and_a_line_where_it_is_wanted
61 trun 61_no_cue_line_is_ever_seen_by_anybody
61 task a_cue_brings_one_strong_answer_to_every_chat
62 task the_sentence_means_the_same_everywhere_and_comes_back_there
62 tsrf the_sentence_means_the_same_everywhere_and_comes_back_there
62 tdel 62_42_telegram_threads_get_it_and_the_receipt_is_telegrams_own_id
63 mods 063_vllm_is_discovered_listed_and_answers_with_tools
64 olla 064_a_pasted_path_is_taken_off
64 mprd 064_a_model_without_tools_says_so_in_the_run
65 mprd 065_ollama_by_its_address_and_a_model_alone
66 mods 066_lm_studio_has_its_address_filled_in
67 mods 067_models_of_a_proxy_keep_their_slashes
68 mods 068_any_compatible_server
69 mods 069_cloudflare_has_its_own_address_and_tells_what_it_answered
70 runs a_turn_with_a_tool_leaves_its_events_and_lines_in_order
71 lane runs_of_one_session_never_overlap_and_others_may
71 gmet 071_runs_of_one_session_never_overlap
72 runs a_turn_with_a_tool_leaves_its_events_and_lines_in_order
72 kill a_kill_loses_nothing_and_doubles_nothing
73 kill a_kill_loses_nothing_and_doubles_nothing
74 gmet 074_agent_answers_at_once_and_wait_gives_the_result
75 gmet 074_agent_answers_at_once_and_wait_gives_the_result
76 clir one_gateway_serves_every_verb
76 clir a_run_that_fails_exits_with_one
77 clir local_runs_in_this_process
78 gmet 078_wrong_parameters_start_no_run
79 gmet 079_key_and_id_are_one_transcript
80 sess a_session_is_listed_before_the_platform_is_told
81 gmet 081_the_same_key_never_starts_a_second_run
82 mods 082_188_192_what_a_session_thinks_and_holds
83 cont a_skill_is_read_as_it_was_when_the_run_began
84 mprd 084_an_external_agent_answers_and_no_provider_is_asked
85 mprd 085_a_command_answers_a_message
85 prog 085_how_it_ended_is_said
86 mods 068_any_compatible_server
87 rrun 087_a_model_without_an_end_ends_its_run_once
88 lane the_global_cap_is_never_exceeded
89 fall 089_a_refused_key_gives_way_and_the_session_stays_with_the_other
90 runs deltas_joined_are_the_answer_and_hold_no_reasoning
91 runs a_run_that_takes_too_long_is_ended_with_a_note_and_frees_its_lane
91 gmet 091_a_run_over_its_time_ends_with_its_code
92 runs a_turn_with_a_tool_leaves_its_events_and_lines_in_order
92 gmet 074_agent_answers_at_once_and_wait_gives_the_result
93 runs a_turn_with_a_tool_leaves_its_events_and_lines_in_order
93 runs a_call_that_cannot_be_made_is_an_error_result
94 runs deltas_joined_are_the_answer_and_hold_no_reasoning
95 feed what_everybody_is_shown
95 gmet 036_a_message_is_answered_streamed_and_ends_once
96 comp an_overflow_is_summed_up_and_asked_again_with_one_answer
97 gmet 097_thoughts_are_shown_where_reasoning_streams
98 tool 098_a_model_that_turns_in_circles_is_warned_blocked_and_ended
99 mods 099_who_waits_while_one_model_fails_gets_the_answer_of_the_next
100 gmet 074_agent_answers_at_once_and_wait_gives_the_result
100 gmet 092_a_failed_run_says_so
101 lane ten_messages_are_answered_in_their_order
102 lane the_global_cap_is_never_exceeded
103 ques collect_makes_one_turn_of_what_came_meanwhile
104 ques steer_is_heard_between_two_steps_of_the_same_run
105 ques followup_gives_each_its_own_turn
106 cont a_missing_workspace_is_made_and_edits_stay
106 cwrk the_folder_is_private_and_seeded_once
107 sand the_workspace_is_the_only_place_to_write
107 sand nothing_of_ours_is_seen_inside
108 cont a_skills_variable_is_there_for_its_run_alone
109 cont files_are_read_again_at_a_new_session_and_cut_when_too_long
110 cont the_report_names_every_file_with_both_sizes
111 stor a_second_process_is_refused_by_name_until_the_first_dies
111 clir a_killed_gateway_frees_the_store
111 page two_tabs_stay_in_step
112 cont what_a_run_adds_is_in_its_own_requests_only
113 comp no_request_is_larger_than_the_window_less_its_reserve
114 fold commands_are_heard_once_with_key_and_sender
115 fold a_bootstrap_hook_adds_and_removes_files
116 fold commands_are_heard_once_with_key_and_sender
116 fold what_a_hook_pushes_reaches_the_chat
117 hook before_model_resolve_hears_no_messages_and_decides_the_call
118 hook before_prompt_build_puts_words_before_the_message
118 fold high_priority_goes_first_and_words_are_joined
119 hook llm_input_and_output_are_what_went_over_the_wire
120 hook before_agent_start_is_still_honoured
121 hook agent_end_comes_once_also_on_error_and_stop
122 hook compaction_is_told_with_its_counts
123 hook before_tool_call_changes_params
123 hook a_block_and_a_fault_of_policy_are_final
124 hook after_tool_call_hears_result_or_error_and_alters_nothing
125 hook tool_result_persist_changes_what_is_kept
125 hook a_bad_hook_of_the_transcript_is_ignored
126 hook messages_of_a_channel_are_heard_coming_and_going
127 hook a_message_can_be_rewritten_and_cancelled
128 hook messages_of_a_channel_are_heard_coming_and_going
128 hook a_message_that_the_platform_refuses_is_told_with_its_error
129 hook a_session_begins_and_ends_under_one_id
130 hook the_process_starts_and_stops_once
131 bgen blocks_come_while_the_model_is_still_writing
132 bgen nothing_comes_before_the_end_where_blocks_wait_for_it
133 shap reasoning_is_shown_as_the_session_says
133 shap a_stream_of_reasoning_is_in_the_preview_only
134 exec a_long_command_tells_how_it_goes
135 exec a_flood_and_a_picture_stay_small
135 tool 135_a_flood_is_bounded_for_the_model_the_events_and_the_store
136 mtol 136_what_was_sent_is_not_said_again
137 shap reasoning_is_shown_as_the_session_says
137 shap tools_are_shown_as_the_session_says
138 shap tools_are_shown_as_the_session_says
139 mods 139_a_broken_provider_is_one_short_message
140 prev silence_shows_nothing_anywhere_however_it_is_cut
140 prev what_only_begins_like_silence_is_sent_whole
140 gmet 140_silence_is_a_final_without_a_message_and_leaves_no_trace
141 mtol 141_what_else_is_said_comes_once
141 mtol 141_texts_and_files_are_compared_apart
141 mtol 141_what_was_taken_back_may_be_sent_again
141 shap what_two_calls_say_alike_is_said_once
142 shap a_failed_tool_is_told_when_nothing_else_is
142 mtol 142_a_failed_tool_is_not_told_beside_what_was_sent
143 comp an_overflow_is_summed_up_and_asked_again_with_one_answer
144 comp an_overflow_is_summed_up_and_asked_again_with_one_answer
144 bgen a_call_that_is_made_again_repeats_no_block
145 chat deltas_are_cumulative_and_throttled
145 page a_reload_in_mid_stream_goes_on_without_gap_or_repeat
146 chat a_run_ends_in_exactly_one_final_and_nothing_after_it
146 chat each_kind_of_end
146 ptra an_end_is_shown_once_however_often_it_comes
147 gmet 147_tool_events_follow_caps_and_verbose
147 pact thoughts_and_tools_say_how_long_they_took
148 gmet 074_agent_answers_at_once_and_wait_gives_the_result
148 rrun 148_a_wait_takes_half_a_minute_unless_told_otherwise
148 rrun 148_a_wait_of_nothing_returns_at_once
149 rrun 149_the_command_line_gives_a_run_ten_minutes_unless_told_otherwise
150 runs a_timeout_of_nothing_is_no_limit
151 mtrx 151_closing_the_iterator_ends_the_call
151 exec a_stop_ends_the_program_and_what_left_its_group
151 runs a_stop_keeps_what_was_written_and_takes_back_what_waits
152 rrun 152_a_client_that_goes_leaves_its_run_to_end
153 gmet 074_agent_answers_at_once_and_wait_gives_the_result
157 wfil 157_a_model_that_reads_images_gets_the_uploaded_one
157 wfil 157_a_model_that_reads_none_gets_the_path
157 wfil 157_an_image_too_large_for_the_model_is_told_in_a_note
160 psch the_source_channel_is_offered_where_there_is_one
161 mtol 161_other_conversations_are_open_by_rule_only
166 subs 166_a_helper_knows_nothing_of_the_chat_and_has_its_own_prompt
166 trun 166_a_run_has_its_own_empty_history_and_does_not_block_the_chat
167 subs 167_a_spawn_returns_at_once_and_the_chat_stays_responsive
168 subs 168_a_report_says_how_it_went_and_comes_to_where_it_was_asked_for
168 ksub 168_a_kill_anywhere_leaves_one_helper_and_one_report
169 tool 169_163_file_tools_work_in_a_run_and_the_transcript_keeps_all_of_it
170 cont a_skill_is_listed_by_name_description_and_location_alone
171 cont a_skill_is_read_as_it_was_when_the_run_began
172 exec output_and_exit_code_are_told
172 exec a_command_that_takes_too_long_is_ended_with_its_children
172 exec a_long_command_goes_on_in_the_background_and_tells_its_end
173 file 173_edit_fails_when_the_text_is_absent_or_ambiguous
173 file 173_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it
174 brow a_page_is_opened_read_used_and_pictured
174 brow without_a_browser_there_is_a_clear_error
175 webt a_service_is_asked_and_gives_no_more_than_wanted
175 webt what_is_missing_is_said
176 mtol 176_own_messages_are_edited_and_deleted_others_not
176 mtol a_reaction_goes_under_the_message_that_is_answered
176 mevr 176_send_react_edit_and_delete_are_seen
176 mevr 176_an_answer_to_a_message_is_below_it_or_quotes_it
176 mevr 176_what_a_platform_cannot_do_is_said
177 node a_device_is_let_in_and_does_what_it_is_asked
177 node the_socket_invokes_too_and_hears_a_refusal
178 exec the_decision_table
179 sand elevated_is_refused
179 sand elevated_leaves_the_sandbox_only_after_a_yes
180 exec the_decision_table
180 appr allow_once_is_not_remembered
180 appr allow_always_is_for_the_program_and_the_agent
181 appr nothing_starts_before_somebody_says_yes
181 appr time_up_denies_and_says_so
182 cont the_curated_page_is_for_private_sessions
183 comp what_lasts_is_noted_once_before_each_summary
183 fold session_memory_keeps_a_note_for_its_owner
184 memo a_paraphrase_finds_the_note_where_meaning_counts
184 memo without_meaning_words_are_enough
185 cont files_are_read_again_at_a_new_session_and_cut_when_too_long
186 mtrx 186_messages_tools_model_and_stream_are_asked_for
187 mtrx text_comes_as_it_is_written
187 mtrx reasoning_comes_apart
187 oai tool_calls_are_put_together
187 oai tool_calls_of_a_whole_answer
188 mods 082_188_192_what_a_session_thinks_and_holds
189 comp no_request_is_larger_than_the_window_less_its_reserve
189 comp the_next_turns_see_the_summary_and_what_was_kept
190 mtrx 190_parameters_reach_the_server_and_unset_ones_are_absent
191 tool 191_calls_that_look_run_together_and_answer_in_order
191 tool arguments_that_do_not_fit_come_back_to_the_model
192 mods 082_188_192_what_a_session_thinks_and_holds
192 anth 192_levels_are_budgets_within_the_limit
193 shap reasoning_is_shown_as_the_session_says
"""


def places() -> dict[int, list[str]]:
    """The table as places by row."""
    found: dict[int, list[str]] = {}
    for line in TABLE.split("\n"):
        if line:
            row, mark, name = line.split()
            found.setdefault(int(row), []).append(f"{MARKS[mark]}::test_{name}")
    return found
