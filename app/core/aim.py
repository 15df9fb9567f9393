"""`aim_at`: what the bridge will make of Tecton, once policy and promises have had their say.

The desired state says what people should have. The aim says what Tecton should hold: it keeps what the
bridge must not touch, so that the difference between aim and observed is exactly what may be changed.
Everything kept is said, with the reason: it is shown as drift, never silently passed over.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from app.core.access import AccessState, GroupProfile, Profile, ServiceAccountProfile, UserProfile, access_state
from app.core.identity import ADMIN, Grant, Kind, Level, Principal
from app.core.one_role import one_per_target
from app.core.policy import Policy, Treatment


class Why(StrEnum):
    """Why something observed stays although nobody desires it, or something desired is not made."""

    UNMANAGED = "unmanaged"
    INHERITED = "inherited"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Kept:
    """One difference that stays. `member` or `grant` is set when it is about one."""

    principal: Principal
    why: Why
    sentence: str
    member: Principal | None = None
    grant: Grant | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the aim depends on besides desired and observed."""

    policy: Policy
    last_applied: AccessState
    own_accounts: frozenset[Principal] = frozenset()  # the service account whose key the bridge uses
    own_is_known: bool = True  # False: any of those may be it
    automatic: frozenset[tuple[Principal, Grant]] = frozenset()  # came with a workspace or scope that was created
    scopes: frozenset[str] | None = None  # the secret scopes that Tecton has; None while not known
    expired: frozenset[Principal] = frozenset()  # service accounts deactivated for longer than their grace


@dataclass(frozen=True, slots=True)
class Aim:
    """The state to make, and what was kept."""

    state: AccessState
    kept: tuple[Kept, ...] = field(default=())


def aim_at(
    desired: AccessState,
    observed: AccessState,
    around: Surroundings,
    about: Collection[Principal] | None = None,
) -> Aim:
    """Return the state to make of `observed`, and what of it stays for a reason.

    `about` are those to aim for, None for everybody. Both states must also tell of the members of the
    groups among them: who is protected, and who leaves, is known by their profiles.
    """
    return _Aiming(desired, observed, around).aim(about)


