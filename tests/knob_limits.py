"""What cannot hold under an alternative of a knob, and why; the README says the same of what is assumed."""

from __future__ import annotations

# Alternatives that mean the same to a test.
NO_SECRETS = ("secrets_enabled=off", "secrets_disabled_status=403", "secrets_disabled_status=501")
NO_ROLES = ("roles_management_off_effect=ignored_hidden", "roles_management_off_effect=reject")
NO_USER_ROLES = ("roles_management_users=off", *NO_ROLES)
NO_GROUP_ROLES = ("roles_management_groups=off", *NO_ROLES)
REFUSED_CALLS = ("rate_limit_per_second=20", "rate_limit_retry_after=seconds", "rate_limit_retry_after=date")
SHORT_PAGES = ("list_count_cap=2", "unsorted_order=unstable")

# by how the knob's name begins
REASONS = {
    "last_modified": "the list shows the change that the test takes for unseen",
    "list_attributes": "lists show what the test takes them to leave out",
    "list_count_cap": "short pages cost calls that the test counts",
    "oauth_accounts_in_scim": "OAuth accounts do not show in SCIM: the bridge makes none, and says so",
    "rate_limit": "calls that were refused are made again, which the test counts, or for which it does not wait",
    "read_delay": "a read that lags does not find what was just written",
    "roles_management": "SCIM does not manage roles that the test is about, and drift says so",
    "scim_service_accounts_path": "the test names the path",
    "scim_user_id": "the test takes SCIM's ids for Tecton's own",
    "secrets": "Secrets is off: there are no roles and no keys in secret scopes",
    "service_accounts_v1_paths": "the test names the path",
    "unsorted_order": "short pages cost calls that the test counts",
    "user_name_case": "a name in another case is another user",
    "user_name_change": "the test is about people who cannot be renamed",
}

