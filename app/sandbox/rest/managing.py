"""Who may manage a service account: its creator, and admins (product docs)."""

from app.sandbox.call import Call
from app.sandbox.replies import ApiError
from app.sandbox.rest.resources import denied
from app.sandbox.world.records import Principal, ServiceAccount


def managed_account(call: Call, account_id: str) -> ServiceAccount:
    """Return the account; raises ApiError 404, or 403 unless the caller created it or is an admin."""
    account = call.tx.tables.accounts.get(account_id)
    if account is None:
        raise ApiError(404, f"service account {account_id!r} not found")
    if not call.caller.is_admin(call.tx.tables) and made_by(account) != call.caller.principal:
        raise denied(f"serviceAccount {call.caller.account_id} not authorized to manage {account_id}")
    return account


def made_by(account: ServiceAccount) -> Principal | None:
    """Return who created the account; None when nobody is known."""
    return Principal(account.creator_kind, account.creator_id) if account.creator_kind else None
