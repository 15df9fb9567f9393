"""The room as one value that every view takes what it needs from, and its registration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from urllib.parse import urlsplit

from flask import Flask, current_app

from app.core.policy import Policy
from app.store.credentials import Sealer
from app.store.database import Database
from app.store.write_check import WriteCheck


@dataclass(frozen=True, slots=True)
class Room:
    """What the views need. `sweep_interval` says when evidence is old.

    `policy` returns the policy in force, and raises PolicyError where none loads; `write_check` raises StoreError
    when no push could be stored; `sealer` opens one-time keys, None without a BRIDGE_SECRET_KEY.
    """

    database: Database
    clock: Callable[[], datetime]
    mode: str
    tecton_url: str
    secret_key: str | None
    sweep_interval: timedelta
    policy: Callable[[], Policy]
    write_check: WriteCheck
    sealer: Sealer | None = None

    @property
    def observes_only(self) -> bool:
        """Tell whether this installation never writes to Tecton."""
        return self.mode != "enforce"

    @property
    def tecton_host(self) -> str:
        """The host name of Tecton, to show; empty when none is set."""
        return urlsplit(self.tecton_url).netloc.rpartition("@")[2]


_EXTENSION = "admin_room"


def room() -> Room:
    """Return the room of the application that answers the request at hand."""
    return cast(Room, current_app.extensions[_EXTENSION])


def keep_room(flask_app: Flask, the_room: Room) -> None:
    """Make `room()` return this room in the application."""
    flask_app.extensions[_EXTENSION] = the_room
