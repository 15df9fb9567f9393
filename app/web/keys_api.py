"""The JSON API of service accounts' keys: list, claim once, rotate, and what happened."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import BaseModel

from app.store import credentials
from app.store.key_reports import KeyReport, find_key_report, list_key_reports
from app.store.rotations import request_rotation
from app.web.access import caller
from app.web.models import ClaimedKey, CredentialList, CredentialReport, KeyHistory, NameQuery, NoQuery
from app.web.openapi import Operation
from app.web.room import room


def claim_key(name: str) -> ClaimedKey:
    """Take the key of an account from here for whoever calls. Raise CredentialError.

    It is wiped before it is answered: a key may be lost on the way, and is never shown twice.
    """
    policy = room().policy()
    with room().database.write() as connection:
        report = find_key_report(connection, name)
        key = credentials.claim(connection, room().sealer, report.tecton_id, caller(), room().clock(), policy=policy)
    return ClaimedKey(name=report.name, key=key)


def ask_for_rotation(name: str) -> KeyReport:
    """Ask the leader for a new client secret of an account. Raise CredentialError."""
    with room().database.write() as connection:
        rotation = request_rotation(connection, name, caller(), room().clock(), mode=room().mode)
        return find_key_report(connection, rotation.tecton_id)


def _list(query: NoQuery) -> CredentialList:
    with room().database.read() as connection:
        return CredentialList(items=[_report(report) for report in list_key_reports(connection)])


def _read(query: NoQuery, name: str) -> CredentialReport:
    with room().database.read() as connection:
        return _report(find_key_report(connection, name))


def _report(report: KeyReport) -> CredentialReport:
    return CredentialReport.model_validate(report.as_json(room().policy().credentials))


def _claim(query: NoQuery, name: str) -> ClaimedKey:
    return claim_key(name)


def _rotate(query: NoQuery, name: str) -> CredentialReport:
    return _report(ask_for_rotation(name))


def _history(query: NameQuery) -> KeyHistory:
    with room().database.read() as connection:
        found = credentials.list_events(connection, query.name, limit=query.limit, offset=query.offset)
    return KeyHistory.model_validate({"items": found})


OPERATIONS: dict[Operation, Callable[..., BaseModel]] = {
    Operation(
        "/credentials", "credentials", "Where the newest key of every service account is", NoQuery, CredentialList
    ): _list,
    Operation(
        "/credentials/<name>", "credential", "The newest key of one service account", NoQuery, CredentialReport
    ): _read,
    Operation(
        "/credentials/<name>/claim",
        "claim_key",
        "Take the key of a service account, once: it is shown in this answer, and kept nowhere",
        NoQuery,
        ClaimedKey,
        "POST",
    ): _claim,
    Operation(
        "/credentials/<name>/rotation",
        "rotate_secret",
        "Ask for a new client secret; the old one ends once the new one is in use",
        NoQuery,
        CredentialReport,
        "POST",
    ): _rotate,
    Operation(
        "/credential-events", "credential_events", "What happened to keys, and by whom", NameQuery, KeyHistory
    ): _history,
}