# test -> the alternatives under which it cannot hold
LIMITS: dict[str, tuple[str, ...]] = {
    "test_a_changed_policy_is_taken_up_by_the_next_sweep": NO_GROUP_ROLES,
    "test_a_copy_kept_for_probes_stays_sealed_until_the_policy_lets_it_go": NO_SECRETS,
    "test_a_create_whose_reply_is_lost_is_not_repeated": (*NO_USER_ROLES, "read_delay_ms=500"),
    "test_a_deactivated_user_is_deleted_and_a_return_restores_groups_and_roles": NO_USER_ROLES,
    "test_a_deleted_person_who_returns_gets_groups_and_roles_back": NO_USER_ROLES,
    "test_a_delivered_key_is_not_delivered_again": NO_SECRETS,
    "test_a_failed_delivery_is_shown_waits_longer_each_time_and_loses_nothing": NO_SECRETS,
    "test_a_first_secret_that_was_lost_on_the_way_is_replaced": (
        *NO_SECRETS,
        "oauth_accounts_in_scim=off",
        "service_accounts_v1_paths=…",
    ),
    "test_a_grant_on_a_scope_that_tecton_does_not_have_is_said_so": NO_GROUP_ROLES,
    "test_a_group_renamed_by_hand_gets_its_name_back": (*NO_SECRETS, *NO_USER_ROLES, *NO_GROUP_ROLES),
    "test_a_group_that_got_a_member_since_it_was_read_is_not_deleted_unseen": ("roles_management_off_effect=reject",),
    "test_a_group_that_is_not_pushed_any_more_does_not_come_back": NO_USER_ROLES,
    "test_a_hire_and_a_group_cost_one_write_each_and_one_batch": (*NO_SECRETS, "roles_management_off_effect=reject"),
    "test_a_hire_in_a_group_gets_the_groups_access": (*NO_SECRETS, *NO_GROUP_ROLES),
    "test_a_key_can_be_claimed_before_a_worker_looked_at_it": ("oauth_accounts_in_scim=off",),
    "test_a_key_is_delivered_into_a_scope_and_then_kept_nowhere_here": NO_SECRETS,
    "test_a_list_that_is_whole_no_more_is_found_out_and_nobody_loses_anything": NO_GROUP_ROLES,
    "test_a_member_added_by_hand_is_taken_out_and_one_taken_out_comes_back": (
        *NO_SECRETS,
        *NO_USER_ROLES,
        *NO_GROUP_ROLES,
    ),
    "test_a_member_whom_the_bridge_just_deleted_is_no_admin_though_reads_lag": NO_USER_ROLES,
    "test_a_nightly_push_of_the_same_changes_nothing": (*NO_GROUP_ROLES, "read_delay_ms=500"),
    "test_a_person_who_asks_for_a_sweep_gets_everything_read": (
        *NO_SECRETS,
        *REFUSED_CALLS,
        *SHORT_PAGES,
        "oauth_accounts_in_scim=off",
    ),
    "test_a_policy_that_does_not_load_never_replaces_a_good_one": NO_GROUP_ROLES,
    "test_a_policy_that_is_reordered_while_a_sweep_reads_gives_nobody_anothers_role": NO_USER_ROLES,
    "test_a_protected_user_is_neither_put_into_a_group_nor_out_of_it_by_a_push_to_it": NO_GROUP_ROLES,
    "test_a_return_is_said": (*NO_USER_ROLES, *NO_GROUP_ROLES, "read_delay_ms=500"),
    "test_a_role_granted_by_hand_is_shown_and_taken_back": (*NO_SECRETS, *NO_USER_ROLES, *NO_GROUP_ROLES),
    "test_a_role_pushed_by_the_idp_is_granted": NO_USER_ROLES,
    "test_a_role_taken_away_by_hand_is_missing_and_comes_back": (*NO_SECRETS, *NO_USER_ROLES, *NO_GROUP_ROLES),
    "test_a_rotation_that_cannot_begin_says_why": (*NO_SECRETS, "oauth_accounts_in_scim=off"),
    "test_a_rotation_that_fails_is_a_notice": (*NO_SECRETS, "oauth_accounts_in_scim=off"),
    "test_a_scheduled_sweep_that_has_the_calls_reads_everything_and_no_more": (
        *NO_SECRETS,
        *REFUSED_CALLS,
        *SHORT_PAGES,
        "oauth_accounts_in_scim=off",
    ),
    "test_a_scope_role_granted_by_hand_is_taken_back": NO_SECRETS,
    "test_a_second_sweep_writes_nothing_and_reads_each_object_once": (
        *NO_SECRETS,
        *REFUSED_CALLS,
        *SHORT_PAGES,
        "oauth_accounts_in_scim=off",
    ),
    "test_a_service_account_that_was_pushed_as_a_user_and_fails_is_one_that_fails": (
        "scim_service_accounts_path=/Robots",
    ),
    "test_a_sweep_and_a_drain_leave_enough_admins_between_them": NO_USER_ROLES,
    "test_a_sweep_reads_each_object_each_page_and_each_scope_once": (
        *NO_SECRETS,
        *REFUSED_CALLS,
        "oauth_accounts_in_scim=off",
    ),
    "test_a_sweep_that_has_not_keeps_to_its_budget_and_reads_the_privileged_first": (
        "scim_user_id=separate",
        "unsorted_order=unstable",
    ),
    "test_a_tecton_that_does_not_answer_is_asked_again_ten_minutes_later": (
        "list_attributes=honoured",
        "list_attributes=members_cut",
    ),
    "test_a_token_asks_for_a_rotation": (*NO_SECRETS, "oauth_accounts_in_scim=off"),
    "test_a_user_deleted_by_hand_comes_back_with_groups_and_roles": (*NO_SECRETS, *NO_USER_ROLES, *NO_GROUP_ROLES),
    "test_a_user_name_that_is_no_address_any_more_deletes_nobody": (*NO_SECRETS, *NO_GROUP_ROLES),
    "test_a_user_who_appeared_after_the_last_sweep_is_adopted_on_conflict": NO_USER_ROLES,
    "test_a_whole_list_verifies_everybody_however_few_the_calls": ("roles_management_off_effect=ignored_hidden",),
    "test_an_admin_asks_for_a_rotation": (*NO_SECRETS, "oauth_accounts_in_scim=off"),
    "test_an_admin_from_whom_the_bridge_just_took_it_does_not_count_though_reads_lag": NO_USER_ROLES,
    "test_an_admin_who_was_one_at_the_last_sweep_only_does_not_count_as_left": (*NO_GROUP_ROLES, "read_delay_ms=500"),
    "test_an_approved_plan_is_applied": (*NO_SECRETS, *NO_GROUP_ROLES),
    "test_an_emptied_group_is_held_while_grants_go_on": NO_USER_ROLES,
    "test_an_entry_that_a_list_calls_modified_is_read_before_others": (
        *NO_USER_ROLES,
        *NO_GROUP_ROLES,
        "scim_user_id=separate",
    ),
    "test_an_oauth_account_is_made_with_its_groups_and_roles": ("oauth_accounts_in_scim=off",),
    "test_an_oauth_account_is_probed_with_a_token_of_its_own": ("oauth_accounts_in_scim=off",),
    "test_an_oauth_account_that_was_there_already_is_adopted": ("oauth_accounts_in_scim=off",),
    "test_approved_the_other_tecton_is_taken_over_from_its_first_sight": (*NO_GROUP_ROLES, "read_delay_ms=500"),
    "test_claiming_needs_the_csrf_token": ("oauth_accounts_in_scim=off",),
    "test_drill_a_listing_cut_short_removes_nobody_and_hires_nobody_twice": (*NO_USER_ROLES, *SHORT_PAGES),
    "test_drill_a_put_without_members_empties_no_group": NO_USER_ROLES,
    "test_drill_a_restored_backup_takes_away_nothing_it_has_forgotten": (
        *NO_USER_ROLES,
        "roles_management_groups=off",
        "read_delay_ms=500",
    ),
    "test_drill_of_forty_percent_deactivated_in_a_minute_only_ordinary_leavers_go": NO_USER_ROLES,
    "test_every_scope_is_listed": NO_SECRETS,
    "test_its_client_secret_is_sealed_and_delivered": (*NO_SECRETS, "oauth_accounts_in_scim=off"),
    "test_keys_are_resealed": NO_SECRETS,
    "test_keys_that_wait_or_fail_are_notices_with_a_link": NO_SECRETS,
    "test_many_pushes_to_one_group_become_one_write": ("roles_management_off_effect=reject",),
    "test_names_that_single_sign_on_writes_are_not_fought": NO_GROUP_ROLES,
    "test_nothing_is_written_to_another_tecton_and_it_is_said_what_to_do": (*NO_GROUP_ROLES, "read_delay_ms=500"),
    "test_objects_that_a_list_shows_whole_are_not_read_again_but_for_a_proof": (
        *NO_SECRETS,
        *NO_GROUP_ROLES,
        *REFUSED_CALLS,
        *SHORT_PAGES,
    ),
    "test_people_who_are_deleted_and_pushed_anew_wait_for_the_approval_without_a_call": ("read_delay_ms=500",),
    "test_people_who_cannot_be_renamed_at_all_are_tried_once_and_keep_everything": (
        *NO_USER_ROLES,
        "user_name_change=allow",
        "user_name_change=ignore",
    ),
    "test_probes_run_again_after_a_change_has_spread": REFUSED_CALLS,
    "test_put_back_everything_goes_on_as_if_nothing_had_been": NO_GROUP_ROLES,
    "test_roles_pushed_and_taken_away_before_anybody_looked_end_those_given_back": NO_USER_ROLES,
    "test_roles_that_cannot_be_given_do_not_lose_the_secret": (*NO_SECRETS, "oauth_accounts_in_scim=off"),
    "test_roles_that_come_with_the_return_are_the_only_ones": NO_USER_ROLES,
    "test_roles_that_tecton_takes_without_effect_are_said_so": ("roles_management_off_effect=reject",),
    "test_rotating_leads_for_once_where_nobody_leads": (*NO_SECRETS, "oauth_accounts_in_scim=off"),
    "test_sweep_after_sweep_everybody_is_read_within_the_hour": (
        *SHORT_PAGES,
        "oauth_accounts_in_scim=off",
        "scim_user_id=separate",
    ),
    "test_the_api_lists_keys_and_never_their_values": (*NO_SECRETS, "oauth_accounts_in_scim=off"),
    "test_the_first_sweep_reads_everything_whatever_its_budget": ("oauth_accounts_in_scim=off",),
    "test_the_last_admin_is_kept": NO_GROUP_ROLES,
    "test_the_list_says_where_every_key_is": (*NO_SECRETS, "oauth_accounts_in_scim=off"),
    "test_the_page_says_where_every_key_is_and_what_fails": ("oauth_accounts_in_scim=off",),
    "test_the_principals_of_a_scope_are_shown_with_the_source_of_each_role": NO_SECRETS,
    "test_the_scopes_of_a_principal_are_shown": (*NO_SECRETS, "oauth_accounts_in_scim=off"),
    "test_users_and_groups_that_nobody_pushed_are_reported_and_left_alone": NO_GROUP_ROLES,
    "test_what_cannot_be_claimed_says_why": (*NO_SECRETS, "oauth_accounts_in_scim=off"),
    "test_what_is_changed_by_hand_is_found_in_a_whole_list": (*NO_USER_ROLES, *NO_GROUP_ROLES),
    "test_what_is_not_managed_survives_a_managed_change": NO_GROUP_ROLES,
    "test_what_nobody_pushed_of_who_is_adopted_on_conflict_is_kept": (
        *NO_SECRETS,
        *NO_GROUP_ROLES,
        "read_delay_ms=500",
    ),
    "test_what_was_changed_in_an_object_that_is_not_read_is_put_right_once_it_is": (
        *NO_USER_ROLES,
        *SHORT_PAGES,
        "last_modified=everything",
        "scim_user_id=separate",
    ),
    "test_when_it_is_well_again_that_is_said_once_and_everything_is_applied": NO_GROUP_ROLES,
    "test_where_tecton_does_not_tell_whose_the_key_is_a_group_keeps_the_admin_of_its_accounts": NO_GROUP_ROLES,
    "test_where_that_is_found_out_only_afterwards_it_is_undone": ("service_accounts_v1_paths=…",),
    "test_who_approved_by_a_command_is_recorded": NO_GROUP_ROLES,
    "test_who_leaves_again_before_anything_was_confirmed_is_remembered_whole": NO_USER_ROLES,
    "test_with_a_tecton_whose_lists_leave_roles_out_a_sweep_reads_exactly_as_much_as_without_learning": (
        *NO_SECRETS,
        *NO_GROUP_ROLES,
        *REFUSED_CALLS,
        *SHORT_PAGES,
        "list_attributes=honoured",
        "list_attributes=members_cut",
        "oauth_accounts_in_scim=off",
    ),
    "test_without_probes_tecton_is_not_asked": NO_SECRETS,
}

# the same of tests with parameters, of which some hold all the same
PARTLY: dict[str, tuple[str, ...]] = {
    "test_a_sweep_reads_each_object_each_page_and_each_scope_once": ("unsorted_order=unstable",),
    "test_a_user_who_appeared_after_the_last_sweep_is_adopted_on_conflict": ("user_name_case=sensitive",),
}


def why_not(test: str, case: str) -> str:
    """Return why a test cannot hold, or not always, under an alternative; "" for one that has to."""
    if case not in (*LIMITS.get(test, ()), *PARTLY.get(test, ())):
        return ""
    return next(reason for name, reason in REASONS.items() if case.startswith(name))


def is_partly(test: str, case: str) -> bool:
    """Tell whether a test holds under an alternative with some of its parameters."""
    return case in PARTLY.get(test, ())
