"""What changed in Tecton from one moment to the next, in sentences; and where two sets of facts differ."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from app.demo.facts import Aspect, Fact, Facts, Snapshot, Subject

_ORDER = list(Aspect)


def changes(before: Snapshot, after: Snapshot) -> list[str]:
    """Return one sentence per subject that changed; one that kept its id under a new name was renamed."""
    renamed = renames(before, after)
    was, now = relabelled(before.facts, renamed), after.facts
    sentences = [f"{old} is now called {new.name}" for old, new in sorted(renamed.items())]
    for subject in sorted({fact.subject for fact in was ^ now}):
        sentences.append(_sentence(subject, _about(subject, was), _about(subject, now)))
    return sentences


def renames(before: Snapshot, after: Snapshot) -> dict[Subject, Subject]:
    """Return the subjects that go by the same id and another name."""
    names = {(subject.kind, id_): subject for subject, id_ in after.ids.items()}
    found = {old: names.get((old.kind, id_), old) for old, id_ in before.ids.items()}
    return {old: new for old, new in found.items() if old != new}


def relabelled(facts: Facts, renamed: Mapping[Subject, Subject]) -> Facts:
    """Return the facts with subjects, and the groups that members are in, under their new names."""
    groups = {old.name: new.name for old, new in renamed.items() if old.kind == "group"}

    def relabel(fact: Fact) -> Fact:
        value = groups.get(fact.value, fact.value) if fact.aspect is Aspect.MEMBER else fact.value
        return Fact(renamed.get(fact.subject, fact.subject), fact.aspect, value)

    return frozenset(relabel(fact) for fact in facts)


def differences(expected: Facts, found: Facts) -> list[str]:
    """Return what is missing and what is too much, one sentence each; nothing when the two are equal."""
    missing = [f"missing:   {fact}" for fact in _sorted(expected - found)]
    return missing + [f"too much:  {fact}" for fact in _sorted(found - expected)]


def _about(subject: Subject, facts: Facts) -> Facts:
    return frozenset(fact for fact in facts if fact.subject == subject)


def _sentence(subject: Subject, was: Facts, now: Facts) -> str:
    exists = Fact(subject, Aspect.EXISTS)
    if exists in now and exists not in was:
        return f"{subject} is new{_said(': ', now)}"
    if exists in was and exists not in now:
        return f"{subject} is gone{_said('; it was ', was)}"
    parts = (_said("now ", now - was), _said("no longer ", was - now))
    return f"{subject} is {'; '.join(part for part in parts if part)}"


def _said(lead: str, facts: Iterable[Fact]) -> str:
    """Return the facts after a lead-in, nothing without facts. An address that is the name says nothing new."""
    values: defaultdict[Aspect, list[str]] = defaultdict(list)
    for fact in _sorted(facts):
        if fact.aspect is not Aspect.EXISTS and (fact.aspect, fact.value) != (Aspect.ADDRESS, fact.subject.name):
            values[fact.aspect].append(fact.value)
    words = [aspect.format(" and ".join(said)) for aspect, said in values.items()]
    return lead + ", ".join(words) if words else ""


def _sorted(facts: Iterable[Fact]) -> list[Fact]:
    return sorted(facts, key=lambda fact: (fact.subject, _ORDER.index(fact.aspect), fact.value))
