"""The pages of service accounts' keys. A key is claimed once, by a form, and shown on its answer alone."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.credentials.ports import CredentialError, UnknownAccount
from app.store import credentials
from app.store.evidence import snapshot
from app.store.key_reports import find_key_report, list_key_reports
from app.web.errors import as_sentence, refuse_impossible_names
from app.web.keys_api import ask_for_rotation, claim_key
from app.web.pages import guard
from app.web.room import room

blueprint = Blueprint("keys", __name__, template_folder="templates")
blueprint.before_request(guard)
blueprint.before_request(refuse_impossible_names)

EVENTS = 15


@blueprint.get("/keys")
def list_keys() -> str:
    """List where the newest key of every service account is, and what happened to keys last."""
    with snapshot(room().database) as connection:
        reports = list_key_reports(connection)
        events = credentials.list_events(connection, limit=EVENTS)
    return render_template("keys.html", reports=reports, events=events)


@blueprint.get("/keys/<tecton_id>")
def show_key(tecton_id: str) -> str:
    """Show one account's key: where it is, what can be done, what happened."""
    return _page(tecton_id)


@blueprint.post("/keys/<tecton_id>/claim")
def claim(tecton_id: str) -> ResponseReturnValue:
    """Show the key of an account, once. Without the tick that confirms it nothing is taken."""
    if request.form.get("confirmed") != "yes":
        return _page(tecton_id, "Nothing was claimed: tick first that you will keep the key."), 400
    try:
        return render_template("claimed.html", claimed=claim_key(tecton_id), tecton_id=tecton_id)
    except UnknownAccount:
        raise
    except CredentialError as error:
        return _page(tecton_id, as_sentence(error)), 409


@blueprint.post("/keys/<tecton_id>/rotation")
def rotate(tecton_id: str) -> ResponseReturnValue:
    """Ask for a new client secret, and show how far it is."""
    try:
        ask_for_rotation(tecton_id)
    except UnknownAccount:
        raise
    except CredentialError as error:
        return _page(tecton_id, as_sentence(error)), 409
    return redirect(url_for("keys.show_key", tecton_id=tecton_id), 303)


def _page(tecton_id: str, problem: str = "") -> str:
    with snapshot(room().database) as connection:
        report = find_key_report(connection, tecton_id)
        events = credentials.list_events(connection, report.tecton_id, limit=EVENTS)
    return render_template("key.html", report=report, events=events, problem=problem, waits=room().policy().credentials)
