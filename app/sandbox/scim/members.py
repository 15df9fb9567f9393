"""Members of a group, as SCIM writes and shows them."""

from collections.abc import Mapping
from typing import Any

from app.sandbox.bodies import items
from app.sandbox.replies import ApiError, Json
from app.sandbox.scim.resources import scim_user_id, user_by_scim_id
from app.sandbox.world.records import Group, Member
from app.sandbox.world.world import Transaction


def read_members(tx: Transaction, body: Json, group: Group) -> tuple[Member, ...]:
    """Return the members a body asks for; who is already there stays what he was (by hand, by IdP).

    Raises ApiError for an id nobody has (row 22), and as row 23 says for a mapped member left out.
    """
    before = {member.id: member for member in group.members}
    wanted: dict[str, Member] = {}
    for raw in items(body, "members"):
        member = _read_member(tx, raw)
        if member is not None:
            wanted[member.id] = before.get(member.id, member)
    return (*wanted.values(), *_unremovable(tx, before, wanted))


def shown_members(tx: Transaction, group: Group) -> list[Json]:
    """Return the members attribute (row 21: its type strings are not documented)."""
    named = tx.knobs["member_type_strings"] == "named"
    shown = []
    for member in group.members:
        kind, display, value = _identity(tx, member)
        shown.append({"type": kind if named else "", "display": display, "value": value})
    return shown


def _read_member(tx: Transaction, raw: Any) -> Member | None:
    """Return the member an entry means; its type is not needed, ids are unique over both kinds."""
    if not isinstance(raw, dict) or not isinstance(raw.get("value"), str):
        raise ApiError(400, "a members entry needs a value", name="invalidValue")
    user = user_by_scim_id(tx, raw["value"])
    if user is not None:
        return Member("user", user.id)
    if tx.tables.accounts.get(raw["value"]):
        return Member("service_account", raw["value"])
    if tx.knobs["unknown_member"] != "ignore":
        raise _unknown(tx, raw["value"])
    return None


def _unknown(tx: Transaction, member_id: str) -> ApiError:
    status = 404 if tx.knobs["unknown_member"] == "not_found" else 400
    return ApiError(status, f"there is no user or service account {member_id!r}", name="invalidValue")


def _unremovable(tx: Transaction, before: Mapping[str, Member], wanted: Mapping[str, Member]) -> list[Member]:
    """Row 23: whether SCIM may remove a member that an IdP mapping added."""
    left_out = [m for m in before.values() if m.from_idp and m.id not in wanted]
    behaviour = tx.knobs["idp_member_removal"]
    if not left_out or behaviour == "allow":
        return []
    if behaviour == "keep":
        return left_out
    raise ApiError(int(behaviour.removeprefix("reject_")), "a member is managed by an IdP mapping")


def _identity(tx: Transaction, member: Member) -> tuple[str, str, str]:
    user = tx.tables.users.get(member.id)
    if user is not None:
        return "User", user.user_name, scim_user_id(tx, user)
    account = tx.tables.accounts.get(member.id)
    return "ServiceAccount", account.name if account else "", member.id
