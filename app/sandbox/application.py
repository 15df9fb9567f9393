"""Puts the sandbox together: one Flask application over one world."""

import json
import time
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path

from flask import Flask, Response
from flask import request as flask_request
from jinja2 import StrictUndefined

from app.sandbox.call import Request
from app.sandbox.calllog import CallLog
from app.sandbox.control.api import control_blueprint
from app.sandbox.control.origin import control_guard
from app.sandbox.default_world import add_admin_account, add_default_world, set_admin_key
from app.sandbox.faults import ConnectionDropped, Faults
from app.sandbox.gateway import Gateway
from app.sandbox.knob_table import new_knobs
from app.sandbox.pages.actions import add_actions
from app.sandbox.pages.views import pages_blueprint
from app.sandbox.replies import Reply
from app.sandbox.seed import apply_seed, read_seed
from app.sandbox.settings import Settings
from app.sandbox.world.world import Transaction, World

# What the server may say in the environment of a request: when it arrived (monotonic seconds).
ARRIVED = "sandbox.arrived"

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def utc_now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


class SandboxApp(Flask):
    """A Flask application that lets ConnectionDropped out to the server."""

    def handle_exception(self, e: Exception) -> Response:
        """Answer 500 for a bug, as Flask does, but never for a connection dropped on purpose."""
        if isinstance(e, ConnectionDropped):
            raise e
        return super().handle_exception(e)


def create_app(
    *,
    admin_key: str,
    knobs: Mapping[str, str] | None = None,
    state_file: Path | None = None,
    seed: Path | None = None,
    clock: Callable[[], datetime] = utc_now,
    sleep: Callable[[float], None] = time.sleep,
    control_hosts: Collection[str] | None = None,
) -> Flask:
    """Return a sandbox.

    Takes the admin service account's key (empty: the one in the state file); knobs to set; a file to
    keep everything in (without one it lives in memory); a seed for a fresh world; a clock and a way
    to wait, for tests; the host names under which the control API and the pages answer (None: any).
    Raises KnobError, SeedError, or sqlite3.DatabaseError when the state file is something else.
    """
    world = World(clock, new_knobs(), state_file)
    faults = Faults()
    settings = Settings(world, faults)
    settings.load()
    if knobs:
        settings.set_knobs(knobs)
    with world.transaction() as tx:
        _populate(tx, admin_key, seed, is_fresh=not world.was_loaded)
    log = CallLog(world.file)
    app = SandboxApp("app.sandbox", static_folder=None)
    app.url_map.merge_slashes = False  # //x is a wrong route, not another spelling of /x
    app.jinja_env.undefined = StrictUndefined
    _add_gateway(app, Gateway(world, faults, log, settings, sleep))
    pages = pages_blueprint(world, faults, log, settings)
    add_actions(pages, world, faults, settings)
    for blueprint in (control_blueprint(world, faults, log, settings), pages):
        blueprint.before_request(control_guard(control_hosts))
        app.register_blueprint(blueprint)
    app.extensions["sandbox_world"] = world
    return app


def _populate(tx: Transaction, admin_key: str, seed: Path | None, *, is_fresh: bool) -> None:
    """Fill a fresh world; in a loaded one make sure that the admin key, if one is given, works."""
    if not is_fresh:
        if admin_key:
            set_admin_key(tx, admin_key)
        return
    described = read_seed(seed) if seed else {}
    owner = add_admin_account(tx, admin_key)
    if described.get("default_world", True):
        add_default_world(tx, owner)
    apply_seed(tx, described)


def _add_gateway(app: Flask, gateway: Gateway) -> None:
    def serve(path: str = "") -> Response:
        return _response(gateway.serve(_request()))

    for rule in ("/api/<path:path>", "/oauth2/<path:path>", "/ingest"):
        app.add_url_rule(rule, f"gateway {rule}", serve, methods=_METHODS, provide_automatic_options=False)


def _request() -> Request:
    now = time.monotonic()
    return Request(
        method=flask_request.method,
        path=flask_request.path,
        query=flask_request.args.to_dict(),
        headers=flask_request.headers,
        body=flask_request.get_data(cache=False),
        waited=now - flask_request.environ.get(ARRIVED, now),
    )


def _response(reply: Reply) -> Response:
    if reply.body is None:
        return Response(status=reply.status, headers=reply.headers)
    body = reply.body if isinstance(reply.body, str) else json.dumps(reply.body, separators=(",", ":"))
    return Response(body, reply.status, reply.headers, content_type=reply.content_type)
