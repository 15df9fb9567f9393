"""/healthz and /readyz: open, because whoever starts processes has no token, and saying next to nothing."""

from __future__ import annotations

from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue

from app.store.database import StoreError
from app.store.evidence import answer
from app.store.migrate import require_newest
from app.web.room import room

blueprint = Blueprint("probes", __name__)


@blueprint.get("/healthz")
def healthz() -> ResponseReturnValue:
    """Say that this process is alive, which the answer proves."""
    return jsonify({"status": "ok"})


@blueprint.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Say whether pushes can be taken: the database answers and is migrated."""
    reason = _reason()
    if reason is None:
        return jsonify({"status": "ready"})
    return jsonify({"status": "not_ready", "reason": reason}), 503


def _reason() -> str | None:
    """Return why not, without what the database said: that may name hosts, and is for the log."""
    try:
        with room().database.read() as connection:
            answer(connection)
    except StoreError as error:
        current_app.logger.warning("not ready: %s", error)
        return "the database cannot be reached"
    try:
        require_newest(room().database)
    except StoreError as error:
        current_app.logger.warning("not ready: %s", error)
        return "the database is not migrated: run `python -m app db upgrade`"
    return None
