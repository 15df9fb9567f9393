"""Correlation: which of Tecton's objects is which of our principals.

A link, once made, is followed through every rename. Where more than one object could be meant, nothing
is guessed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from app.core.access import AccessState
from app.core.identity import Kind, Principal
from app.core.records import Link, Links, TectonObjects


@dataclass(frozen=True, slots=True)
class Disputed:
    """A principal for which Tecton holds several objects of that name."""

    principal: Principal
    name: str
    tecton_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Correlation:
    """The links to make and to forget, and where nothing is guessed.

    `handed_over` are principals that nobody wants any more, by those of the same name who come after them.
    """

    adopted: tuple[Link, ...] = ()
    handed_over: Mapping[Principal, Principal] = field(default_factory=dict)
    orphaned: tuple[Link, ...] = ()  # linked to an object that Tecton does not hold any more
    disputed: tuple[Disputed, ...] = ()


IsLeft = Callable[[Principal], bool]


def correlate(
    desired: AccessState, objects: TectonObjects, links: Links, is_left: IsLeft, *, complete: bool
) -> Correlation:
    """Return the links of desired principals to Tecton's objects of the same name, of any case.

    `is_left` tells of a linked principal that its object may become that of another one of the name: what
    was deleted and is pushed anew. `complete` says that `objects` is all that Tecton holds: then a link
    whose object is not there is orphaned.
    """
    orphaned = tuple(link for link in links if _is_gone(link, objects)) if complete else ()
    unlinked = {link.principal for link in orphaned}
    wanted = [p for p in desired.profiles if p not in links or p in unlinked]
    names = {(principal.kind, desired.profiles[principal].name.casefold()) for principal in wanted}
    candidates = _free_by_name(objects, links, is_left, names)
    adopted, disputed, handed_over = [], [], {}
    for principal in wanted:
        name = desired.profiles[principal].name
        found = candidates.get((principal.kind, name.casefold()), [])
        if len(found) == 1:
            adopted.append(Link(principal, found[0], adopted=True))
            if links.is_linked(principal.kind, found[0]):
                handed_over[links.principal_of(principal.kind, found[0])] = principal
        elif found:
            disputed.append(Disputed(principal, name, tuple(sorted(found))))
    return Correlation(tuple(adopted), handed_over, orphaned, tuple(disputed))


def _is_gone(link: Link, objects: TectonObjects) -> bool:
    return (link.principal.kind, link.tecton_id) not in objects.records


def _free_by_name(
    objects: TectonObjects, links: Links, is_left: IsLeft, names: set[tuple[Kind, str]]
) -> Mapping[tuple[Kind, str], list[str]]:
    found: defaultdict[tuple[Kind, str], list[str]] = defaultdict(list)
    for (kind, id_), record in objects.records.items():
        key = (kind, record.name.casefold())
        if key in names and (not links.is_linked(kind, id_) or is_left(links.principal_of(kind, id_))):
            found[key].append(id_)
    return found
