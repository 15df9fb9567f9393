"""Row 41: nothing documented keeps the last admin, or the caller, from being removed; a cluster might."""

from collections.abc import Callable

from app.sandbox.call import Call
from app.sandbox.replies import ApiError
from app.sandbox.world.authority import human_admins


def guarded(call: Call, edit: Callable[[], None]) -> None:
    """Do an edit; row 41 may refuse one that leaves no human admin, or takes admin from the caller."""
    guard = call.tx.knobs["last_admin_guard"]
    if guard == "off":
        edit()
        return
    before = human_admins(call.tx.tables)
    was_admin = call.caller.is_admin(call.tx.tables)
    edit()
    lost_self = was_admin and not _still_admin(call)
    if lost_self or (before and not human_admins(call.tx.tables)):
        raise ApiError(int(guard), "the last admin, or the calling admin, cannot be removed")


def _still_admin(call: Call) -> bool:
    account = call.account()
    return account is not None and account.active and call.caller.is_admin(call.tx.tables)
