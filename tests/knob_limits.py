"""What cannot hold under an alternative of a knob, and why; the README says the same of what is assumed."""

from __future__ import annotations

REASONS = {
    "secrets": "Secrets is off: there are no roles on secret scopes",
    "roles": "SCIM does not manage roles that the test is about, and drift says so",
    "read": "a read that lags does not find what was just written",
}

# test -> the alternatives under which it cannot hold
LIMITS: dict[str, tuple[str, ...]] = {
    "test_a_create_whose_reply_is_lost_is_not_repeated": (
        "read_delay_ms=500",
        "roles_management_off_effect=ignored_hidden",
        "roles_management_off_effect=reject",
        "roles_management_users=off",
    ),
    "test_a_deactivated_user_is_deleted_and_a_return_restores_groups_and_roles": (
        "roles_management_off_effect=ignored_hidden",
        "roles_management_off_effect=reject",
        "roles_management_users=off",
    ),
    "test_a_grant_on_a_scope_that_tecton_does_not_have_is_said_so": (
        "roles_management_groups=off",
        "roles_management_off_effect=ignored_hidden",
        "roles_management_off_effect=reject",
    ),
    "test_a_group_renamed_by_hand_gets_its_name_back": (
        "roles_management_groups=off",
        "roles_management_off_effect=ignored_hidden",
        "roles_management_off_effect=reject",
        "roles_management_users=off",
        "secrets_disabled_status=403",
        "secrets_disabled_status=501",
        "secrets_enabled=off",
    ),
    "test_a_hire_and_a_group_cost_one_write_each_and_one_batch": (
        "roles_management_off_effect=reject",
        "secrets_disabled_status=403",
        "secrets_disabled_status=501",
        "secrets_enabled=off",
    ),
    "test_a_hire_in_a_group_gets_the_groups_access": (
        "roles_management_groups=off",
        "roles_management_off_effect=ignored_hidden",
        "roles_management_off_effect=reject",
        "secrets_disabled_status=403",
        "secrets_disabled_status=501",
        "secrets_enabled=off",
    ),
    "test_a_member_added_by_hand_is_taken_out_and_one_taken_out_comes_back": (
        "roles_management_groups=off",
        "roles_management_off_effect=ignored_hidden",
        "roles_management_off_effect=reject",
        "roles_management_users=off",
        "secrets_disabled_status=403",
        "secrets_disabled_status=501",
        "secrets_enabled=off",
    ),
    "test_a_role_granted_by_hand_is_shown_and_taken_back": (
        "roles_management_groups=off",
        "roles_management_off_effect=ignored_hidden",
        "roles_management_off_effect=reject",
        "roles_management_users=off",
        "secrets_disabled_status=403",
        "secrets_disabled_status=501",
        "secrets_enabled=off",
    ),
    "test_a_role_pushed_by_the_idp_is_granted": (
        "roles_management_off_effect=ignored_hidden",
        "roles_management_off_effect=reject",
        "roles_management_users=off",
    ),
    "test_a_role_taken_away_by_hand_is_missing_and_comes_back": (
        "roles_management_groups=off",
        "roles_management_off_effect=ignored_hidden",
        "roles_management_off_effect=reject",
        "roles_management_users=off",
        "secrets_disabled_status=403",
        "secrets_disabled_status=501",
        "secrets_enabled=off",
    ),
    "test_a_scope_role_granted_by_hand_is_taken_back": (
        "secrets_disabled_status=403",
        "secrets_disabled_status=501",
        "secrets_enabled=off",
    ),
    "test_a_second_sweep_writes_nothing_and_reads_each_object_once": (
        "secrets_disabled_status=403",
        "secrets_disabled_status=501",
        "secrets_enabled=off",
    ),
    "test_a_user_deleted_by_hand_comes_back_with_groups_and_roles": (
        "roles_management_groups=off",
        "roles_management_off_effect=ignored_hidden",
        "roles_management_off_effect=reject",
        "roles_management_users=off",
        "secrets_disabled_status=403",
        "secrets_disabled_status=501",
        "secrets_enabled=off",
    ),
    "test_an_emptied_group_is_held_while_grants_go_on": (
        "roles_management_off_effect=ignored_hidden",
        "roles_management_off_effect=reject",
    ),
    "test_names_that_single_sign_on_writes_are_not_fought": (
        "roles_management_groups=off",
        "roles_management_off_effect=ignored_hidden",
        "roles_management_off_effect=reject",
    ),
    "test_roles_that_tecton_takes_without_effect_are_said_so": ("roles_management_off_effect=reject",),
    "test_the_last_admin_is_kept": (
        "roles_management_groups=off",
        "roles_management_off_effect=ignored_hidden",
        "roles_management_off_effect=reject",
    ),
    "test_users_and_groups_that_nobody_pushed_are_reported_and_left_alone": (
        "roles_management_groups=off",
        "roles_management_off_effect=ignored_hidden",
        "roles_management_off_effect=reject",
    ),
    "test_what_is_not_managed_survives_a_managed_change": (
        "roles_management_groups=off",
        "roles_management_off_effect=ignored_hidden",
        "roles_management_off_effect=reject",
    ),
}


def why_not(test: str, case: str) -> str:
    """Return why a test cannot hold under an alternative, "" for one that has to."""
    return REASONS[case.partition("_")[0]] if case in LIMITS.get(test, ()) else ""
