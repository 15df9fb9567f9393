"""Lists: filter, order, page. Entries are rendered for the page only."""

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from app.sandbox.call import Call
from app.sandbox.replies import ApiError, Json, Reply, scim_reply
from app.sandbox.scim.filters import Equality, parse_filter, unsupported
from app.sandbox.world.world import Transaction

R = TypeVar("R")

LIST_RESPONSE = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


@dataclass(frozen=True)
class Collection(Generic[R]):
    """How one kind of resource is listed. `find` returns None for an attribute it cannot filter by.

    `entry` is what a list shows, `whole` what the resource itself does.
    """

    rows: Callable[[Transaction], list[R]]
    find: Callable[[Transaction, Equality], list[R] | None]
    entry: Callable[[Transaction, R], Json]
    whole: Callable[[Transaction, R], Json]
    sort_keys: Mapping[str, Callable[[R], str]]


def list_reply(call: Call, collection: Collection[R]) -> Reply:
    """Answer a list call; raises ApiError 400 for a filter or a number that cannot be understood."""
    rows = _ordered(call, collection, _chosen(call, collection))
    start = max(1, _integer(call, "startIndex", 1))
    page = rows[start - 1 : start - 1 + _count(call, len(rows))]
    body = {
        "schemas": [LIST_RESPONSE],
        "startIndex": start,
        "itemsPerPage": len(page),
        "totalResults": len(rows),
        "Resources": [_shown(call, collection, row) for row in page],
    }
    return scim_reply(call.tx.knobs, body)


def _shown(call: Call, collection: Collection[R], row: R) -> Json:
    """Return an entry; whether `attributes` may ask for more than an entry shows is not documented."""
    knobs = call.tx.knobs
    asked = {name.strip().lower() for name in call.request.query.get("attributes", "").split(",")} - {""}
    if knobs["list_attributes"] == "ignored" or not asked:
        shown = collection.entry(call.tx, row)
    else:
        always = {"schemas", "id"}
        shown = {
            name: value for name, value in collection.whole(call.tx, row).items() if name.lower() in asked | always
        }
    if knobs["list_attributes"] == "members_cut" and "members" in shown:
        shown["members"] = shown["members"][:1]
    if knobs["last_modified"] == "absent" and "meta" in shown:
        shown["meta"] = {name: value for name, value in shown["meta"].items() if name != "lastModified"}
    return shown


def _chosen(call: Call, collection: Collection[R]) -> list[R]:
    text = call.request.query.get("filter", "")
    wanted = parse_filter(text)
    if wanted is None:
        return collection.rows(call.tx)
    found = collection.find(call.tx, wanted)
    if found is None:
        raise unsupported(text)
    return found


def _ordered(call: Call, collection: Collection[R], rows: list[R]) -> list[R]:
    """Sort as asked. Row 27: without sortBy by creation, or by nothing one can rely on."""
    key = collection.sort_keys.get(call.request.query.get("sortBy", "").lower())
    if key is not None:
        descending = call.request.query.get("sortOrder", "").lower() == "descending"
        return sorted(rows, key=lambda row: (key(row).casefold(), key(row)), reverse=descending)
    shifting = call.effect("shifting_pages")
    if shifting and rows:
        turn = shifting.turn % len(rows)
        return rows[turn:] + rows[:turn]
    if call.tx.knobs["unsorted_order"] == "unstable":
        return random.sample(rows, len(rows))
    return rows


def _count(call: Call, total: int) -> int:
    """Return how many rows a page may hold (row 26: no default and no maximum are documented)."""
    cap = int(call.tx.knobs.number("list_count_cap")) or total
    return min(max(0, _integer(call, "count", total)), cap)


def _integer(call: Call, name: str, default: int) -> int:
    text = call.request.query.get(name, "").strip()
    if not text:
        return default
    if not re.fullmatch(r"[+-]?\d{1,15}", text):
        raise ApiError(400, f"{name} must be an integer", name="invalidValue")
    return int(text)
