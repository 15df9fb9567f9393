"""A SCIM list, whole: from all pages, or not at all.

Tecton documents no default and no maximum of `count` (unknown, row 26) and no order (row 27). So
every page is taken for what it holds, and the list is believed only when its distinct entries are as
many as the total: an incomplete list read as complete would look like a mass deletion.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from app.core.records import Record
from app.reconcile.ports import Entry, TemporaryError
from app.tecton.wire import read, read_list, read_text

Query = Mapping[str, str | int]
FetchPage = Callable[[Query], Any]
RecordIn = Callable[[Any], Record | None]

_PASSES = 3


class _Pass(NamedTuple):
    """One walk over the pages: the distinct entries, and the total if it stayed the same."""

    entries: dict[str, Entry]
    total: int | None


def list_whole(
    fetch: FetchPage,
    what: str,
    name: str,
    page_size: int,
    query: Query | None = None,
    record_in: RecordIn = lambda _: None,
) -> list[Entry]:
    """Return all entries of a list, `name` being the attribute that names them, each with what `record_in` makes of it.

    A list that moved while it was read is read again, sorted (sortBy: reference), so that pages
    cannot shift. Raise TemporaryError when it still does not add up to its own total.
    """
    query = query or {}
    found: _Pass | None = None
    for attempt in range(_PASSES):
        order: Query = {"sortBy": name, "sortOrder": "ascending"} if attempt else {}
        found = _walk(fetch, what, name, {**query, **order}, page_size, record_in)
        if len(found.entries) == found.total:
            return list(found.entries.values())
    raise TemporaryError(_complaint(what, found))


def _walk(fetch: FetchPage, what: str, name: str, query: Query, page_size: int, record_in: RecordIn) -> _Pass:
    entries: dict[str, Entry] = {}
    total: int | None = None
    start = 1
    while total is None or start <= total:
        page = fetch({**query, "startIndex": start, "count": page_size})
        rows, said = read_list(page, "Resources"), _total_of(page, what)
        if total not in (None, said):
            return _Pass(entries, None)
        total = said
        if not rows:
            break
        entries |= {entry.id: entry for entry in (_entry_of(row, what, name, record_in) for row in rows)}
        start += len(rows)
    return _Pass(entries, total)


def _total_of(page: Any, what: str) -> int:
    total = read(page, "totalResults")
    if not isinstance(total, int) or isinstance(total, bool):
        raise TemporaryError(f"listing incomplete: Tecton's list of {what} does not say how many there are")
    return total


def _entry_of(row: Any, what: str, name: str, record_in: RecordIn) -> Entry:
    id_ = read_text(row, "id")
    if not id_:
        raise TemporaryError(f"listing incomplete: Tecton's list of {what} holds an entry without an id")
    return Entry(id_, read_text(row, name), read_text(read(row, "meta"), "lastModified"), record_in(row))


def _complaint(what: str, found: _Pass | None) -> str:
    if found is None or found.total is None:
        return f"listing incomplete: Tecton's list of {what} kept changing while it was read"
    return f"listing incomplete: Tecton listed {len(found.entries)} of {found.total} {what}"
