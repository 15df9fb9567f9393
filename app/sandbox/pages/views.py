"""Pages to look at: what Tecton holds, what was called, knobs and faults."""

from collections.abc import Iterable
from itertools import islice
from typing import Any

from flask import Blueprint, Response, render_template, request

from app.sandbox.by_hand import KINDS, find_account, find_group, find_user
from app.sandbox.calllog import CallLog
from app.sandbox.control import dump
from app.sandbox.faults import KINDS as FAULT_KINDS
from app.sandbox.faults import Faults
from app.sandbox.replies import ApiError, Json
from app.sandbox.settings import Settings
from app.sandbox.world.records import Grant
from app.sandbox.world.roles import ROLES_OF, scim_type
from app.sandbox.world.tables import Tables
from app.sandbox.world.world import World

_SHOWN = 100


def pages_blueprint(world: World, faults: Faults, log: CallLog, settings: Settings) -> Blueprint:
    """Return the pages over these parts."""
    blueprint = Blueprint("pages", __name__, template_folder="templates", static_folder="static")
    blueprint.after_request(_protect)
    blueprint.register_error_handler(ApiError, _missing)
    blueprint.context_processor(lambda: {"said": request.args.get("said"), "bad": "bad" in request.args})
    _add_lists(blueprint, world, log)
    _add_people(blueprint, world)
    _add_sandbox(blueprint, faults, log, settings)
    return blueprint


def _protect(response: Response) -> Response:
    """Nothing from elsewhere runs in these pages, and no other page can hold them in a frame."""
    response.headers["Content-Security-Policy"] = "default-src 'self'; frame-ancestors 'none'"
    response.headers["Cache-Control"] = "no-store"
    return response


def _missing(error: ApiError) -> tuple[str, int]:
    return render_template("sandbox/missing.html", message=error.message), error.status


def _add_lists(blueprint: Blueprint, world: World, log: CallLog) -> None:
    @blueprint.get("/")
    def home() -> str:
        with world.lock:
            counts = {name: len(table) for name, table in world.tables.all().items()}
        return render_template("sandbox/home.html", counts=counts, calls=log.summary())

    @blueprint.get("/users")
    def users() -> str:
        with world.lock:
            found = _search(world.tables.users, "user_name")
            rows = [dump.dump_user(world.tables, user) for user in found]
        return _listed("users", "userName", rows)

    @blueprint.get("/groups")
    def groups() -> str:
        with world.lock:
            found = _search(world.tables.groups, "display_name")
            rows = [dump.dump_group(world.tables, group) for group in found]
        return _listed("groups", "displayName", rows)

    @blueprint.get("/service-accounts")
    def accounts() -> str:
        with world.lock:
            found = _search(world.tables.accounts, "name")
            rows = [dump.dump_account(world.tables, account) for account in found]
        return _listed("service-accounts", "name", rows)

    @blueprint.get("/resources")
    def resources() -> str:
        with world.lock:
            scopes = [dump.dump_scope(world.tables, scope) for scope in world.tables.scopes]
            names = list(world.tables.workspaces.rows)
        return render_template("sandbox/resources.html", scopes=scopes, workspaces=names, **_choices(world))


def _add_people(blueprint: Blueprint, world: World) -> None:
    @blueprint.get("/users/<ref>")
    def user(ref: str) -> str:
        with world.lock:
            row = dump.dump_user(world.tables, find_user(world.view(), ref))
        return _person(world, "user", row["userName"], row)

    @blueprint.get("/groups/<ref>")
    def group(ref: str) -> str:
        with world.lock:
            row = dump.dump_group(world.tables, find_group(world.view(), ref))
        return _person(world, "group", row["displayName"], row)

    @blueprint.get("/service-accounts/<ref>")
    def account(ref: str) -> str:
        with world.lock:
            row = dump.dump_account(world.tables, find_account(world.view(), ref))
        return _person(world, "service_account", row["name"], row)


def _add_sandbox(blueprint: Blueprint, faults: Faults, log: CallLog, settings: Settings) -> None:
    @blueprint.get("/log")
    def calls() -> str:
        newest = list(islice(reversed(log.since(0)), _SHOWN))
        return render_template("sandbox/log.html", calls=newest, summary=log.summary())

    @blueprint.get("/knobs")
    def knobs() -> str:
        return render_template("sandbox/knobs.html", knobs=settings.knobs.listing())

    @blueprint.get("/faults")
    def list_faults() -> str:
        return render_template("sandbox/faults.html", faults=faults.listing(), kinds=FAULT_KINDS)


def _search(rows: Iterable[Any], name: str) -> list[Any]:
    """Return the first rows whose name holds what was asked for."""
    wanted = request.args.get("q", "").casefold()
    return list(islice((row for row in rows if wanted in getattr(row, name).casefold()), _SHOWN))


def _listed(kind: str, name: str, rows: list[Json]) -> str:
    q = request.args.get("q", "")
    return render_template("sandbox/list.html", kind=kind, name=name, rows=rows, q=q, most=_SHOWN)


def _person(world: World, kind: str, name: str, row: Json) -> str:
    return render_template("sandbox/person.html", kind=kind, name=name, row=row, **_choices(world))


def _choices(world: World) -> Json:
    """Return what the forms for roles offer."""
    with world.lock:
        types = _role_types(world.tables)
    values = sorted({role for roles in ROLES_OF.values() for role in roles})
    return {"role_types": types, "role_values": values, "principal_kinds": KINDS}


def _role_types(tables: Tables) -> list[str]:
    targets = [Grant("account", "", ""), Grant("all_workspaces", "", "")]
    targets += [Grant("workspace", name, "") for name in tables.workspaces.rows]
    targets += [Grant("secret_scope", name, "") for name in tables.scopes.rows]
    return [scim_type(target) for target in targets]
