"""Core values as the JSON that rows hold, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from app.core.access import AccessState, Profile
from app.core.changes import grant_from_json, grant_to_json, profile_from_json, profile_to_json
from app.core.drift import DriftItem
from app.core.identity import Grant, Kind, Principal
from app.core.records import GroupRecord, MemberId, Record, ScopeGrant, ServiceAccountRecord, UserRecord
from app.store.sharing import Shared

Json = dict[str, Any]

_KINDS = {kind.value: kind for kind in Kind}  # many times faster than Kind(…), which is called for every member


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


def record_from_json(kind: Kind, values: Json, shared: Shared) -> Record:
    """Return the Tecton object that `record_to_json` wrote."""
    values = {**values, "roles": _grants_from_json(values["roles"], shared)}
    if kind is Kind.GROUP:
        values["members"] = frozenset(shared(MemberId(_KINDS[of], id_)) for of, id_ in values["members"])
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


def states_from_json(rows: Iterable[tuple[Principal, Json]], shared: Shared) -> AccessState:
    """Return the state that these parts, each of one principal, make together."""
    profiles: dict[Principal, Profile] = {}
    members: dict[Principal, frozenset[Principal]] = {}
    grants: dict[Principal, frozenset[Grant]] = {}
    for principal, of in rows:
        if (profile := profile_from_json(principal.kind, of["profile"])) is not None:
            profiles[principal] = profile
        if of["members"]:
            members[principal] = frozenset(shared(Principal(_KINDS[kind], id_)) for kind, id_ in of["members"])
        if of["grants"]:
            grants[principal] = _grants_from_json(of["grants"], shared)
    return AccessState(profiles, members, grants)


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


def _grants_from_json(values: Iterable[list[str]], shared: Shared) -> frozenset[Grant]:
    return shared(frozenset(shared(grant_from_json(grant)) for grant in values))
