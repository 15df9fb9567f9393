"""Routes of the control API. Answers and refusals are JSON; a refusal is {"error": text}.

GET    /state                              everything, readable
POST   /snapshot, /restore                 everything, hashes included, and back
GET    /log?since=N, /log/summary; DELETE /log
GET    /knobs; PUT /knobs {name: value}; DELETE /knobs (defaults)
GET    /faults; POST /faults {match, effect}; DELETE /faults[/<id>]
POST   /assign, /unassign                  {principal_type, principal, type, value}
POST   /users, /groups, /service-accounts, /workspaces, /scopes
PUT, DELETE on /users/<ref>, /groups/<ref>, /service-accounts/<ref>; DELETE on the other two
POST   /groups/<ref>/members               {add: [...], remove: [...]}
POST   /sign-in                            {user, saml_groups}
"""

from collections.abc import Callable

from flask import Blueprint, Response, jsonify, request

from app.sandbox import by_hand
from app.sandbox.bodies import parse_object
from app.sandbox.calllog import CallLog
from app.sandbox.control import dump
from app.sandbox.control.snapshot import restore_snapshot, take_snapshot
from app.sandbox.faults import FaultError, Faults
from app.sandbox.knobs import KnobError
from app.sandbox.replies import ApiError, Json
from app.sandbox.settings import Settings
from app.sandbox.sign_in import sign_in
from app.sandbox.world import edits
from app.sandbox.world.world import Transaction, World

Edit = Callable[[Transaction, Json], Json]


def control_blueprint(world: World, faults: Faults, log: CallLog, settings: Settings) -> Blueprint:
    """Return the control API over these parts."""
    blueprint = Blueprint("control", __name__, url_prefix="/_sandbox")
    blueprint.register_error_handler(ApiError, _refuse)
    blueprint.register_error_handler(KnobError, lambda error: _complain(str(error), 400))
    blueprint.register_error_handler(FaultError, lambda error: _complain(str(error), 400))
    _add_state(blueprint, world)
    _add_log(blueprint, log)
    _add_settings(blueprint, faults, settings)
    _add_edits(blueprint, world)
    return blueprint


def _refuse(error: ApiError) -> Response:
    return _complain(error.message, error.status)


def _complain(message: str, status: int) -> Response:
    response = jsonify({"error": message})
    response.status_code = status
    return response


def _body() -> Json:
    # The content type is not looked at: curl says "form" unless told otherwise.
    return parse_object(request.get_data(cache=False))


def _add_state(blueprint: Blueprint, world: World) -> None:
    @blueprint.get("/state")
    def state() -> Response:
        with world.lock:
            return jsonify(dump.dump_state(world.tables))

    @blueprint.post("/snapshot")
    def snapshot() -> Response:
        with world.lock:
            return jsonify(take_snapshot(world.tables))

    @blueprint.post("/restore")
    def restore() -> Response:
        body = _body()
        with world.transaction() as tx:
            restore_snapshot(tx, body)
        return jsonify({})


def _add_log(blueprint: Blueprint, log: CallLog) -> None:
    @blueprint.get("/log")
    def calls() -> Response:
        since = request.args.get("since", default=0, type=int)
        return jsonify(log.since(since))

    @blueprint.get("/log/summary")
    def summary() -> Response:
        return jsonify(log.summary())

    @blueprint.delete("/log")
    def clear() -> Response:
        log.clear()
        return jsonify({})


def _add_settings(blueprint: Blueprint, faults: Faults, settings: Settings) -> None:
    @blueprint.get("/knobs")
    def knobs() -> Response:
        return jsonify(settings.knobs.listing())

    @blueprint.put("/knobs")
    def set_knobs() -> Response:
        settings.set_knobs({name: _knob_text(value) for name, value in _body().items()})
        return jsonify(settings.knobs.listing())

    @blueprint.delete("/knobs")
    def reset_knobs() -> Response:
        settings.reset_knobs()
        return jsonify(settings.knobs.listing())

    @blueprint.get("/faults")
    def list_faults() -> Response:
        return jsonify(faults.listing())

    @blueprint.post("/faults")
    def add_fault() -> tuple[Response, int]:
        fault = faults.add(_body())
        settings.save_faults()
        return jsonify(fault.describe()), 201

    @blueprint.delete("/faults")
    def clear_faults() -> Response:
        faults.clear()
        settings.save_faults()
        return jsonify({})

    @blueprint.delete("/faults/<fault_id>")
    def remove_fault(fault_id: str) -> Response:
        if not faults.remove(fault_id):
            raise ApiError(404, f"there is no fault {fault_id!r}")
        settings.save_faults()
        return jsonify({})


