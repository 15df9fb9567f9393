"""The JSON API of who has which access: scopes, and principals with their reasons."""

from __future__ import annotations

from collections.abc import Callable

from flask import abort
from pydantic import BaseModel

from app.store.access_reports import explain_by_name
from app.store.evidence import snapshot
from app.store.leavers import leavers_called
from app.store.principal_search import search_principals
from app.store.scope_reports import is_known, load_scopes
from app.web.models import (
    FoundPrincipal,
    NoQuery,
    PrincipalList,
    PrincipalReports,
    PrincipalScopes,
    ScopeList,
    ScopeReport,
    SearchQuery,
    WhyQuery,
)
from app.web.openapi import Operation
from app.web.room import room


def _list_scopes(query: NoQuery) -> ScopeList:
    with snapshot(room().database) as connection:
        report = load_scopes(connection)
    items = [{"scope": name, "principals": report.count_principals(name)} for name in report.scopes]
    return ScopeList.model_validate({"items": items})


def _read_scope(query: NoQuery, scope: str) -> ScopeReport:
    with snapshot(room().database) as connection:
        report = load_scopes(connection)
    if scope not in report.scopes:
        abort(404, f"Tecton has no secret scope {scope}, as it was last read")
    return ScopeReport.model_validate({"scope": scope, "principals": report.of_scope(scope)})


def _scopes_of(query: NoQuery, name: str) -> PrincipalScopes:
    with snapshot(room().database) as connection:
        held = load_scopes(connection).of_principal(name)
        if not held and not is_known(connection, name):
            abort(404, f"Tecton has no principal {name}, as it was last read")
    return PrincipalScopes.model_validate({"principal": name, "scopes": held})


def _find(query: SearchQuery) -> PrincipalList:
    with snapshot(room().database) as connection:
        found = search_principals(connection, room().policy(), query.q, limit=query.limit)
    return PrincipalList(
        items=[
            FoundPrincipal(kind=one.principal.kind.value, id=one.principal.id, name=one.name, where=one.where)
            for one in found
        ]
    )


def _why(query: WhyQuery, name: str) -> PrincipalReports:
    with snapshot(room().database) as connection:
        reports = explain_by_name(connection, room().policy(), name, room().clock(), query.resource)
        gone = [] if reports else leavers_called(connection, name)
    if not reports:
        abort(404, "; ".join([f"nobody is called {name}", *(leaver.sentence for leaver in gone[:1])]))
    return PrincipalReports.model_validate({"items": [report.as_json() for report in reports]})


OPERATIONS: dict[Operation, Callable[..., BaseModel]] = {
    Operation("/scopes", "scopes", "The secret scopes of Tecton", NoQuery, ScopeList): _list_scopes,
    Operation(
        "/scopes/<scope>", "scope", "Who holds which role on a secret scope, and through what", NoQuery, ScopeReport
    ): _read_scope,
    Operation(
        "/principals", "principals", "Find users, groups and service accounts by name", SearchQuery, PrincipalList
    ): _find,
    Operation(
        "/principals/<name>/access",
        "why",
        "What somebody may do, through what, who wants it so, and why not",
        WhyQuery,
        PrincipalReports,
    ): _why,
    Operation(
        "/principals/<name>/scopes",
        "scopes_of",
        "The secret scopes of a principal, each role with its source",
        NoQuery,
        PrincipalScopes,
    ): _scopes_of,
}
