"""What the SCIM resources have in common: schemas, meta, membership lists."""

from datetime import datetime

from app.sandbox.replies import Json
from app.sandbox.world.authority import groups_of
from app.sandbox.world.records import Group, Principal, User
from app.sandbox.world.world import Transaction

USER_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Group"
GROUP_EXTENSION = "urn:ietf:params:scim:schemas:extension:tecton:1.0:Group"
# Assumed: nobody outside has seen this one.
ACCOUNT_SCHEMA = "urn:ietf:params:scim:schemas:extension:tecton:1.0:ServiceAccount"


def meta(resource_type: str, created: datetime, modified: datetime) -> Json:
    """Return the meta attribute; Tecton's has no location and no version."""
    return {"resourceType": resource_type, "created": stamp(created), "lastModified": stamp(modified)}


def stamp(moment: datetime) -> str:
    """Return a moment as 2026-01-05T10:00:00Z."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def shown_groups(tx: Transaction, principal: Principal) -> list[Json]:
    """Return the read-only groups attribute (row 21: its type string is not documented)."""
    kind = {"empty": ""}.get(tx.knobs["groups_type_string"], tx.knobs["groups_type_string"])
    return [_reference(kind, group) for group in groups_of(tx.tables, principal)]


def scim_user_id(tx: Transaction, user: User) -> str:
    """Return the id SCIM shows for a user (row 28)."""
    return user.scim_id if tx.knobs["scim_user_id"] == "separate" else user.id


def user_by_scim_id(tx: Transaction, scim_id: str) -> User | None:
    """Return the user with this SCIM id, or None."""
    if tx.knobs["scim_user_id"] != "separate":
        return tx.tables.users.get(scim_id)
    found = tx.tables.users.find("scim_id", scim_id)
    return found[0] if found else None


def _reference(kind: str, group: Group) -> Json:
    return {"type": kind, "display": group.display_name, "value": group.id}
