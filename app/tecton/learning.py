"""What this Tecton can do that is not documented: learned by reading alone, and only from what can be compared.

A list is taken for whole when it shows the objects that hold most exactly as their own pages do; when nobody
holds anything, there is nothing to compare, and nothing is learned.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core.abilities import WHOLE, Abilities, Ability, Answer, Finding
from app.core.identity import Kind
from app.core.records import GroupRecord, Record
from app.reconcile.ports import PermanentError
from app.tecton.authorization import Authorization
from app.tecton.errors import SwitchedOff
from app.tecton.scim import Scim
from app.tecton.scopes import Scopes
from app.tecton.wire import read, read_list, read_text

SAMPLES = 3


@dataclass(frozen=True, slots=True)
class _Page:
    """The first page of a list that was asked for whole objects."""

    kind: Kind
    rows: list[Any]
    total: int
    asked: int

    @property
    def cap(self) -> int | None:
        """How many entries Tecton gives at most, None when it gave as many as were asked for or there are."""
        return len(self.rows) if len(self.rows) < min(self.asked, self.total) else None


class Learner:
    """Learns what one Tecton can do, through the calls of one run."""

    def __init__(self, scim: Scim, scopes: Scopes, authorization: Authorization, page_size: int) -> None:
        self.scim, self.scopes, self.authorization = scim, scopes, authorization
        self.page_size = page_size

    def learn(self, tecton: str, now: datetime) -> Abilities:
        """Return what was found out. Nothing is written. Raise TectonError when Tecton cannot be read."""
        pages = [self._page(kind) for kind in WHOLE]
        found = [self._wholeness(page) for page in pages]
        return Abilities(tecton, now, (*found, _pages(pages), _modified(pages), self._principals()))

    def _page(self, kind: Kind) -> _Page:
        answer = self.scim.first_page(kind, self.page_size)
        total = read(answer, "totalResults", 0)
        return _Page(kind, read_list(answer, "Resources"), total if isinstance(total, int) else 0, self.page_size)

    def _wholeness(self, page: _Page) -> Finding:
        ability, what = WHOLE[page.kind], f"{page.kind.words}s"
        whole = [record for row in page.rows if (record := self.scim.record_in(page.kind, row))]
        if not page.rows:
            return Finding(ability, Answer.UNKNOWN, f"not known: there are no {what} yet")
        if not whole:
            return Finding(ability, Answer.NO, f"no: the list of {what} leaves them out, also when asked for them")
        samples = sorted(whole, key=lambda record: -_riches(record))[:SAMPLES]
        if not _riches(samples[0]):
            return Finding(ability, Answer.UNKNOWN, f"not known: no {page.kind.words} holds anything to compare")
        return self._compared(ability, page.kind, samples)

    def _compared(self, ability: Ability, kind: Kind, samples: list[Record]) -> Finding:
        for sample in samples:
            if self.scim.get_record(kind, sample.id) != sample:
                sentence = f"no: the list shows {kind.words} {sample.name} otherwise than its own page"
                return Finding(ability, Answer.NO, sentence)
        number = len(samples)
        sentence = f"yes: the list shows the {number} {kind.words}s that hold most as their own pages do"
        return Finding(ability, Answer.YES, sentence if number > 1 else sentence.replace("1 ", "", 1))

    def _principals(self) -> Finding:
        ability = Ability.SCOPE_PRINCIPALS
        try:
            scopes = sorted(self.scopes.list_scopes())
            if not scopes:
                return Finding(ability, Answer.UNKNOWN, "not known: there is no secret scope")
            held = self.authorization.list_scope_grants(scopes[0])
        except SwitchedOff:
            return Finding(ability, Answer.NO, "no: Secrets is switched off")
        except PermanentError as error:
            return Finding(ability, Answer.NO, f"no: {error}")
        return Finding(ability, Answer.YES, f"yes: {len(held)} roles are told of scope {scopes[0]}")


def _pages(pages: list[_Page]) -> Finding:
    caps = {page.cap for page in pages if page.cap is not None}
    if caps:
        return Finding(Ability.PAGES, Answer.YES, f"a page holds {min(caps)} entries at most")
    longest = max(len(page.rows) for page in pages)
    return Finding(Ability.PAGES, Answer.UNKNOWN, f"not known: a page held all {longest} entries that there are")


def _modified(pages: list[_Page]) -> Finding:
    """Never a reason not to read: no number of changes seen to move it proves that the next one does, too."""
    ability = Ability.LAST_MODIFIED
    rows = list(_rows(pages))
    if not rows:
        return Finding(ability, Answer.UNKNOWN, "not known: the lists are empty")
    if not all(read_text(read(row, "meta"), "lastModified") for row in rows):
        return Finding(ability, Answer.NO, "no: the lists do not say when an entry was modified")
    sentence = "yes: an entry that moved is read sooner; one that did not is read all the same: roles may not move it"
    return Finding(ability, Answer.YES, sentence)


def _rows(pages: list[_Page]) -> Iterator[Any]:
    for page in pages:
        yield from page.rows


def _riches(record: Record) -> int:
    return len(record.roles) + (len(record.members) if isinstance(record, GroupRecord) else 0)


def echo_finding(echoes: bool) -> Finding:
    """Return what the answer to a real change told, in passing."""
    if echoes:
        return Finding(Ability.PUT_ECHO, Answer.YES, "yes: it shows the whole object, which is not read back")
    return Finding(Ability.PUT_ECHO, Answer.NO, "no: it does not show the object, which is read back")
