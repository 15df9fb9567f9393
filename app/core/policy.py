"""The policy: which pushed resources exist in Tecton, what they may do there, what the bridge may remove.

Reading the text of a policy file into checked values; nothing here opens a file. Selectors are SCIM
filters, so that the whole product has one expression language.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from app.core.identity import ROLES, Grant, Kind, Level, Target
from app.core.policy_accounts import Credentials, DeclaredServiceAccount
from app.core.policy_guards import Guards
from app.core.policy_part import DurationOrNever, Name, Part, require_unique
from app.core.policy_probes import Probe
from app.core.selectors import Selector, SelectorError


def _selector(resource: str) -> BeforeValidator:
    def read(value: object) -> object:
        if not isinstance(value, str):
            raise ValueError("is not a SCIM filter in quotes")
        try:
            return Selector.parse(value, resource)
        except SelectorError as error:
            raise ValueError(f"is not a SCIM filter: {error}") from error

    return BeforeValidator(read)


UserSelector = Annotated[Selector, _selector("User")]
GroupSelector = Annotated[Selector, _selector("Group")]
Treatment = Literal["ignore", "report", "remove"]


class Provision(Part):
    """Which pushed resources exist in Tecton."""

    users: UserSelector = Selector.parse("active eq true", "User")
    groups: GroupSelector | None = None  # None: every pushed group
    service_accounts: UserSelector | None = None  # pushed users that become service accounts instead


class GroupNames(Part):
    """How an IdP group's name becomes a Tecton group's."""

    strip_prefix: str = ""


class Names(Part):
    """How pushed names become Tecton's."""

    user: Literal["userName", "email"] = "userName"
    group: GroupNames = GroupNames()

    def group_name(self, pushed: str) -> str:
        """Return the Tecton name of a group pushed as `pushed` (the same when nothing would be left)."""
        return pushed.removeprefix(self.group.strip_prefix) or pushed


class Recipient(Part):
    """To whom a rule grants: exactly one of the keys."""

    group: Name | None = None
    user: Name | None = None
    service_account: Name | None = None
    workspace: Name | None = None
    where: UserSelector | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (
            sum(
                value is not None for value in (self.group, self.user, self.service_account, self.workspace, self.where)
            )
            != 1
        ):
            raise ValueError("needs exactly one of group, user, service_account, workspace, where")
        return self

    def __str__(self) -> str:
        for word in ("group", "user", "service_account", "workspace"):
            if name := getattr(self, word):
                return f"{word.replace('_', ' ')} {name}"
        return f"users where {self.where.text if self.where else ''}"


class RoleSpec(Part):
    """One role on one target, as the policy writes it: `{workspace: prod, role: viewer}`, `{account: admin}`."""

    account: Literal["admin"] | None = None
    all_workspaces: Name | None = None
    workspace: Name | None = None
    secret_scope: Name | None = None
    role: Name | None = None

    @model_validator(mode="after")
    def _is_a_grant(self) -> Self:
        self.grant  # noqa: B018 - raises when it is none
        return self

    @property
    def grant(self) -> Grant:
        """The grant; ValueError when the keys do not make one."""
        named = [level for level in Level if getattr(self, level.value) is not None]
        if len(named) != 1:
            raise ValueError("needs exactly one of account, all_workspaces, workspace, secret_scope")
        level = named[0]
        value = getattr(self, level.value)
        if level in {Level.ACCOUNT, Level.ALL_WORKSPACES}:
            if self.role is not None:
                raise ValueError(f"takes no role beside {level.value}: write {{{level.value}: {self.role}}}")
            return _checked(Grant(Target(level), value))
        if self.role is None:
            raise ValueError(f"needs a role: {', '.join(ROLES[level])}")
        return _checked(Grant(Target(level, value), self.role))


def _checked(grant: Grant) -> Grant:
    known = ROLES[grant.target.level]
    if grant.role not in known:
        raise ValueError(f"{grant.role!r} is not a role on {grant.target}: {', '.join(known)}")
    return grant


class Rule(Part):
    """Some roles to somebody."""

    name: Name
    to: Recipient
    roles: tuple[RoleSpec, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _assignable(self) -> Self:
        # Workspaces are principals of secret scopes only; Tecton documents the reader role for them.
        if self.to.workspace and any(grant.target.level is not Level.SECRET_SCOPE for grant in self.grants):
            raise ValueError("a workspace can be granted roles on secret scopes only")
        return self

    @property
    def grants(self) -> frozenset[Grant]:
        """What the rule grants."""
        return frozenset(spec.grant for spec in self.roles)


class Unmanaged(Part):
    """What happens to access in Tecton that nobody desires."""

    users: Treatment = "report"
    groups: Treatment = "report"
    service_accounts: Treatment = "report"
    members: Treatment = "remove"
    roles: Treatment = "remove"


class Protected(Part):
    """Principals that the bridge never writes, by their Tecton names."""

    users: tuple[Name, ...] = ()
    groups: tuple[Name, ...] = ()
    service_accounts: tuple[Name, ...] = ()

    def names(self, kind: Kind) -> frozenset[str]:
        """Return the protected names of a kind, case-folded."""
        by_kind = {Kind.USER: self.users, Kind.GROUP: self.groups, Kind.SERVICE_ACCOUNT: self.service_accounts}
        return frozenset(name.casefold() for name in by_kind.get(kind, ()))


class Returns(Part):
    """What becomes of people whom the provider deleted, and who come back.

    They get back what they had, but only until the provider, which made them anew, says itself what is
    theirs: what it does not confirm lapses. Who was deactivated is never forgotten.
    """

    remember: DurationOrNever = timedelta(days=90)
    confirm: DurationOrNever = timedelta(days=1)  # never: what was given back stays


class Policy(Part):
    """All of it."""

    version: Literal[1]
    provision: Provision = Provision()
    names: Names = Names()
    grants: tuple[Rule, ...] = ()
    service_accounts: tuple[DeclaredServiceAccount, ...] = ()
    unmanaged: Unmanaged = Unmanaged()
    protected: Protected = Protected()
    guards: Guards = Guards()
    returns: Returns = Returns()
    credentials: Credentials = Credentials()
    probes: tuple[Probe, ...] = ()

    @model_validator(mode="after")
    def _unambiguous(self) -> Self:
        require_unique((rule.name for rule in self.grants), "grants", "grant")
        accounts = (account.name.casefold() for account in self.service_accounts)
        require_unique(accounts, "service_accounts", "service account")
        require_unique((probe.name for probe in self.probes), "probes", "probe")
        return self

    @model_validator(mode="after")
    def _possible(self) -> Self:
        least = self.credentials.whole_rotation
        for account in self.service_accounts:
            if account.rotate_every is not None and account.rotate_every <= least:
                # Tecton keeps two secrets at the most: the old one must be gone before the next comes.
                raise ValueError(f"rotate_every of {account.name} must be longer than a whole rotation ({least})")
        for probe in self.probes:
            declared = self.declared(probe.service_account)
            if probe.ability.ingest and declared and declared.credentials == "oauth":
                raise ValueError(f"probe {probe.name}: stream ingest takes API keys only, no OAuth account")
        return self

    def declared(self, name: str) -> DeclaredServiceAccount | None:
        """Return the service account that the policy declares by a name of any case, None when it does not."""
        wanted = name.casefold()
        return next((account for account in self.service_accounts if account.name.casefold() == wanted), None)
