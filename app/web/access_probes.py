"""The page and the API of access probes: what was expected, what was found, when, and when it is tried next."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, render_template
from pydantic import BaseModel

from app.store.evidence import snapshot
from app.store.probes import list_probe_results, probe_result_as_json
from app.web.models import NoQuery, ProbeList
from app.web.openapi import Operation
from app.web.pages import guard
from app.web.room import room

blueprint = Blueprint("access_probes", __name__, template_folder="templates")
blueprint.before_request(guard)


@blueprint.get("/probes")
def show_probes() -> str:
    """Show what every probe found last, what is not as expected first."""
    with snapshot(room().database) as connection:
        results = list_probe_results(connection)
    return render_template("probes.html", results=results)


def _list(query: NoQuery) -> ProbeList:
    with room().database.read() as connection:
        return ProbeList.model_validate({"items": [probe_result_as_json(of) for of in list_probe_results(connection)]})


OPERATIONS: dict[Operation, Callable[..., BaseModel]] = {
    Operation("/probes", "probes", "What every access probe expected, and found last", NoQuery, ProbeList): _list,
}