class _Aiming:
    def __init__(self, desired: AccessState, observed: AccessState, around: Surroundings) -> None:
        self.desired, self.observed, self.around = desired, observed, around
        self.policy, self.last = around.policy, around.last_applied
        self.kept: list[Kept] = []
        self.profiles: dict[Principal, Profile] = {}
        self.members: dict[Principal, frozenset[Principal]] = {}
        self.grants: dict[Principal, frozenset[Grant]] = {}
        self.untouchable = frozenset(self._untouchable())

    def aim(self, about: Collection[Principal] | None) -> Aim:
        everybody = self.desired.principals() | self.observed.principals()
        for principal in sorted(everybody if about is None else everybody.intersection(about)):
            self._decide(principal)
        return Aim(access_state(self.profiles, self.members, self.grants), tuple(self.kept))

    def _untouchable(self) -> Iterator[Principal]:
        """Yield the bridge's own account and the protected principals, by either of their names."""
        yield from self.around.own_accounts
        for kind in (Kind.USER, Kind.GROUP, Kind.SERVICE_ACCOUNT):
            if names := self.policy.protected.names(kind):
                for state in (self.desired, self.observed):
                    yield from (p for p, of in state.profiles.items() if p.kind is kind and of.name.casefold() in names)

    def _decide(self, principal: Principal) -> None:
        if principal.kind is Kind.WORKSPACE:
            self._aim_grants(principal)
        elif principal in self.untouchable:
            self._leave_untouchable(principal)
        elif principal in self.desired.profiles:
            self.profiles[principal] = self._profile(principal)
            self._aim_members(principal)
            self._aim_grants(principal)
        elif principal.is_foreign:
            self._treat_foreign(principal)
        else:
            self._remove(principal)

    # ---------------------------------------------------------------- whole principals

    def _leave(self, principal: Principal) -> None:
        if (profile := self.observed.profiles.get(principal)) is not None:
            self.profiles[principal] = profile
        self.members[principal] = self.observed.members_of(principal)
        self.grants[principal] = self.observed.grants_of(principal)

    def _leave_untouchable(self, principal: Principal) -> None:
        self._leave(principal)
        same = self.desired.restricted_to([principal]) == self.observed.restricted_to([principal])
        if not same and principal in self.desired.principals():
            reason = f"{self._name(principal)} {self._why_untouchable(principal)} and is left as it is"
            self._keep(principal, Why.BLOCKED, reason)

    def _why_untouchable(self, principal: Principal) -> str:
        if principal not in self.around.own_accounts:
            return "is protected by the policy"
        if self.around.own_is_known:
            return "is the bridge's own account"
        return "may be the bridge's own account (this Tecton does not tell which is)"

    def _treat_foreign(self, principal: Principal) -> None:
        treatment = self._treatment_of(principal.kind)
        if treatment == "remove":
            self._remove(principal)
            return
        self._leave(principal)
        if treatment == "report" and principal in self.observed.profiles:
            self._keep(
                principal, Why.UNMANAGED, f"{self._name(principal)} is in Tecton, and no push or policy knows it"
            )

    def _treatment_of(self, kind: Kind) -> Treatment:
        unmanaged = self.policy.unmanaged
        return {Kind.USER: unmanaged.users, Kind.GROUP: unmanaged.groups}.get(kind, unmanaged.service_accounts)

    def _remove(self, principal: Principal) -> None:
        """A service account is deactivated, which keeps its roles and can be undone, and deleted after its grace.

        Others are deleted at once.
        """
        if guarded := sorted(self.observed.members_of(principal) & self.untouchable):
            self._leave(principal)
            names = ", ".join(self._name(member) for member in guarded)
            self._keep(principal, Why.BLOCKED, f"{self._name(principal)} is not deleted: {names} must not lose it")
        elif principal.kind is Kind.SERVICE_ACCOUNT and principal not in self.around.expired:
            self._leave(principal)
            profile = self.observed.profiles.get(principal)
            if isinstance(profile, ServiceAccountProfile):
                self.profiles[principal] = replace(profile, active=False)

    # ---------------------------------------------------------------- parts of a desired principal

    def _profile(self, principal: Principal) -> Profile:
        """Return the desired profile, with what nobody desires taken from the observed one."""
        wanted, seen = self.desired.profiles[principal], self.observed.profiles.get(principal)
        last = self.last.profiles.get(principal)
        if isinstance(wanted, UserProfile) and isinstance(seen, UserProfile):
            return _without_name_drift(wanted, seen, last)
        if isinstance(wanted, GroupProfile) and isinstance(seen, GroupProfile):
            description = seen.description if wanted.description is None else wanted.description
            mapping = seen.idp_mapping_names if wanted.idp_mapping_names is None else wanted.idp_mapping_names
            return GroupProfile(wanted.name, description, mapping)
        if isinstance(wanted, ServiceAccountProfile) and isinstance(seen, ServiceAccountProfile):
            description = seen.description if wanted.description is None else wanted.description
            return replace(wanted, description=description)
        if isinstance(wanted, GroupProfile):
            return GroupProfile(wanted.name, wanted.description or "", wanted.idp_mapping_names or ())
        if isinstance(wanted, ServiceAccountProfile):
            return replace(wanted, description=wanted.description or "")
        return wanted

    def _aim_members(self, group: Principal) -> None:
        if group.kind is not Kind.GROUP:
            return
        wanted, seen = self.desired.members_of(group), self.observed.members_of(group)
        if wanted == seen:
            self.members[group] = seen  # one set for both: most groups are as they should be
            return
        stays = {member for member in seen - wanted if self._member_stays(group, member)}
        # A protected member is neither added nor removed: membership is access.
        left_out = (wanted - seen) & self.untouchable
        for member in sorted(left_out):
            sentence = f"{self._name(member)} is not put into {self._name(group)}: it is protected"
            self._keep(group, Why.BLOCKED, sentence, member=member)
        self.members[group] = (wanted - left_out) | stays

    def _member_stays(self, group: Principal, member: Principal) -> bool:
        who, where = self._name(member), self._name(group)
        if member in self.untouchable:
            self._keep(group, Why.BLOCKED, f"{who} stays in {where}: it is protected", member=member)
            return True
        if member in self.last.members_of(group) or self._is_leaving(member):
            return False
        profile = self.observed.profiles.get(group)
        if isinstance(profile, GroupProfile) and profile.idp_mapping_names:
            mapped = ", ".join(profile.idp_mapping_names)
            self._keep(group, Why.INHERITED, f"{who} is in {where} by single sign-on mapping ({mapped})", member=member)
            return True
        return self._unmanaged_stays(self.policy.unmanaged.members, group, f"{who} is in {where}", member=member)

    def _is_leaving(self, member: Principal) -> bool:
        return not member.is_foreign and member.kind is Kind.USER and member not in self.desired.profiles

    def _aim_grants(self, principal: Principal) -> None:
        wanted, seen = self.desired.grants_of(principal), self.observed.grants_of(principal)
        if not wanted and not seen:
            return
        possible = frozenset(grant for grant in wanted if self._is_possible(principal, grant))
        stays = frozenset(grant for grant in seen - wanted if self._grant_stays(principal, grant))
        self.grants[principal], rivals = one_per_target(possible, stays, seen)
        for grant, rival in rivals.items():
            what = f"{self._name(principal)} cannot hold {grant.role} beside {rival}"
            advice = "Tecton's SCIM keeps one role per target; grant one that contains both"
            self._keep(principal, Why.BLOCKED, f"{what}: {advice}", grant=grant)

    def _is_possible(self, principal: Principal, grant: Grant) -> bool:
        scopes = self.around.scopes
        if grant.target.level is not Level.SECRET_SCOPE or scopes is None or grant.target.name in scopes:
            return True
        self._keep(
            principal,
            Why.BLOCKED,
            f"{grant} cannot be granted: Tecton shows the bridge no such secret scope",
            grant=grant,
        )
        return False

    def _grant_stays(self, principal: Principal, grant: Grant) -> bool:
        if grant == ADMIN and self._is_own_admin(principal):
            may_be = "is" if self.around.own_is_known else "may be"
            sentence = f"{self._name(principal)} keeps {grant}: the bridge itself {may_be} admin through it"
            self._keep(principal, Why.BLOCKED, sentence, grant=grant)
            return True
        if grant in self.last.grants_of(principal):
            return False
        holds = f"{self._name(principal)} holds {grant}"
        if principal.kind is Kind.WORKSPACE:
            # A workspace reads its secrets through it: taken away, materialization stops.
            return self._unmanaged_stays("report", principal, holds, grant=grant)
        if (principal, grant) in self.around.automatic:
            return self._unmanaged_stays("report", principal, f"{holds}, as its creator", grant=grant)
        return self._unmanaged_stays(self.policy.unmanaged.roles, principal, holds, grant=grant)

    def _is_own_admin(self, group: Principal) -> bool:
        own = self.around.own_accounts & self.observed.members_of(group)
        return any(ADMIN not in self.observed.grants_of(account) for account in own)

    def _unmanaged_stays(
        self,
        treatment: Treatment,
        principal: Principal,
        what: str,
        *,
        member: Principal | None = None,
        grant: Grant | None = None,
    ) -> bool:
        if treatment == "report":
            self._keep(
                principal, Why.UNMANAGED, f"{what}, and no push or policy asks for it", member=member, grant=grant
            )
        return treatment != "remove"

    def _keep(
        self,
        principal: Principal,
        why: Why,
        sentence: str,
        *,
        member: Principal | None = None,
        grant: Grant | None = None,
    ) -> None:
        self.kept.append(Kept(principal, why, sentence, member, grant))

    def _name(self, principal: Principal) -> str:
        name = self.observed.name_of(principal) or self.desired.name_of(principal) or principal.id
        return f"{principal.kind.words} {name}"


def _without_name_drift(wanted: UserProfile, seen: UserProfile, last: Profile | None) -> UserProfile:
    """Return the desired profile, with the names that single sign-on wrote.

    Every sign-in overwrites first and last name in Tecton; fighting it would write at each sweep. So
    a name is sent only when the IdP pushed another one since.
    """
    if isinstance(last, UserProfile) and (last.given_name, last.family_name) != (wanted.given_name, wanted.family_name):
        return wanted
    if last is None and (not seen.given_name and not seen.family_name):
        return wanted
    if wanted == seen:
        return seen
    return replace(wanted, given_name=seen.given_name, family_name=seen.family_name)
