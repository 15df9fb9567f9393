"""What the Tecton at hand was found to do, kept as a fact of the installation."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection

from app.core.abilities import WHOLE, Abilities, Ability, Answer, Finding
from app.core.identity import Kind
from app.store.facts import ABILITIES, note_fact, read_fact


def note_abilities(connection: Connection, found: Abilities) -> None:
    """Keep what was found, in place of what was found before."""
    findings = [{"ability": of.ability, "answer": of.answer, "sentence": of.sentence} for of in found.findings]
    value = {"tecton": found.tecton, "learned_at": found.learned_at.isoformat(), "findings": findings}
    note_fact(connection, ABILITIES, value, found.learned_at)


def read_abilities(connection: Connection, tecton: str | None = None) -> Abilities | None:
    """Return what was found, None when nothing was, or (with an address) when it was of another Tecton."""
    value = read_fact(connection, ABILITIES)
    if value is None or tecton not in (None, value["tecton"]):
        return None
    findings = (Finding(Ability(of["ability"]), Answer(of["answer"]), of["sentence"]) for of in value["findings"])
    return Abilities(value["tecton"], datetime.fromisoformat(value["learned_at"]), tuple(findings))


def distrust_lists(connection: Connection, kinds: Collection[Kind]) -> None:
    """Keep that the lists of these kinds turned out not to be whole."""
    found = read_abilities(connection)
    if found is None:
        return
    for kind in sorted(kinds):
        sentence = f"no: a sweep read a {kind.words} that the list had shown otherwise"
        found = found.with_finding(Finding(WHOLE[kind], Answer.NO, sentence))
    note_abilities(connection, found)
