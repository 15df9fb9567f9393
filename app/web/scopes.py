"""The pages of secret scopes: who can do what on one, and through what."""

from __future__ import annotations

from flask import Blueprint, abort, render_template

from app.store.evidence import snapshot
from app.store.scope_reports import load_scopes
from app.web.errors import refuse_impossible_names
from app.web.pages import guard
from app.web.room import room

blueprint = Blueprint("scopes", __name__, template_folder="templates")
blueprint.before_request(guard)
blueprint.before_request(refuse_impossible_names)


@blueprint.get("/scopes")
def list_scopes() -> str:
    """List the secret scopes that Tecton has."""
    with snapshot(room().database) as connection:
        report = load_scopes(connection)
    return render_template("scopes.html", report=report)


@blueprint.get("/scopes/<scope>")
def show_scope(scope: str) -> str:
    """Show who holds which role on a scope: directly, or through which group."""
    with snapshot(room().database) as connection:
        report = load_scopes(connection)
    if scope not in report.scopes:
        abort(404)
    return render_template("scope.html", scope=scope, holdings=report.of_scope(scope))
