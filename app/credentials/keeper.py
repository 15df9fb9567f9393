"""What is done for keys each time the clock comes round: route, deliver, rotate."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal

from app.core.policy import Policy
from app.credentials.deliver import Deliverer
from app.credentials.ports import ClientSecrets, KeyStore, Places
from app.credentials.rotate import Rotator


class Keeper:
    """Keeps the keys of service accounts, while its process leads.

    In observe mode it only notes where keys will go: nothing is delivered, nothing rotated.
    """

    def __init__(
        self,
        store: KeyStore,
        policy: Callable[[], Policy],
        clock: Callable[[], datetime],
        *,
        places: Places,
        secrets: Callable[[], ClientSecrets],
        mode: Literal["observe", "enforce"],
    ) -> None:
        self.store, self.policy, self.mode = store, policy, mode
        self.deliverer = Deliverer(store, places, clock)
        self.rotator = Rotator(store, secrets, clock)

    def tick(self) -> None:
        """Do what is due. Raise LostLease when another process leads by now."""
        policy = self.policy()
        self.deliverer.route_all(policy, self.store.load())
        if self.mode != "enforce":
            return
        self.deliverer.deliver_due(policy, self.store.load())
        self.rotator.start_due(policy, self.store.load())
        self.rotator.advance_all(policy, self.store.load())
