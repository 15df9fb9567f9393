"""What cannot hold under an alternative of a knob, and why; the README says the same of what is assumed."""

from __future__ import annotations

NO_SCOPES = "Secrets is off: there are no roles on secret scopes"
NO_ROLES = "SCIM does not manage the roles that the test is about"
LAGS = "a read that lags does not find what was just written: it is made again, refused, and adopted"

SECRETS_OFF = ("secrets_enabled=off", "secrets_disabled_status=403", "secrets_disabled_status=501")
NO_ROLES_AT_ALL = ("roles_management_off_effect=ignored_hidden", "roles_management_off_effect=reject")

# test -> the alternatives under which it cannot hold
LIMITS: dict[str, dict[tuple[str, ...], str]] = {}


def why_not(test: str, case: str) -> str:
    """Return why a test cannot hold under an alternative, "" for one that has to."""
    return next((reason for cases, reason in LIMITS.get(test, {}).items() if case in cases), "")
