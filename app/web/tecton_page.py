"""The page of the Tecton at hand: what it was found to do, how it is therefore read, and how old what was read is."""

from __future__ import annotations

from flask import Blueprint, render_template

from app.core.freshness import freshness, targets, tolerated
from app.store.abilities import read_abilities
from app.store.evidence import load_evidence, snapshot
from app.web.pages import guard
from app.web.room import room

blueprint = Blueprint("tecton_page", __name__)
blueprint.before_request(guard)


@blueprint.get("/tecton")
def show() -> str:
    """Show what was learned of Tecton, and how much of it was read when."""
    with snapshot(room().database) as connection:
        evidence = load_evidence(connection)
        abilities = read_abilities(connection, room().tecton_url)
    now, interval = room().clock(), room().sweep_interval
    return render_template(
        "tecton.html",
        abilities=abilities,
        evidence=evidence,
        fresh=freshness(evidence.verified, now, tolerated(interval)),
        aims=targets(interval),
    )
