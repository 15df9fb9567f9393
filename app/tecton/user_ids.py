"""Users have one id in SCIM and one as principals of role assignments: the same string (assumed, row 28).

Should a cluster prove it wrong, the two are paired by the address that both services show.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

from app.reconcile.ports import Entry


class UserIds:
    """Pairs of SCIM id and principal id, as far as they were seen. Safe for many threads."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._by_name: dict[str, str] = {}
        self._principals: dict[str, str] = {}
        self._lock = threading.Lock()

    def learn(self, users: Iterable[Entry]) -> None:
        """Remember users as SCIM shows them."""
        with self._lock:
            for user in users:
                self._names[user.id] = user.name
                self._by_name[user.name.casefold()] = user.id

    def pair(self, scim_id: str, principal_id: str) -> None:
        """Remember that two ids are one user's."""
        with self._lock:
            self._principals[scim_id] = principal_id

    def is_paired(self, scim_id: str) -> bool:
        """Tell whether a user's principal id was seen."""
        return scim_id in self._principals

    def name_of(self, scim_id: str) -> str | None:
        """Return the sign-in name of a user, None when SCIM did not show it yet."""
        return self._names.get(scim_id)

    def principal_id(self, scim_id: str) -> str:
        """Return the id by which roles are assigned to a user."""
        return self._principals.get(scim_id, scim_id)

    def scim_id(self, principal_id: str, email: str) -> str:
        """Return the SCIM id of a user that a role assignment shows."""
        with self._lock:
            known = principal_id if principal_id in self._names else self._by_name.get(email.casefold())
            if known is None:
                return principal_id
            self._principals[known] = principal_id
            return known
