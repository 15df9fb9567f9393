"""What the Tecton at hand was found to do, and how it is therefore read. Values; nothing is assumed here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from app.core.identity import Kind


class Ability(StrEnum):
    """One thing that a Tecton can do or not."""

    WHOLE_USERS = "whole_users"
    WHOLE_GROUPS = "whole_groups"
    WHOLE_ACCOUNTS = "whole_accounts"
    PAGES = "pages"
    LAST_MODIFIED = "last_modified"
    SCOPE_PRINCIPALS = "scope_principals"
    PUT_ECHO = "put_echo"

    @property
    def words(self) -> str:
        """What it is called where people read it."""
        return _TITLES[self]


_TITLES = {
    Ability.WHOLE_USERS: "Roles in the list of users",
    Ability.WHOLE_GROUPS: "Roles and members in the list of groups",
    Ability.WHOLE_ACCOUNTS: "Roles in the list of service accounts",
    Ability.PAGES: "Size of pages",
    Ability.LAST_MODIFIED: "Last modified in lists",
    Ability.SCOPE_PRINCIPALS: "Who holds roles on a secret scope",
    Ability.PUT_ECHO: "Answer to a change",
}
WHOLE = {
    Kind.USER: Ability.WHOLE_USERS,
    Kind.GROUP: Ability.WHOLE_GROUPS,
    Kind.SERVICE_ACCOUNT: Ability.WHOLE_ACCOUNTS,
}


class Answer(StrEnum):
    """Whether it can. What is not known is not relied on."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one ability, with a sentence that says from what."""

    ability: Ability
    answer: Answer
    sentence: str


@dataclass(frozen=True, slots=True)
class Abilities:
    """What was found out of one Tecton, and when."""

    tecton: str
    learned_at: datetime
    findings: tuple[Finding, ...]

    @property
    def whole_lists(self) -> frozenset[Kind]:
        """Return the kinds whose objects need no read of their own: their lists were proven to hold all of them."""
        proven = {of.ability for of in self.findings if of.answer is Answer.YES}
        return frozenset(kind for kind, ability in WHOLE.items() if ability in proven)

    def finding(self, ability: Ability) -> Finding | None:
        """Return what was found of an ability, None when nothing was."""
        return next((of for of in self.findings if of.ability is ability), None)

    def keeping(self, known: Abilities | None) -> Abilities:
        """Return the same, with what only a change tells from what was known before, where it is not known by now."""
        echo = known.finding(Ability.PUT_ECHO) if known else None
        return self.with_finding(echo) if echo and not self.finding(Ability.PUT_ECHO) else self

    def with_finding(self, finding: Finding) -> Abilities:
        """Return the same with one finding in place of what was found of that ability."""
        others = {of.ability: of for of in self.findings} | {finding.ability: finding}
        return replace(self, findings=tuple(others[ability] for ability in Ability if ability in others))

    def plan(self) -> str:
        """Return the sentence that says how this Tecton is read."""
        words = [f"{kind.words}s" for kind in WHOLE if kind in self.whole_lists]
        each = [f"{kind.words}s" for kind in WHOLE if kind not in self.whole_lists]
        parts = []
        if words:
            parts.append(f"{_joined(words)} are read from their lists, some of them one by one as well, as a proof")
        if each:
            parts.append(f"each of the {_joined(each)} is read by itself, besides the lists")
        return f"In a sweep, {'; '.join(parts)}."


def _joined(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
