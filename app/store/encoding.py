"""Core values as the JSON that rows hold, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from app.core.access import AccessState, access_state
from app.core.changes import grant_from_json, grant_to_json, principal_from_json, profile_from_json, profile_to_json
from app.core.drift import DriftItem
from app.core.identity import Grant, Kind, Principal
from app.core.records import GroupRecord, MemberId, Record, ScopeGrant, ServiceAccountRecord, UserRecord

Json = dict[str, Any]


def record_to_json(record: Record) -> Json:
    """Return a Tecton object as JSON values."""
    values = {name: getattr(record, name) for name in type(record).__slots__}
    values["roles"] = _grants_to_json(record.roles)
    if isinstance(record, GroupRecord):
        values["members"] = [list(member) for member in sorted(record.members)]
    return values


_RECORDS: dict[Kind, type[UserRecord] | type[GroupRecord] | type[ServiceAccountRecord]] = {
    Kind.USER: UserRecord,
    Kind.GROUP: GroupRecord,
    Kind.SERVICE_ACCOUNT: ServiceAccountRecord,
}


def record_from_json(kind: Kind, values: Json) -> Record:
    """Return the Tecton object that `record_to_json` wrote."""
    values = {**values, "roles": _grants_from_json(values["roles"])}
    if kind is Kind.GROUP:
        values["members"] = frozenset(MemberId(Kind(of), id_) for of, id_ in values["members"])
        values["idp_mapping_names"] = tuple(values["idp_mapping_names"])
    return _RECORDS[kind](**values)


def scope_to_json(grants: Iterable[ScopeGrant]) -> Json:
    """Return the grants on one scope as JSON values."""
    return {"grants": [list(grant) for grant in sorted(grants)]}


def scope_from_json(values: Json) -> frozenset[ScopeGrant]:
    """Return the grants that `scope_to_json` wrote."""
    return frozenset(ScopeGrant(Kind(kind), id_, scope, role) for kind, id_, scope, role in values["grants"])


def state_to_json(principal: Principal, state: AccessState) -> Json:
    """Return what is said of one principal as JSON values."""
    return {
        "profile": profile_to_json(state.profiles.get(principal)),
        "members": [list(member) for member in sorted(state.members_of(principal))],
        "grants": _grants_to_json(state.grants_of(principal)),
    }


def states_from_json(rows: Iterable[tuple[Principal, Json]]) -> AccessState:
    """Return the state that these parts, each of one principal, make together."""
    parts = list(rows)
    return access_state(
        {p: profile for p, of in parts if (profile := profile_from_json(p.kind, of["profile"])) is not None},
        {p: [principal_from_json(member) for member in of["members"]] for p, of in parts},
        {p: _grants_from_json(of["grants"]) for p, of in parts},
    )


def drift_to_json(item: DriftItem) -> Json:
    """Return one difference as JSON values."""
    return {
        "class": item.drift_class.value,
        "principal": list(item.principal),
        "name": item.name,
        "sentence": item.sentence,
        "wanted_by": list(item.wanted_by),
        "error": item.error,
    }


def _grants_to_json(grants: Iterable[Grant]) -> list[list[str]]:
    return [grant_to_json(grant) for grant in sorted(grants)]


def _grants_from_json(values: Iterable[list[str]]) -> frozenset[Grant]:
    return frozenset(grant_from_json(grant) for grant in values)
