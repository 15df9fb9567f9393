"""What the forms of the pages do. Each comes back to the page it was sent from, with a word on it."""

from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from app.sandbox import by_hand
from app.sandbox.faults import FaultError, Faults
from app.sandbox.knobs import KnobError
from app.sandbox.replies import ApiError, Json
from app.sandbox.settings import Settings
from app.sandbox.sign_in import sign_in
from app.sandbox.world import edits
from app.sandbox.world.world import Transaction, World

Form = Mapping[str, str]
Action = Callable[[Transaction, Form], object]


def add_actions(blueprint: Blueprint, world: World, faults: Faults, settings: Settings) -> None:
    """Add the targets of the forms to the pages."""

    @blueprint.post("/edit/<what>")
    def edit(what: str) -> BaseResponse:
        return _reported(lambda: _edit(world, what, request.form))

    @blueprint.post("/edit/knob")
    def knob() -> BaseResponse:
        form = request.form
        return _reported(lambda: settings.set_knobs({form["name"]: form["value"]}))

    @blueprint.post("/edit/fault")
    def fault() -> BaseResponse:
        return _reported(lambda: _add_fault(faults, settings, request.form))

    @blueprint.post("/edit/fault-removal")
    def fault_removal() -> BaseResponse:
        return _reported(lambda: _remove_fault(faults, settings, request.form))

    @blueprint.post("/edit/service-account")
    def service_account() -> BaseResponse | str:
        try:
            with world.transaction() as tx:
                account, secret = by_hand.create_account(tx, _account(request.form))
        except ApiError as error:
            return _back(error.message, bad=True)
        return render_template("sandbox/secret.html", account=account, secret=secret)


def _reported(act: Callable[[], None]) -> BaseResponse:
    """Do it; go back with "done", or with what was wrong."""
    try:
        act()
    except (ApiError, KnobError, FaultError) as error:
        return _back(str(error), bad=True)
    return _back("done")


def _back(said: str, *, bad: bool = False) -> BaseResponse:
    """Return to a page of the sandbox, never to another site."""
    page = request.form.get("back", "/")
    page = page if page.startswith("/") and not page.startswith(("//", "/\\")) else "/"
    query = urlencode({"said": said, **({"bad": "1"} if bad else {})})
    return redirect(f"{page}?{query}", 303, Response)


def _edit(world: World, what: str, form: Form) -> None:
    if what not in _ACTIONS:
        raise ApiError(404, f"there is no edit {what!r}")
    with world.transaction() as tx:
        _ACTIONS[what](tx, form)


def _account(form: Form) -> Json:
    oauth = form.get("credentials") == "oauth"
    return {"name": form["name"].strip(), "description": form.get("description", ""), "oauth": oauth}


def _stripped(form: Form, *names: str) -> Json:
    return {name: form.get(name, "").strip() for name in names}


def _words(form: Form, name: str) -> list[str]:
    return [word.strip() for word in form.get(name, "").split(",") if word.strip()]


def _assign(tx: Transaction, form: Form) -> None:
    by_hand.assign(tx, _stripped(form, "principal_type", "principal", "type", "value"))


def _unassign(tx: Transaction, form: Form) -> None:
    by_hand.unassign(tx, _stripped(form, "principal_type", "principal", "type", "value"))


def _create_group(tx: Transaction, form: Form) -> None:
    described = _stripped(form, "displayName", "description")
    by_hand.create_group(tx, {**described, "idpMappingNames": _words(form, "idpMappingNames")})


def _change_members(tx: Transaction, form: Form) -> None:
    group = by_hand.find_group(tx, form["group"])
    by_hand.change_members(tx, group, {"add": _words(form, "add"), "remove": _words(form, "remove")})


def _switch_account(tx: Transaction, form: Form) -> None:
    account = by_hand.find_account(tx, form["ref"])
    edits.set_account_active(tx, account, form.get("active") == "1")


def _sign_in(tx: Transaction, form: Form) -> None:
    sign_in(tx, {"user": form["user"].strip(), "saml_groups": _words(form, "saml_groups")})


def _delete(tx: Transaction, form: Form) -> None:
    kind, ref = form.get("kind", ""), form.get("ref", "")
    if kind == "scope":
        scope = tx.tables.scopes.get(ref)
        if scope is None:
            raise ApiError(404, f"there is no scope {ref!r}")
        edits.delete_scope(tx, scope)
        return
    _DELETIONS.get(kind, _no_deletion)(tx, ref)


def _no_deletion(tx: Transaction, ref: str) -> None:
    raise ApiError(400, "kind must be user, group, service_account, workspace or scope")


def _delete_workspace(tx: Transaction, ref: str) -> None:
    edits.delete_workspace(tx, tx.tables.workspaces.rows[by_hand.find_principal(tx, "workspace", ref).id])


def _add_fault(faults: Faults, settings: Settings, form: Form) -> None:
    match: Json = {name: form[name].strip() for name in ("method", "path_regex") if form.get(name)}
    effect: Json = {"kind": form.get("kind", "")}
    for section, names in ((match, ("nth", "times")), (effect, ("status", "seconds", "size", "keep"))):
        for name in names:
            if form.get(name):
                section[name] = _number(name, form[name])
    if form.get("retry_after"):
        effect["retry_after"] = form["retry_after"]
    faults.add({"match": match, "effect": effect})
    settings.save_faults()


def _number(name: str, value: str) -> float | int:
    try:
        return int(value) if value.strip().isdigit() else float(value)
    except ValueError as error:
        raise FaultError(f"{name} must be a number") from error


def _remove_fault(faults: Faults, settings: Settings, form: Form) -> None:
    faults.remove(form.get("id", ""))
    settings.save_faults()


_DELETIONS: Mapping[str, Callable[[Transaction, str], None]] = {
    "user": lambda tx, ref: edits.delete_user(tx, by_hand.find_user(tx, ref)),
    "group": lambda tx, ref: edits.delete_group(tx, by_hand.find_group(tx, ref)),
    "service_account": lambda tx, ref: edits.delete_account(tx, by_hand.find_account(tx, ref)),
    "workspace": _delete_workspace,
}

_ACTIONS: Mapping[str, Action] = {
    "assign": _assign,
    "unassign": _unassign,
    "user": lambda tx, form: by_hand.create_user(tx, _stripped(form, "userName", "givenName", "familyName")),
    "group": _create_group,
    "members": _change_members,
    "workspace": lambda tx, form: by_hand.create_workspace(tx, _stripped(form, "name")),
    "scope": lambda tx, form: by_hand.create_scope(tx, _stripped(form, "name")),
    "account-switch": _switch_account,
    "sign-in": _sign_in,
    "delete": _delete,
}
