"""What a step of the day must have made of Tecton, in the words of its file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel, ConfigDict

from app.demo.changes import relabelled
from app.demo.errors import DayError
from app.demo.facts import Aspect, Fact, Facts, Subject


class Part(BaseModel):
    """A part of a file of the day: what it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ExpectedUser(Part):
    """A user, whole: what is not said is not so. The address is the user name unless it says otherwise."""

    name: str
    address: str | None = None
    groups: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()

    def facts(self, name: str) -> Iterator[Fact]:
        """Yield what it says of the user of this name."""
        user = Subject("user", name)
        yield Fact(user, Aspect.NAMED, self.name)
        yield Fact(user, Aspect.ADDRESS, self.address or name)
        yield from (Fact(user, Aspect.MEMBER, group) for group in self.groups)


class ExpectedGroup(Part):
    """A group, whole, under its Tecton name."""

    description: str = ""
    members: tuple[str, ...] = ()  # user names
    service_accounts: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()

    def facts(self, name: str) -> Iterator[Fact]:
        """Yield what it says of the group of this name, and of its members."""
        if self.description:
            yield Fact(Subject("group", name), Aspect.DESCRIBED, self.description)
        yield from self.memberships(name)

    def memberships(self, name: str) -> Iterator[Fact]:
        """Yield who is in it."""
        for kind, names in (("user", self.members), ("service account", self.service_accounts)):
            yield from (Fact(Subject(kind, member), Aspect.MEMBER, name) for member in names)


class ExpectedAccount(Part):
    """A service account, whole."""

    description: str = ""
    active: bool = True
    credentials: Literal["api_key", "oauth"] = "api_key"
    groups: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()

    def facts(self, name: str) -> Iterator[Fact]:
        """Yield what it says of the service account of this name."""
        account = Subject("service account", name)
        yield Fact(account, Aspect.STATE, "active" if self.active else "deactivated")
        yield Fact(account, Aspect.STATE, f"with credentials of type {self.credentials}")
        if self.description:
            yield Fact(account, Aspect.DESCRIBED, self.description)
        yield from (Fact(account, Aspect.MEMBER, group) for group in self.groups)


Expected = ExpectedUser | ExpectedGroup | ExpectedAccount


class Expectation(Part):
    """What is so after a step, of those that it names; null says that somebody is not there.

    Of everybody else it says that nothing changed. `renamed` names groups that are to be the same
    objects as before under a new name.
    """

    users: dict[str, ExpectedUser | None] = {}
    groups: dict[str, ExpectedGroup | None] = {}
    service_accounts: dict[str, ExpectedAccount | None] = {}
    workspaces: dict[str, tuple[str, ...]] = {}  # the roles that a workspace itself holds
    renamed: dict[str, str] = {}

    def after(self, before: Facts) -> Facts:
        """Return what is so after the step, where `before` was so before it.

        Raise DayError when the file contradicts itself: somebody says to be in a group that does not say so.
        """
        renamed = {Subject("group", old): Subject("group", new) for old, new in self.renamed.items()}
        kept = {fact for fact in relabelled(before, renamed) if not self._speaks_of(fact)}
        expected = frozenset(kept | set(self._stated()))
        self._check(expected)
        return expected

    def _named(self) -> Iterator[tuple[Subject, Expected | None]]:
        for name, user in self.users.items():
            yield Subject("user", name), user
        for name, group in self.groups.items():
            yield Subject("group", name), group
        for name, account in self.service_accounts.items():
            yield Subject("service account", name), account

    def _speaks_of(self, fact: Fact) -> bool:
        if fact.aspect is Aspect.MEMBER and fact.value in self.groups:
            return True
        if fact.subject.kind == "workspace":
            return fact.aspect is Aspect.ROLE and fact.subject.name in self.workspaces
        return fact.subject in {subject for subject, _ in self._named()}

    def _stated(self) -> Iterator[Fact]:
        for subject, said in self._named():
            if said is not None:
                yield Fact(subject, Aspect.EXISTS)
                yield from said.facts(subject.name)
                yield from (Fact(subject, Aspect.ROLE, role) for role in said.roles)
        for name, roles in self.workspaces.items():
            yield from (Fact(Subject("workspace", name), Aspect.ROLE, role) for role in roles)

    def _check(self, expected: Facts) -> None:
        """Memberships are said from both ends; the two must agree, and both ends must be there."""
        memberships = {fact for fact in expected if fact.aspect is Aspect.MEMBER}
        for fact in memberships:
            for end in (fact.subject, Subject("group", fact.value)):
                if Fact(end, Aspect.EXISTS) not in expected:
                    raise DayError(f"“{fact}” is expected, but there is no {end} then")
        for subject, said in self._named():
            if isinstance(said, ExpectedGroup):
                found = {fact for fact in memberships if fact.value == subject.name}
                stated = set(said.memberships(subject.name))
            else:
                found = {fact for fact in memberships if fact.subject == subject}
                stated = {Fact(subject, Aspect.MEMBER, group) for group in (said.groups if said else ())}
            for fact in found ^ stated:
                raise DayError(f"“{fact}” is said of one of the two, and not of the other")
