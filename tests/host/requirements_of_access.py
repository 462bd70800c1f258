"""Requirements of tests and of governed access, and the test or page that shows each; see `requirements.py`."""

_POST, _CHANGE, _DATA = (
    "host/messages/test_post.py",
    "host/messages/test_change.py",
    "host/messages/test_message_data.py",
)
_WORKSPACES = "host/pages/test_settings.py"
_EXAMPLES, _WORLDS = "test_examples_host.py", "host/test_worlds.py"
_NAMES, _BEGIN = "host/flows/test_connect_by_name.py", "host/api/test_begin.py"
_OFFBOARD, _REVIEWS, _RECONNECT = (
    "host/flows/test_offboard.py",
    "host/reviews/test_reviews.py",
    "host/flows/test_reconnect.py",
)
_INVENTORY, _RECONCILE = "host/inventory/test_inventory.py", "host/reviews/test_reconcile.py"
_USES, _PERSONAL = "host/inventory/test_token_uses.py", "host/personal/test_connect_personal.py"
_COLUMNS = "host/test_requirements.py::test_the_columns_of_messages_are_those_of_the_list"
_TIMES = "host/pages/test_inventory_pages.py::test_a_workspaces_page_tells_of_its_tokens_life"
_SEEN = f"{_WORKSPACES}::test_an_owner_sees_each_state_with_one_next_step"

TEST_KIT = (
    ((262,), "generation of the address", f"{_BEGIN}::test_200_with_url"),
    ((263,), "states", "store/test_oauth_states.py::test_a_state_is_used_once"),
    ((264,), "exchange", f"{_NAMES}::test_slack_called_correctly"),
    ((265,), "vault", f"{_NAMES}::test_stored_in_vault"),
    (
        (266,),
        "queries",
        "host/store/test_connections.py::test_each_look_up_has_its_index_and_no_index_is_left_over",
    ),
    ((267,), "encryption", "crypto/test_envelope.py::test_what_was_sealed_opens_to_the_same_bytes"),
    ((268,), "status", "host/store/test_connections.py::test_a_status_follows_only_where_the_table_says_so"),
    ((269,), "transforms", "host/test_answers.py"),
    ((270, 271, 272), "factories, fakes, set-up", f"{_WORLDS}::test_mocked_slack_vault_time_and_a_real_database"),
    ((273,), "the database after each request", f"{_BEGIN}::test_full_flow"),
)
"""Numbers of the product's list about tests, what they are about, and the test."""

ACCESS = (
    (
        (1,),
        "a fresh token on demand",
        "host/personal/test_reveal_token.py::test_the_host_is_given_one_and_everybody_is_told",
    ),
    ((2, 3, 4), "a member's own connection", f"{_PERSONAL}::test_a_user_has_one_connection_whoever_asks"),
    (
        (5,),
        "an owner",
        f"{_OFFBOARD}::test_what_it_answered_for_asks_for_an_owner_once_and_is_suspended_after_two_weeks",
    ),
    (
        (6,),
        "a maximum age",
        f"{_OFFBOARD}::test_settings_are_of_what_is_held_and_an_older_one_is_suspended_for_its_age",
    ),
    ((7,), "states", "host/store/test_connections.py::test_a_status_follows_only_where_the_table_says_so"),
    ((8,), "allowed channels", f"{_POST}::test_only_an_allowed_channel_is_posted_to"),
    ((9,), "a purpose", "host/flows/test_note_connect.py::test_what_is_begun_is_noted_with_its_member_and_purpose"),
    (
        (10,),
        "scopes with their reasons",
        "checks/test_scope_reasons.py::test_every_scope_that_is_asked_for_has_its_row",
    ),
    ((11,), "a way to revoke", f"{_RECONNECT}::test_disconnecting_uninstalls_and_erases"),
    ((12, 13, 14), "uses of tokens", f"{_USES}::test_each_use_tells_who_where_and_what_for"),
    ((15, 16, 17, 19), "inventory", f"{_INVENTORY}::test_the_three_questions_are_answered_in_a_line"),
    (
        (18,),
        "tombstones",
        f"{_INVENTORY}::test_what_was_removed_stays_as_ids_and_times_and_tells_nothing_of_who_has_it_now",
    ),
    ((20, 21), "capabilities", "checks/test_capabilities.py::test_the_table_is_literally_this"),
    ((22,), "a channel with its workspace", _COLUMNS),
    (
        (23,),
        "no lasting look at channels",
        "checks/test_capabilities.py::test_channels_are_looked_through_for_people_alone",
    ),
    (
        (24,),
        "private channels looked up",
        f"{_POST}::test_a_private_channel_is_looked_up_before_each_post_and_a_public_one_once_a_minute",
    ),
    ((25, 27, 28), "a dead token fails safely", f"{_POST}::test_a_dead_token_parks"),
    ((26,), "the way back", "host/api/test_codes.py::test_there_is_a_way_to_every_code"),
    ((29,), "nothing is dropped", f"{_POST}::test_what_waits_for_a_reconnect_is_parked_and_goes_on_in_order"),
    ((30,), "a new grant", f"{_PERSONAL}::test_only_its_member_brings_it_back_to_the_same_workspace_or_another"),
    ((31,), "the accounts of an organization", _SEEN),
    (
        (32,),
        "reviews",
        f"{_REVIEWS}::test_each_connection_gets_one_answer_and_what_nobody_answered_for_is_suspended",
    ),
    ((33,), "offboarding", f"{_OFFBOARD}::test_for_whoever_has_left_nothing_opens_and_nothing_goes_on"),
    ((34,), "incidents", "host/test_incidents.py::test_somebody_acts_inside_an_organization"),
    (
        (35,),
        "comparison with Slack",
        f"{_RECONCILE}::test_a_repair_ends_what_differs_between_our_own_tables_and_only_then",
    ),
    ((36,), "growth", "host/reviews/test_growth.py::test_months_tell_what_was_opened_ended_and_held"),
    (
        (37,),
        "what no organization holds",
        f"{_RECONCILE}::test_what_no_organization_holds_is_shown_on_the_command_line_and_by_the_api",
    ),
    ((38, 39, 40), "catalogues of controls", "claims/test_controls.py::test_each_catalogue_is_whole"),
    ((41,), "a vendor's tokens", "docs/threat-model.md: Tokens taken from an integration vendor."),
    ((42,), "a service account", "docs/threat-model.md: A service account, and the table of everybody's tokens."),
    ((43,), "secrets in repositories", "meta/test_secrets.py::test_no_file_holds_a_secret"),
    (
        (44,),
        "secrets in the environment",
        "config/test_settings.py::test_a_strict_service_takes_no_secret_from_the_environment",
    ),
    (
        (45, 46, 47),
        "three notifiers",
        f"{_EXAMPLES}::test_a_customer_connects_by_api_and_each_notice_arrives_under_its_purpose",
    ),
    ((48,), "issued, renewed, expires, last failure, last use", _TIMES),
    ((49,), "a row for each credential", f"{_INVENTORY}::test_each_credential_has_a_row_of_its_own_and_no_secret"),
)
"""Numbers of the paper's list, what they are about, and the test."""
