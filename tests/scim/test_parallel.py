"""Twenty clients at once: no lost update, no duplicate, no deadlock, no 5xx, on both databases."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.scim.conftest import Client

CLIENTS = 20


def together(client: Client, work: Callable[[Client, Any], Any], jobs: Iterable[Any]) -> list[Any]:
    """Run work for each job, each on a client of its own, twenty at a time."""

    def one(job: Any) -> Any:
        return work(client.another(), job)

    with ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(one, jobs))


def test_members_added_and_removed_at_once_are_all_added_and_removed(client: Client) -> None:
    ids = [client.user(f"u{number}@acme.com")["id"] for number in range(80)]
    group = client.group(members=ids[:40])

    def change(client: Client, number: int) -> int:
        member = {"value": ids[number]}
        operation = {"op": "Remove" if number < 40 else "Add", "path": "members", "value": [member]}
        return client.send("PATCH", f"/Groups/{group['id']}", {"Operations": [operation]}).status_code

    numbers = list(range(80))
    random.Random(7).shuffle(numbers)
    assert Counter(together(client, change, numbers)) == {200: 80}
    assert client.members(group) == set(ids[40:])
    assert client.get(f"/Groups/{group['id']}")["meta"]["version"] == 'W/"81"'


def test_one_writer_wins_each_version(client: Client) -> None:
    user = client.user()
    path = f"/Users/{user['id']}"

    def update(client: Client, number: int) -> int:
        body = {"Operations": [{"op": "replace", "path": "title", "value": f"t{number}"}]}
        return client.send("PATCH", path, body, headers={"If-Match": user["meta"]["version"]}).status_code

    assert Counter(together(client, update, range(CLIENTS))) == {200: 1, 412: CLIENTS - 1}
    assert client.get(path)["meta"]["version"] == 'W/"2"'


def test_no_update_is_lost_when_each_client_tries_again_on_412(client: Client) -> None:
    path = f"/Users/{client.user(title='0')['id']}"

    def count_up(client: Client, number: int) -> set[int]:
        statuses = set()
        while 200 not in statuses:
            read = client.get(path)
            body = {**read, "title": str(int(read["title"]) + 1)}
            response = client.send("PUT", path, body, headers={"If-Match": read["meta"]["version"]})
            statuses.add(response.status_code)
        return statuses

    assert set().union(*together(client, count_up, range(CLIENTS))) <= {200, 412}
    assert client.get(path)["title"] == str(CLIENTS)


def test_changes_of_different_attributes_at_once_are_all_kept(client: Client) -> None:
    user = client.user()
    path = f"/Users/{user['id']}"
    names = ["title", "nickName", "displayName", "locale", "timezone", "userType", "profileUrl", "preferredLanguage"]

    def update(client: Client, name: str) -> int:
        return client.send("PATCH", path, {"Operations": [{"op": "Add", "path": name, "value": name}]}).status_code

    assert Counter(together(client, update, names)) == {200: len(names)}
    assert {name: client.get(path)[name] for name in names} == {name: name for name in names}


def test_one_creation_of_a_name_wins(client: Client) -> None:
    def create(client: Client, number: int) -> int:
        name = "ada@acme.com" if number % 2 else "ADA@acme.com"
        return client.send("POST", "/Users", {"userName": name}).status_code

    assert Counter(together(client, create, range(CLIENTS))) == {201: 1, 409: CLIENTS - 1}
    assert client.get("/Users")["totalResults"] == 1


def test_renames_to_one_name_leave_one_of_it(client: Client) -> None:
    ids = [client.user(f"u{number}@acme.com")["id"] for number in range(CLIENTS)]

    def rename(client: Client, id_: str) -> int:
        body = {"Operations": [{"op": "replace", "value": {"userName": "ada@acme.com"}}]}
        return client.send("PATCH", f"/Users/{id_}", body).status_code

    assert Counter(together(client, rename, ids)) == {200: 1, 409: CLIENTS - 1}
    assert len(client.find("/Users", 'userName eq "ada@acme.com"')) == 1


def test_people_deleted_while_their_groups_change_leave_no_trace_and_no_deadlock(client: Client) -> None:
    ids = [client.user(f"u{number}@acme.com")["id"] for number in range(30)]
    groups = [client.group(f"g{number}", members=ids) for number in range(4)]

    def work(client: Client, job: tuple[str, str]) -> int:
        group, id_ = job
        if group == "delete":
            return client.send("DELETE", f"/Users/{id_}").status_code
        operations = [
            {"op": "remove", "path": f'members[value eq "{id_}"]'},
            {"op": "add", "path": "members", "value": [{"value": ids[-1]}]},
        ]
        return client.send("PATCH", f"/Groups/{group}", {"Operations": operations}).status_code

    jobs = [("delete", id_) for id_ in ids[:20]]
    jobs += [(group["id"], id_) for group in groups for id_ in ids[:20]]
    random.Random(3).shuffle(jobs)
    assert set(together(client, work, jobs)) == {200, 204}
    assert all(client.members(group) == set(ids[20:]) for group in groups)


def test_bulk_requests_that_cross_each_other_end(client: Client) -> None:
    names = [f"u{number}@acme.com" for number in range(60)]

    def bulk(client: Client, number: int) -> int:
        mine = names[:] if number % 2 else names[::-1]
        operations = [{"method": "POST", "path": "/Users", "bulkId": name, "data": {"userName": name}} for name in mine]
        return client.send("POST", "/Bulk", {"Operations": operations}).status_code

    assert Counter(together(client, bulk, range(6))) == {200: 6}
    assert client.get("/Users", count=0)["totalResults"] == len(names)