def _knob_text(value: object) -> str:
    """Return a knob's value as text; numbers may come as numbers, paths as an object."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return jsonify(value).get_data(as_text=True).strip() if isinstance(value, dict) else str(value)


def _add_edits(blueprint: Blueprint, world: World) -> None:
    for path, edit in _CREATIONS.items():
        blueprint.add_url_rule(path, f"post {path}", _creating(world, edit), methods=["POST"])
    for path, changes in _CHANGES.items():
        for method, change in changes.items():
            view = _changing(world, change)
            blueprint.add_url_rule(path, f"{method} {path}", view, methods=[method])


def _creating(world: World, edit: Edit) -> Callable[[], Response]:
    def view() -> Response:
        body = _body()
        with world.transaction() as tx:
            return jsonify(edit(tx, body))

    return view


def _changing(world: World, change: Callable[[Transaction, str, Json], Json]) -> Callable[[str], Response]:
    def view(ref: str) -> Response:
        body = _body()
        with world.transaction() as tx:
            return jsonify(change(tx, ref, body))

    return view


def _create_account(tx: Transaction, body: Json) -> Json:
    account, secret = by_hand.create_account(tx, body)
    name = "clientSecret" if account.oauth else "apiKey"
    return {**dump.dump_account(tx.tables, account), name: secret}


def _nothing(edit: Callable[[Transaction, Json], object]) -> Edit:
    def answered(tx: Transaction, body: Json) -> Json:
        edit(tx, body)
        return {}

    return answered


def _delete_workspace(tx: Transaction, ref: str, _: Json) -> Json:
    edits.delete_workspace(tx, tx.tables.workspaces.rows[by_hand.find_principal(tx, "workspace", ref).id])
    return {}


def _delete_scope(tx: Transaction, ref: str, _: Json) -> Json:
    scope = tx.tables.scopes.get(ref)
    if scope is None:
        raise ApiError(404, f"there is no scope {ref!r}")
    edits.delete_scope(tx, scope)
    return {}


def _delete_user(tx: Transaction, ref: str, _: Json) -> Json:
    edits.delete_user(tx, by_hand.find_user(tx, ref))
    return {}


def _delete_group(tx: Transaction, ref: str, _: Json) -> Json:
    edits.delete_group(tx, by_hand.find_group(tx, ref))
    return {}


def _delete_account(tx: Transaction, ref: str, _: Json) -> Json:
    edits.delete_account(tx, by_hand.find_account(tx, ref))
    return {}


_CREATIONS: dict[str, Edit] = {
    "/assign": _nothing(by_hand.assign),
    "/unassign": _nothing(by_hand.unassign),
    "/users": lambda tx, body: dump.dump_user(tx.tables, by_hand.create_user(tx, body)),
    "/groups": lambda tx, body: dump.dump_group(tx.tables, by_hand.create_group(tx, body)),
    "/service-accounts": _create_account,
    "/workspaces": _nothing(by_hand.create_workspace),
    "/scopes": _nothing(by_hand.create_scope),
    "/sign-in": lambda tx, body: dump.dump_user(tx.tables, sign_in(tx, body)),
}

_CHANGES: dict[str, dict[str, Callable[[Transaction, str, Json], Json]]] = {
    "/users/<ref>": {
        "PUT": lambda tx, ref, body: dump.dump_user(
            tx.tables, by_hand.change_user(tx, by_hand.find_user(tx, ref), body)
        ),
        "DELETE": _delete_user,
    },
    "/groups/<ref>": {
        "PUT": lambda tx, ref, body: dump.dump_group(
            tx.tables, by_hand.change_group(tx, by_hand.find_group(tx, ref), body)
        ),
        "DELETE": _delete_group,
    },
    "/groups/<ref>/members": {
        "POST": lambda tx, ref, body: dump.dump_group(
            tx.tables, by_hand.change_members(tx, by_hand.find_group(tx, ref), body)
        ),
    },
    "/service-accounts/<ref>": {
        "PUT": lambda tx, ref, body: dump.dump_account(
            tx.tables, by_hand.change_account(tx, by_hand.find_account(tx, ref), body)
        ),
        "DELETE": _delete_account,
    },
    "/workspaces/<ref>": {"DELETE": _delete_workspace},
    "/scopes/<ref>": {"DELETE": _delete_scope},
}
