"""`roles` of SCIM resources: reading them into grants, showing grants as roles."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from app.sandbox.call import Call
from app.sandbox.replies import ApiError, Json, KeptError
from app.sandbox.world.authority import direct
from app.sandbox.world.edits import set_roles, target_exists
from app.sandbox.world.records import Grant, Level, Principal, PrincipalKind
from app.sandbox.world.roles import ROLES_OF, scim_type, strength, target_of
from app.sandbox.world.world import Transaction

Target = tuple[Level, str]

_MANAGEMENT: dict[PrincipalKind, str] = {
    "user": "roles_management_users",
    "group": "roles_management_groups",
    "service_account": "roles_management_service_accounts",
}


@dataclass
class _Reading:
    """The grants read so far; `failure` is answered after they are applied (row 18, partial)."""

    grants: dict[Target, Grant]
    failure: ApiError | None = None


def shown_roles(tx: Transaction, principal: Principal) -> list[Json]:
    """Return the direct roles as SCIM shows them: one entry per role, sorted (row 19)."""
    if _is_off(tx, principal) and tx.knobs["roles_management_off_effect"] == "ignored_hidden":
        return []
    return roles_of(direct(tx.tables, principal), tx.knobs["duplicate_role_type"] == "highest_only")


def roles_of(grants: Iterable[Grant], highest_only: bool = False) -> list[Json]:
    """Return grants as SCIM roles, sorted by type and value."""
    held = sorted(grants, key=lambda g: (scim_type(g), g.role))
    if highest_only:
        best: dict[Target, Grant] = {}
        for grant in sorted(held, key=strength, reverse=True):
            best[grant.level, grant.name] = grant
        held = [grant for grant in held if grant in best.values()]
    return [{"type": scim_type(grant), "value": grant.role} for grant in held]


def write_roles(call: Call, principal: Principal, body: Json, *, is_new: bool) -> None:
    """Apply `roles` of a POST or PUT body; what it omits is taken away (rows 13 to 15).

    Raises ApiError for a role nobody knows, and KeptError when row 18 says "partial".
    """
    tx = call.tx
    if _is_off(tx, principal):
        if "roles" in body and tx.knobs["roles_management_off_effect"] == "reject":
            raise ApiError(400, "roles are not managed by SCIM for this resource type", name="invalidValue")
        return
    kept = "roles" not in body and tx.knobs["roles_missing_in_put"] == "keep"
    if call.effect("roles_ignored") or (kept and not is_new):
        return
    reading = read_roles(tx, body)
    set_roles(tx, principal, frozenset(reading.grants.values()))
    if reading.failure:
        raise reading.failure


def read_roles(tx: Transaction, body: Json) -> _Reading:
    """Return the grants that `roles` of a body means; raises ApiError."""
    reading = _Reading({})
    raw = body.get("roles")
    if raw is not None and not isinstance(raw, list):
        raise ApiError(400, "roles must be a list", name="invalidValue")
    for entry in raw or []:
        try:
            _add(tx, reading, _read_entry(tx, entry))
        except _UnknownRole as unknown:
            if not _tolerate(tx, reading, unknown):
                break
    return reading


class _UnknownRole(Exception):
    """A role that means nothing here."""


def _tolerate(tx: Transaction, reading: _Reading, unknown: _UnknownRole) -> bool:
    """Row 18: say whether to go on with the next entry; raises ApiError when nothing is to be applied."""
    behaviour = tx.knobs["unknown_role"]
    if behaviour == "ignore":
        return True
    if behaviour == "partial":
        reading.failure = KeptError(400, str(unknown), name="invalidValue")
        return False
    status = 404 if behaviour == "not_found" else 400
    raise ApiError(status, str(unknown), name="invalidValue" if status == 400 else "")


def _read_entry(tx: Transaction, entry: Any) -> Grant | None:
    """Return the grant of one entry, None for a null value (row 14)."""
    if not isinstance(entry, dict) or not isinstance(entry.get("type"), str):
        raise ApiError(400, "a roles entry needs a type", name="invalidValue")
    value = entry.get("value")
    if value is None:
        if tx.knobs["roles_null_value"] == "reject":
            raise ApiError(400, "the value of a roles entry must be a string", name="invalidValue")
        return None
    if not isinstance(value, str):
        raise ApiError(400, "the value of a roles entry must be a string or null", name="invalidValue")
    return resolve_role(tx, entry["type"], _cased(tx, value))


def resolve_role(tx: Transaction, type_: str, value: str) -> Grant:
    """Return the grant that a SCIM type and value mean; raises ApiError or _UnknownRole."""
    target = target_of(type_)
    if target is None:
        raise _UnknownRole(f"unknown role type {type_!r}")
    level, name = target
    if value not in ROLES_OF[level]:
        raise _UnknownRole(f"unknown role {value!r} for {type_!r}")
    if not target_exists(tx.tables, level, name):
        raise _UnknownRole(f"there is no {level.replace('_', ' ')} {name!r}")
    return Grant(level, name, value)


def _cased(tx: Transaction, value: str) -> str:
    """Row 20: Tecton's own examples send Admin; whether the server lower-cases is not known."""
    if tx.knobs["role_value_case"] == "reject" and value != value.lower():
        raise ApiError(400, f"role {value!r} is not in lower case", name="invalidValue")
    return value.lower()


def _add(tx: Transaction, reading: _Reading, grant: Grant | None) -> None:
    """Row 19: one role per target; which of two wins is not known."""
    if grant is None:
        return
    target = (grant.level, grant.name)
    other = reading.grants.get(target)
    if other is None or other == grant:
        reading.grants[target] = grant
        return
    reading.grants[target] = _winner(tx.knobs["duplicate_role_type"], other, grant)


def _winner(rule: str, first: Grant, last: Grant) -> Grant:
    if rule == "reject":
        raise ApiError(400, f"two roles for {scim_type(last)!r}", name="invalidValue")
    if rule == "highest_only":
        return min(first, last, key=strength)
    return first if rule == "first_wins" else last


def _is_off(tx: Transaction, principal: Principal) -> bool:
    return not tx.knobs.on(_MANAGEMENT[principal.kind])
