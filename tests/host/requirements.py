"""The rest of the list of requirements, and the test that shows each; `test_requirements.py` has those by name.

Those of pages are not here.
"""

_BEGIN, _NAMES, _SHOW = "host/api/test_begin.py", "host/flows/test_connect_by_name.py", "host/api/test_integration.py"
_ROUTES, _STORE, _NOTED = (
    "host/api/test_api_routes.py",
    "host/store/test_connections.py",
    "host/flows/test_note_connect.py",
)
_METADATA, _RETURN, _CODES = "host/checks/test_metadata.py", "host/checks/test_return_url.py", "host/api/test_codes.py"
_SETTINGS, _CHANNELS, _LAYERS = "config/test_settings.py", "host/api/test_channels.py", "meta/test_layers.py"
_DOCTOR, _FINISH = "host/verification/test_verification.py", "host/flows/test_finish_connect.py"
_COMMAND, _FLOWS, _EXAMPLES = "host/test_host_command.py", "host/flows", "test_examples.py"
_COLUMNS = "host/test_requirements.py::test_the_columns_have_the_names_of_the_list"
_SERVICE = "handlers/operator/test_health.py"

_MESSAGES = "host/messages"

SHOWING = (
    (
        (1, 4, *range(63, 70), 71, 72, 73),
        "sent and tracked",
        f"{_MESSAGES}/test_post.py::test_a_message_is_accepted_sent_and_told_of",
    ),
    ((3,), "threads", f"{_MESSAGES}/test_replies.py::test_replies_and_reactions_are_noted_once_and_taken_back"),
    (
        (70,),
        "content",
        f"{_MESSAGES}/test_kept_content.py::test_it_is_kept_for_its_days_and_shown_to_admins_and_the_sender",
    ),
    (
        (74,),
        "goes with the organization",
        f"{_MESSAGES}/test_message_data.py::test_nothing_of_it_stays_when_the_organization_is_deleted",
    ),
    ((75, 76, 77), "indexes", "meta/test_query_plans.py::test_no_statement_reads_a_whole_table_that_grows"),
    ((150,), "incoming webhooks", f"{_MESSAGES}/test_webhook.py::test_what_names_no_channel_goes_out_by_the_webhook"),
    ((151,), "events by type", f"{_MESSAGES}/test_note_channel.py::test_who_is_off_is_given_no_event"),
    ((2,), "list channels", f"{_CHANNELS}::test_a_list_is_read_in_pages_and_searched"),
    ((5,), "no database in checks and flows", f"{_LAYERS}::test_imports_follow_the_order"),
    ((6,), "auth/init", f"{_BEGIN}::test_auth_init_is_the_same_under_another_name"),
    ((7,), "metadata optional", f"{_METADATA}::test_without_any_there_is_when_and_from_where"),
    ((8,), "returnUrl", f"{_NAMES}::test_redirect"),
    ((9, 10), "source, projectId", f"{_METADATA}::test_a_known_name_of_another_type_is_refused"),
    ((11, 14), "custom fields, initiatedAt", f"{_METADATA}::test_what_is_typed_is_kept_with_when_and_from_where"),
    ((15,), "ipAddress", f"{_METADATA}::test_when_and_from_where_are_not_the_hosts_to_say"),
    ((12,), "authUrl and state", f"{_BEGIN}::test_200_with_url"),
    ((13,), "metadata stored", f"{_FLOWS}/test_begin_connect.py::test_what_the_host_says_beside_it_is_sealed"),
    ((16,), "metadata in the callback", f"{_NAMES}::test_redirect"),
    ((17,), "metadata cleared", f"{_STORE}::test_metadata_go_when_the_attempt_is_over"),
    ((18,), "1 KB", f"{_METADATA}::test_a_byte_more_than_1024_is_too_large"),
    ((19,), "where to", f"{_RETURN}::test_whatever_is_taken_stays_at_the_host_and_tells_our_words_alone"),
    ((20, 21, 81), "callback, unauthenticated", f"{_ROUTES}::test_route_registration"),
    ((22,), "code, state and cookie", f"{_NAMES}::test_csrf"),
    ((23,), "found by its state", f"{_STORE}::test_a_state_finds_its_connection_before_and_after_its_use_and_no_other"),
    ((24,), "15 minutes at most", f"{_NAMES}::test_15_min_expiry"),
    ((25,), "exchange", f"{_NAMES}::test_slack_called_correctly"),
    ((26, 32), "active with its workspace", f"{_NAMES}::test_active"),
    ((27,), "token stored", f"{_NAMES}::test_stored_in_vault"),
    ((28, 29), "back with success", f"{_NAMES}::test_redirect"),
    ((30,), "back with an error", f"{_FINISH}::test_an_error_of_slacks_ends_the_attempt"),
    ((31,), "pending", f"{_BEGIN}::test_pending_with_state"),
    ((33,), "failed", f"{_FINISH}::test_what_slack_does_wrong_ends_the_attempt"),
    ((34,), "revoked", f"{_FLOWS}/test_reconnect.py::test_disconnecting_uninstalls_and_erases"),
    (tuple(range(35, 57)), "columns and keys", _COLUMNS),
    (
        (57,),
        "one row for a workspace",
        f"{_FLOWS}/test_replaced.py::test_a_workspace_that_ended_comes_back_as_the_connection_that_it_was",
    ),
    (tuple(range(58, 62)), "indexes", f"{_STORE}::test_each_look_up_has_its_index_and_no_index_is_left_over"),
    ((62,), "states checked in the table", f"{_STORE}::test_a_status_follows_only_where_the_table_says_so"),
    ((78,), "one for an organization", f"{_FLOWS}/test_begin_connect.py::test_one_workspace_and_no_second_one"),
    ((79,), "GET integration, null if none", f"{_SHOW}::test_null_if_none"),
    ((80,), "DELETE integration", f"{_BEGIN}::test_full_flow"),
    ((82, 83, 84, 85, 86, 87), "folders and layers", f"{_LAYERS}::test_imports_follow_the_order"),
    ((88, 89, 90), "in the vault, sealed, by its key", f"{_NAMES}::test_stored_in_vault"),
    ((91,), "rotation", f"{_NOTED}::test_a_token_that_is_refreshed_is_noted"),
    ((92,), "scoped to an organization", "host/api/test_isolation.py::test_org_isolation"),
    ((93,), "permissions", "host/checks/test_roles.py::test_a_role_does_what_the_table_says_and_is_refused_the_rest"),
    (
        (94, 132),
        "audit of connecting",
        f"{_NOTED}::test_what_is_completed_is_noted_and_so_is_a_connection_that_was_not_there",
    ),
    (
        (95,),
        "rate limits",
        "host/test_callers.py::test_what_is_opened_has_a_lower_rate_which_comes_before_the_use_of_the_token",
    ),
    ((96,), "https", f"{_SETTINGS}::test_plain_http_is_for_a_local_slack_only"),
    (
        (97, 111, 112, 113, 213),
        "redirect address",
        f"{_SETTINGS}::test_a_redirect_address_that_is_given_is_the_one_that_follows_from_the_public_url",
    ),
    (
        (98,),
        "bound to the session",
        f"{_FLOWS}/test_connect_races.py::test_on_the_page_another_session_of_the_same_member_is_not_the_one_that_began",
    ),
    ((99, 100, 102), "tokens stored and found", "store/test_tokens.py::test_a_token_is_found_by_tenant_and_user"),
    ((101,), "tokens deleted", "store/test_tokens.py::test_one_token_is_deleted"),
    ((103, 104, 105), "states stored and used", "store/test_oauth_states.py::test_a_state_is_used_once"),
    ((106,), "channels:read", f"{_CHANNELS}::test_a_type_whose_scope_is_missing_is_not_asked_for_and_the_list_says_so"),
    ((108,), "chat:write.public", f"{_MESSAGES}/test_join.py::test_what_may_post_everywhere_public_joins_nothing"),
    ((107,), "chat:write", "checks/test_scope_reasons.py::test_every_scope_that_is_asked_for_has_its_row"),
    ((109,), "channels:join", f"{_CHANNELS}::test_the_bot_joins_a_public_channel_and_the_list_knows"),
    ((110,), "users:read", f"{_SETTINGS}::test_the_host_side_needs_to_see_who_is_an_admin"),
    (
        (114, 115, 116, 117),
        "errors of connecting",
        "host/pages/test_settings.py::test_every_reason_that_a_connect_fails_for_is_told",
    ),
    ((118, 119, 120, 121, 122), "closed codes", f"{_CODES}::test_there_is_a_way_to_every_code"),
    ((123, 210, 216), "switched off", f"{_SHOW}::test_disabled_handled"),
    ((124,), "completion", f"{_NOTED}::test_what_fails_is_noted_once_with_its_reason"),
    ((125,), "time to connect", f"{_NOTED}::test_time_to_connect_is_a_histogram_in_minutes"),
    ((126,), "usage", f"{_NOTED}::test_numbers_outlive_a_restart_are_of_one_organization_each_and_go_with_it"),
    (
        (257, 258),
        "who connects and stays",
        f"{_COMMAND}::test_usage_tells_what_organizations_have_done_and_how_many_stay",
    ),
    ((127, 134), "messages sent", "host/messages/test_post.py::test_a_message_is_accepted_sent_and_told_of"),
    ((129,), "errors by type", f"{_NOTED}::test_errors_are_counted_by_their_code"),
    ((130,), "initiated", f"{_NOTED}::test_what_is_begun_is_noted_with_its_member_and_purpose"),
    ((131,), "failed", f"{_NOTED}::test_what_fails_is_noted_once_with_its_reason"),
    ((133,), "refreshed", f"{_NOTED}::test_a_token_that_is_refreshed_is_noted"),
    ((135,), "role changed", f"{_NOTED}::test_a_role_that_changes_is_noted"),
    ((211, 212), "credentials, also from files", f"{_SETTINGS}::test_a_secret_may_come_from_a_private_file"),
    ((214,), "master key", "crypto/test_keyfile.py::test_a_private_file_is_read"),
    ((215,), "scopes", f"{_SETTINGS}::test_the_scopes_have_another_name"),
    (
        (217, 251),
        "manifest",
        "directory/test_manifest_command.py::test_with_the_host_side_slack_may_send_browsers_back_there_too",
    ),
    ((218,), "tunnel", "docs/host-api.md: any HTTPS tunnel"),
    ((220,), "seed", f"{_COMMAND}::test_seed_makes_up_an_organization_once"),
    ((221, 222, 224), "ways to test", "meta/test_makefile.py::test_the_readme_names_only_targets_that_exist"),
    (tuple(range(228, 244)), "verification", f"{_DOCTOR}::test_each_line_fails_by_each_of_its_words"),
    (
        (244, 245, 246, 247),
        "samples",
        f"{_EXAMPLES}::test_each_sample_of_settings_is_read_and_switches_the_host_side_on",
    ),
    ((248,), "schema", "store/engine/test_migrations.py::test_a_database_that_grew_has_the_schema_of_a_new_one"),
    ((249,), "vault", f"{_DOCTOR}::test_rows_that_should_not_be_there_are_counted"),
    ((250,), "endpoints", f"{_ROUTES}::test_route_registration"),
    ((252,), "flag", f"{_COMMAND}::test_disable_and_enable_say_what_was_so_and_what_is_left"),
    ((253,), "rollout", f"{_SHOW}::test_while_it_is_rolled_out_it_is_off_for_all_but_those_that_are_named"),
    ((254,), "threats", "docs/threat-model.md: I begin a connect, and have somebody of another company approve it"),
    ((255,), "healthz, readyz", f"{_SERVICE}::test_a_service_that_is_ready_says_so_and_how_its_inbox_is"),
    ((256,), "speed", "bench/test_bench.py::test_each_goal_names_what_is_measured"),
    ((259,), "dependencies", "meta/test_lock.py::test_requirements_lock_names_exactly_five_packages"),
    ((261,), "permissions", "checks/test_scope_reasons.py::test_every_scope_that_is_asked_for_has_its_row"),
)
"""Numbers, what they are about, and the test."""

LEFT_OUT = {
    128: "numbers by channel come with the page that shows them",
    219: "a start brings the schema up to date, and refuses a newer one",
    223: "an editor's own",
    260: "a timeline is no software",
}
"""Numbers that nothing shows, and why."""
