"""Who returns after having been deleted, and what is theirs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

ROLE_ATTRIBUTES = ("roles", "entitlements")


class Departed(NamedTuple):
    """Somebody who was deleted, and what they had: groups by resource id, roles as pushed."""

    id: str
    external_id: str | None
    group_ids: tuple[str, ...]
    roles: dict[str, list[Any]]


class Return(NamedTuple):
    """Somebody who came back, and how much was given back, until when (None: for good)."""

    name: str
    groups: int
    roles: int
    until: datetime | None

    @property
    def sentence(self) -> str:
        """Say it."""
        till = f" until {self.until:%Y-%m-%d %H:%M} UTC, unless it is pushed by then" if self.until else ""
        return f"{self.name} was deleted and is back: {self.groups} groups and {self.roles} roles are given back{till}"


def is_same_person(external_id: str | None, departed: Departed) -> bool:
    """Tell whether somebody of the same name or id is the one who was deleted.

    The provider's own id decides where both have one: another id under the same name is a namesake,
    who must not inherit access.
    """
    return external_id is None or departed.external_id is None or external_id == departed.external_id


def roles_in(document: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the roles that a resource was pushed with, by attribute; nothing when it has none."""
    return {name: list(document[name]) for name in ROLE_ATTRIBUTES if document.get(name)}


def with_returned(document: Mapping[str, Any], roles: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return a document with the roles that a return gave back, unless it has roles of its own."""
    return {**document, **roles} if roles and not roles_in(document) else document
