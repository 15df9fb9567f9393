"""What is measured: what Okta and Entra do all day."""

from __future__ import annotations

import json
from urllib.parse import quote

from tests.benchmarks.scim.bodies import PATCH_OP, deactivation, member_change, name_of, person
from tests.benchmarks.scim.load import Figure, batches, run
from tests.benchmarks.scim.servers import Server
from tests.benchmarks.scim.wire import Wire, WrongAnswer

PAGE = 100
_SAMPLES = 40


def creations(server: Server, count: int, first: int = 0) -> tuple[Figure, list[str]]:
    """POST /Users; return the ids, too."""
    ids: list[str] = []

    def create(wire: Wire, number: int) -> None:
        body = person(number)
        answer = wire.send("POST", "/Users", body, expect=201)
        _require(answer["userName"] == body["userName"] and answer["active"] is True)
        ids.append(answer["id"])

    return run(server, range(first, first + count), create), ids


def ids_of(server: Server) -> list[str]:
    """Return the ids of all users."""
    wire, ids = Wire(server.port, server.secret), list[str]()
    while True:
        page = wire.send("GET", f"/Users?attributes=id&startIndex={len(ids) + 1}&count=1000", expect=200)
        if not page["Resources"]:
            wire.close()
            return ids
        ids += [found["id"] for found in page["Resources"]]


def lookups(server: Server, count: int) -> Figure:
    """GET /Users by userName, in another case than it was pushed."""

    def look_up(wire: Wire, number: int) -> None:
        text = quote(f'userName eq "{name_of(number).upper()}"')
        answer = wire.send("GET", f"/Users?filter={text}&startIndex=1&count=100", expect=200)
        _require([found["userName"] for found in answer["Resources"]] == [name_of(number)])

    return run(server, range(count), look_up)


def listing(server: Server, count: int) -> Figure:
    """GET /Users page after page; the unit is a user."""

    def page(wire: Wire, start: int) -> int:
        answer = wire.send("GET", f"/Users?startIndex={start}&count={PAGE}", expect=200)
        _require(len(answer["Resources"]) == PAGE)
        return len(answer["Resources"])

    return run(server, range(1, count - PAGE + 2, PAGE), page)


def deep_listing(server: Server) -> Figure:
    """GET pages of /Users all over a large directory; the unit is a user."""

    def page(wire: Wire, start: int) -> int:
        return len(wire.send("GET", f"/Users?startIndex={start}&count={PAGE}", expect=200)["Resources"])

    return run(server, range(1, 100_000, 2_500), page)


def deactivations(server: Server, ids: list[str]) -> Figure:
    """PATCH active to false."""

    def deactivate(wire: Wire, job: tuple[int, str]) -> None:
        number, id_ = job
        _require(wire.send("PATCH", f"/Users/{id_}", deactivation(number), expect=200)["active"] is False)

    return run(server, enumerate(ids), deactivate)


def bulk(server: Server, count: int, first: int) -> Figure:
    """POST /Bulk, a thousand creations each; the unit is a creation."""

    def post(wire: Wire, numbers: list[int]) -> int:
        operations = [
            {"method": "POST", "path": "/Users", "bulkId": str(number), "data": person(number)} for number in numbers
        ]
        answer = wire.send("POST", "/Bulk", {"Operations": operations}, expect=200)
        _require({outcome["status"] for outcome in answer["Operations"]} == {"201"})
        return len(numbers)

    return run(server, batches(range(first, first + count), 1000), post, clients=2)


def group_of(server: Server, ids: list[str], size: int) -> str:
    """Return the id of a new group of a size."""
    wire = Wire(server.port, server.secret)
    members = [{"value": id_} for id_ in ids[:size]]
    path = "/Groups?attributes=id"
    group: str = wire.send("POST", path, {"displayName": f"group {size}", "members": members}, expect=201)["id"]
    wire.close()
    return group


def member_changes(server: Server, group: str, others: list[str]) -> dict[str, Figure]:
    """PATCH one member in and out of a group, and the reads that Entra makes of it."""

    def change(op: str) -> Figure:
        def patch(wire: Wire, id_: str) -> None:
            status, _ = wire.exchange("PATCH", f"/Groups/{group}", member_change(op, id_))
            _require(status in {200, 204})

        return run(server, others[:_SAMPLES], patch, clients=1)

    def read(query: str, samples: int) -> Figure:
        def get(wire: Wire, _: int) -> None:
            status, raw = wire.exchange("GET", f"/Groups/{group}{query}")
            _require(status == 200 and (b'"members"' in raw) is (not query))

        return run(server, range(samples), get, clients=1)

    without = "?excludedAttributes=members"
    return {"add": change("Add"), "remove": change("Remove"), "without": read(without, _SAMPLES), "whole": read("", 5)}


def replacements(server: Server, group: str, ids: list[str]) -> Figure:
    """PUT a whole group, with one member less each time; the unit is a request."""

    def put(wire: Wire, number: int) -> None:
        members = [{"value": id_} for id_ in ids[number + 1 :]]
        body = {"schemas": [PATCH_OP], "displayName": f"replaced {group}", "members": members}
        status, raw = wire.exchange("PUT", f"/Groups/{group}?attributes=id", body)
        _require(status == 200 and json.loads(raw)["id"] == group)

    return run(server, range(3), put, clients=1)


def _require(is_right: bool) -> None:
    if not is_right:
        raise WrongAnswer("an answer does not say what was asked for")
