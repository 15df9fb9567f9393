"""Puts the admin room into a Flask application. Everything it adds to the application is named here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from flask import Flask
from flask_bootstrap import Bootstrap5

from app.core.policy import Policy
from app.store.credentials import Sealer
from app.store.database import Database
from app.store.write_check import WriteCheck
from app.web import (
    access,
    access_probes,
    api,
    errors,
    headers,
    keys,
    metrics,
    orders,
    pages,
    principals,
    probes,
    scopes,
    sessions,
    signin,
    tecton_page,
    words,
)
from app.web.room import Room, keep_room

DEFAULT_SWEEP_INTERVAL = timedelta(minutes=15)


def register(
    flask_app: Flask,
    database: Database,
    *,
    clock: Callable[[], datetime],
    mode: str,
    tecton_url: str,
    secret_key: str | None,
    sweep_interval: timedelta = DEFAULT_SWEEP_INTERVAL,
    policy: Callable[[], Policy] = lambda: Policy(version=1),
    sealer: Sealer | None = None,
) -> None:
    """Add the admin JSON API, the pages, sign-in, probes and metrics to `flask_app`.

    Take the database to read, the clock, what to show of the installation (mode, Tecton's URL), and
    the key that session secrets are derived from; without one a random secret is kept in the
    database. `sweep_interval` tells how old evidence may grow. `policy` returns the policy in force, and
    `sealer` opens one-time keys that are claimed. Nothing is read before the first request.
    """
    about = (mode, tecton_url, secret_key or None, sweep_interval, policy)
    keep_room(flask_app, Room(database, clock, *about, WriteCheck(database), sealer))
    flask_app.config.setdefault("BOOTSTRAP_SERVE_LOCAL", True)
    # Bootstrap-Flask puts its files below the application's static path, which may be unset.
    flask_app.static_url_path = flask_app.static_url_path or "/static"
    Bootstrap5(flask_app)
    sessions.install(flask_app)
    access.install(flask_app)
    headers.install(flask_app)
    metrics.install(flask_app)
    words.install(flask_app)
    errors.install(flask_app)
    for blueprint in (
        signin.blueprint,
        pages.blueprint,
        orders.blueprint,
        principals.blueprint,
        scopes.blueprint,
        keys.blueprint,
        access_probes.blueprint,
        tecton_page.blueprint,
        pages.assets,
        api.blueprint,
        probes.blueprint,
        metrics.blueprint,
    ):
        flask_app.register_blueprint(blueprint)
