"""/healthz and /readyz: open, because whoever starts processes has no token, and saying next to nothing."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue

from app.store.database import StoreError
from app.store.evidence import answer
from app.store.migrate import require_newest
from app.web.room import Room, room

blueprint = Blueprint("probes", __name__)


@blueprint.get("/healthz")
def healthz() -> ResponseReturnValue:
    """Say that this process is alive, which the answer proves."""
    return jsonify({"status": "ok"})


@blueprint.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Say whether pushes can be taken: the database answers, is migrated, and stores what is written."""
    reason = _reason()
    if reason is None:
        return jsonify({"status": "ready"})
    return jsonify({"status": "not_ready", "reason": reason}), 503


def _reason() -> str | None:
    """Return why not, without what the database said: that may name hosts, and is for the log."""
    for look, reason in _LOOKS:
        try:
            look(room())
        except StoreError as error:
            current_app.logger.warning("not ready: %s", error)
            return reason
    return None


def _read(of: Room) -> None:
    with of.database.read() as connection:
        answer(connection)


_LOOKS: tuple[tuple[Callable[[Room], None], str], ...] = (
    (lambda of: of.database.require_in_place(), "the file of the database was removed or replaced: see the log"),
    (_read, "the database cannot be reached"),
    (lambda of: require_newest(of.database), "the database is not migrated: run `python -m app db upgrade`"),
    (lambda of: of.write_check(of.clock()), "the database stores nothing: see the log"),
)
