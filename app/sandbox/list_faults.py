"""Faults that spoil a list on its way out, whatever service it comes from."""

from collections.abc import Callable, Mapping

from app.sandbox.faults import Effect
from app.sandbox.replies import Json, Reply

# The one list each list answer is about; SCIM answers count it as well.
_LIST_KEYS = ("Resources", "assignments", "scopes", "keys", "workspaces", "service_accounts", "users")

Spoil = Callable[[list[object], Effect], list[object]]


def spoil_list(reply: Reply, effect: Effect) -> None:
    """Apply a list fault to an answer that has a list; leave any other alone."""
    key = _list_key(reply)
    if key is None or effect.kind not in _SPOILS:
        return
    if key == "Resources" and effect.kind == "shifting_pages":
        return  # SCIM lists are shifted before they are cut into pages
    body: Json = reply.body if isinstance(reply.body, dict) else {}
    body[key] = _SPOILS[effect.kind](body.get(key, []), effect)
    if key == "Resources":
        body["itemsPerPage"] = len(body[key])
        if effect.kind in ("truncate_list", "empty_list"):
            body["totalResults"] = len(body[key])
    elif not body[key]:
        del body[key]


def _list_key(reply: Reply) -> str | None:
    if reply.status != 200 or not isinstance(reply.body, dict):
        return None
    return next((key for key in _LIST_KEYS if key in reply.body), None)


def _cap(rows: list[object], effect: Effect) -> list[object]:
    return rows[: int(effect.number("size", 10))]


def _truncate(rows: list[object], effect: Effect) -> list[object]:
    return rows[: int(effect.number("keep", len(rows) // 2))]


def rotate(rows: list[object], effect: Effect) -> list[object]:
    """Return the rows in another order for every time the fault fired."""
    turn = effect.turn % len(rows) if rows else 0
    return rows[turn:] + rows[:turn]


def _nothing(rows: list[object], effect: Effect) -> list[object]:
    return []


_SPOILS: Mapping[str, Spoil] = {
    "page_cap": _cap,
    "truncate_list": _truncate,
    "empty_list": _nothing,
    "shifting_pages": rotate,
}
