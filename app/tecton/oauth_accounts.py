"""Creating OAuth service accounts: by the Service Accounts API, for SCIM knows API keys only.

Whether SCIM shows such accounts afterwards is not known (row 29 of the unknowns). Where it does not,
the bridge could neither see them nor give them roles; so none is made there.
"""

from __future__ import annotations

from app.core.access import ServiceAccountProfile
from app.core.identity import Kind
from app.core.records import ServiceAccountRecord
from app.reconcile.ports import Created, NotPossible, TectonError
from app.tecton.scim import Scim
from app.tecton.service_accounts import Account, NewAccount, ServiceAccounts


def create_oauth_account(accounts: ServiceAccounts, scim: Scim, profile: ServiceAccountProfile) -> Created:
    """Create an OAuth account without roles and groups, and return it with its client secret.

    Raise Conflict, UnknownOutcome; NotPossible where SCIM does not show OAuth accounts.
    """
    _insist_on_shown(accounts, scim, profile.name)
    made = accounts.create(profile.name, profile.description or "", oauth=True)
    if _is_hidden(scim, made.account):
        _undo(accounts, made)
        raise _hidden(profile.name)
    record = ServiceAccountRecord(made.account.id, made.account.name, made.account.description, made.account.active)
    return Created(record, client_secret=made.client_secret)


def _insist_on_shown(accounts: ServiceAccounts, scim: Scim, name: str) -> None:
    """Look at any OAuth account that is there, before one is made that could not be looked after."""
    known = next((account for account in accounts.find() if account.oauth), None)
    if known is not None and _is_hidden(scim, known):
        raise _hidden(name)


def _is_hidden(scim: Scim, account: Account) -> bool:
    try:
        return scim.get_record(Kind.SERVICE_ACCOUNT, account.id) is None
    except TectonError:
        # Not known now: the secret in hand must not be lost over it.
        return False


def _undo(accounts: ServiceAccounts, made: NewAccount) -> None:
    accounts.update(made.account.id, active=False)
    accounts.delete(made.account.id)


def _hidden(name: str) -> NotPossible:
    return NotPossible(
        f"service account {name} is not created: this Tecton's SCIM does not show OAuth accounts, so that the bridge "
        "could not give it roles; write `credentials: api_key`, or create it by hand"
    )
