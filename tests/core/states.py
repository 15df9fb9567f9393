"""Strategies: access states, policies' parts, changes."""

from __future__ import annotations

from hypothesis import strategies as st

from app.core.access import AccessState, GroupProfile, Profile, ServiceAccountProfile, UserProfile, access_state
from app.core.identity import ADMIN, Grant, Kind, Level, Principal, Target

NAMES = ["ana", "bo", "cy", "di"]
users = st.sampled_from([Principal(Kind.USER, name) for name in NAMES])
groups = st.sampled_from([Principal(Kind.GROUP, name) for name in NAMES])
accounts = st.sampled_from([Principal(Kind.SERVICE_ACCOUNT, name) for name in NAMES])
workspaces = st.sampled_from([Principal(Kind.WORKSPACE, name) for name in ("prod", "dev")])
foreign = st.sampled_from([Principal(kind, f"tecton/{n}") for kind in (Kind.USER, Kind.GROUP) for n in "12"])
EVERYBODY = [
    *(Principal(kind, name) for kind in (Kind.USER, Kind.GROUP, Kind.SERVICE_ACCOUNT) for name in NAMES),
    *(Principal(kind, f"tecton/{n}") for kind in (Kind.USER, Kind.GROUP) for n in "12"),
    Principal(Kind.WORKSPACE, "prod"),
]
people = st.one_of(users, accounts, foreign.filter(lambda p: p.kind is Kind.USER))

targets = st.sampled_from(
    [
        Target(Level.ALL_WORKSPACES),
        Target(Level.WORKSPACE, "prod"),
        Target(Level.WORKSPACE, "a_b"),
    ]
)
scopes = st.sampled_from([Target(Level.SECRET_SCOPE, "fraud"), Target(Level.SECRET_SCOPE, "secret_scope_x")])
scope_grants = st.builds(Grant, scopes, st.sampled_from(["manager", "writer", "reader"]))
workspace_grants = st.builds(Grant, targets, st.sampled_from(["owner", "editor", "operator", "consumer", "viewer"]))
grants = st.one_of(st.just(ADMIN), workspace_grants, scope_grants)


def profile_of(principal: Principal) -> st.SearchStrategy[Profile]:
    """Return profiles that fit a principal; names come from few, so that two states often agree."""
    if principal.kind is Kind.USER:
        return st.builds(UserProfile, st.just(f"{principal.id}@acme.com"), st.sampled_from(["", "A"]), st.just("B"))
    if principal.kind is Kind.GROUP:
        return st.builds(
            GroupProfile, st.sampled_from([f"g {principal.id}", "renamed"]), st.sampled_from(["", "d"]), st.just(())
        )
    return st.builds(ServiceAccountProfile, st.just(principal.id), st.just(""), st.booleans())


@st.composite
def states(draw: st.DrawFn) -> AccessState:
    """Return an access state that Tecton could hold: members and grants are of principals that exist."""
    present = draw(st.sets(st.one_of(users, groups, accounts, foreign), max_size=8))
    profiles = {principal: draw(profile_of(principal)) for principal in sorted(present)}
    members_of = st.sets(st.sampled_from(sorted(present) or [Principal(Kind.USER, "nobody")]), max_size=4)
    members = {
        p: {m for m in draw(members_of) if m in present and m.kind is not Kind.GROUP}
        for p in sorted(present)
        if p.kind is Kind.GROUP
    }
    held = {p: draw(st.sets(grants, max_size=3)) for p in sorted(present)}
    held[Principal(Kind.WORKSPACE, "prod")] = draw(st.sets(scope_grants, max_size=2))
    return access_state(profiles, members, held)
