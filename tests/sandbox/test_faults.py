"""Faults on demand."""

import pytest

from app.sandbox.faults import KINDS, ConnectionDropped
from tests.sandbox.client import AUTHZ, SCIM, SECRETS, Sandbox, assignment, names, role

USERS = f"{SCIM}/Users"


def exists(sandbox: Sandbox, user_name: str) -> bool:
    return user_name in {user["userName"] for user in sandbox.state()["users"]}


def test_status_answers_in_the_services_shape_and_does_nothing(sandbox: Sandbox) -> None:
    sandbox.fault("status", {"path_regex": "/Users$", "times": 2}, status=429, retry_after=7)
    refused = sandbox.post(USERS, {"userName": "a@b.example"})
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "7")
    assert refused.get_json()["status"] == "429"
    assert not exists(sandbox, "a@b.example")
    assert sandbox.get(USERS).status_code == 429
    assert sandbox.get(USERS).status_code == 200


def test_status_takes_a_date_as_retry_after(sandbox: Sandbox) -> None:
    sandbox.fault("status", retry_after="Sun, 01 Mar 2026 12:00:09 GMT")
    refused = sandbox.get(SECRETS)
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "Sun, 01 Mar 2026 12:00:09 GMT"
    assert refused.get_json()["code"] == 14


def test_nth_counts_matching_calls_only(sandbox: Sandbox) -> None:
    sandbox.fault("status", {"method": "get", "path_regex": "/Users", "nth": 3})
    sandbox.get(f"{SCIM}/Groups")
    sandbox.post(USERS, {"userName": "a@b.example"})
    assert [sandbox.get(USERS).status_code for _ in range(4)] == [200, 200, 503, 200]


def test_times_zero_lasts_until_removed(sandbox: Sandbox) -> None:
    fault = sandbox.fault("status", {"times": 0})
    assert {sandbox.get(USERS).status_code for _ in range(5)} == {503}
    sandbox.control("DELETE", f"faults/{fault['id']}")
    assert sandbox.get(USERS).status_code == 200


def test_reset_drops_the_connection_before_the_write(sandbox: Sandbox) -> None:
    sandbox.fault("reset")
    with pytest.raises(ConnectionDropped) as dropped:
        sandbox.post(USERS, {"userName": "a@b.example"})
    assert not dropped.value.done
    assert not exists(sandbox, "a@b.example")


def test_lost_reply_drops_the_connection_after_the_write(sandbox: Sandbox) -> None:
    sandbox.fault("lost_reply")
    with pytest.raises(ConnectionDropped) as dropped:
        sandbox.post(USERS, {"userName": "a@b.example"})
    assert dropped.value.done
    assert exists(sandbox, "a@b.example")
    last = sandbox.log()[-1]
    assert (last["status"], last["fault"]) == (0, "1:lost_reply")


def test_slow_waits_then_answers(sandbox: Sandbox) -> None:
    sandbox.fault("slow", seconds=2.5)
    assert sandbox.get(USERS).status_code == 200
    assert sandbox.slept == [2.5]


def test_roles_ignored_answers_as_usual_and_leaves_the_roles(sandbox: Sandbox) -> None:
    user = sandbox.user("ana@example.com", role("workspace_prod", "viewer"))
    sandbox.fault("roles_ignored", {"times": 3})
    path = f"{USERS}/{user['id']}"
    body = {
        "userName": "ana@example.com",
        "name": {"givenName": "A"},
        "roles": [role("workspace_prod", "owner")],
    }
    answer = sandbox.put(path, body)
    assert answer.status_code == 200 and answer.get_json()["name"]["givenName"] == "A"
    entry = assignment("USER", user["id"], "snowflake", "read_scope_role")
    assert sandbox.post(f"{AUTHZ}/assign-roles", {"assignments": [entry]}).status_code == 200
    sandbox.control("DELETE", "faults")
    assert sandbox.roles("Users", user["id"]) == [role("workspace_prod", "viewer")]


def test_stale_reads_from_before_the_last_write(sandbox: Sandbox) -> None:
    user = sandbox.user("ana@example.com", role("workspace_prod", "viewer"))
    path = f"{USERS}/{user['id']}"
    sandbox.put(path, {"userName": "ana@example.com"})
    sandbox.fault("stale", {"method": "GET"})
    assert sandbox.get(path).get_json()["roles"] == [role("workspace_prod", "viewer")]
    assert sandbox.get(path).get_json()["roles"] == []


def test_stale_by_seconds_reads_the_world_of_that_moment(sandbox: Sandbox) -> None:
    user = sandbox.user()
    sandbox.clock.forward(10)
    sandbox.delete(f"{USERS}/{user['id']}")
    sandbox.clock.forward(3)
    sandbox.fault("stale", {"times": 2}, seconds=5)
    assert sandbox.get(f"{USERS}/{user['id']}").status_code == 200
    assert names(sandbox.get(USERS)) == ["admin@example.com", "ana@example.com"]
    assert sandbox.get(f"{USERS}/{user['id']}").status_code == 404


def test_html_comes_instead_of_json(sandbox: Sandbox) -> None:
    sandbox.fault("html", status=502)
    answer = sandbox.get(USERS)
    assert (answer.status_code, answer.mimetype) == (502, "text/html")


def test_page_cap_gives_fewer_rows_but_the_whole_total(sandbox: Sandbox) -> None:
    for number in range(4):
        sandbox.user(f"u{number}@example.com")
    sandbox.fault("page_cap", {"times": 0}, size=2)
    answer = sandbox.get(f"{USERS}?count=100").get_json()
    assert (len(answer["Resources"]), answer["itemsPerPage"], answer["totalResults"]) == (2, 2, 5)
    seen: list[str] = []
    while len(seen) < 5:
        seen += names(sandbox.get(f"{USERS}?count=100&startIndex={len(seen) + 1}"))
    assert len(set(seen)) == 5


def test_truncated_and_empty_lists_look_complete(sandbox: Sandbox) -> None:
    for number in range(3):
        sandbox.user(f"u{number}@example.com")
    sandbox.fault("truncate_list", {"path_regex": "/Users$"}, keep=1)
    truncated = sandbox.get(USERS).get_json()
    assert (truncated["totalResults"], len(truncated["Resources"])) == (1, 1)
    sandbox.fault("empty_list", {"times": 2})
    assert sandbox.get(USERS).get_json()["totalResults"] == 0
    assert sandbox.get(SECRETS).get_json() == {}
    sandbox.fault("truncate_list")
    assert len(sandbox.get(SECRETS).get_json()["scopes"]) == 1


def test_shifting_pages_lose_and_repeat_rows_under_an_honest_total(sandbox: Sandbox) -> None:
    for number in range(5):
        sandbox.user(f"u{number}@example.com")
    sandbox.fault("shifting_pages", {"times": 0})
    pages = [sandbox.get(f"{USERS}?startIndex={start}&count=2") for start in (1, 3, 5)]
    assert {page.get_json()["totalResults"] for page in pages} == {6}
    seen = [name for page in pages for name in names(page)]
    assert len(seen) == 6 and len(set(seen)) < 6


def test_faults_are_listed_with_their_counters(sandbox: Sandbox) -> None:
    sandbox.fault("status", {"nth": 2})
    for _ in range(3):
        sandbox.get(USERS)
    (fault,) = sandbox.control("GET", "faults")
    assert (fault["seen"], fault["fired"], fault["spent"]) == (2, 1, True)
    assert fault["effect"] == {"kind": "status"}


@pytest.mark.parametrize(
    "description",
    [
        {},
        {"effect": {"kind": "earthquake"}},
        {"effect": {"kind": "slow", "seconds": "long"}},
        {"effect": {"kind": "slow", "colour": "red"}},
        {"effect": {"kind": "slow"}, "match": {"path_regex": "("}},
        {"effect": {"kind": "slow"}, "match": {"times": -1}},
        {"effect": {"kind": "slow"}, "match": {"who": "me"}},
        {"effect": "slow"},
    ],
)
def test_badly_described_faults_are_refused(sandbox: Sandbox, description: object) -> None:
    answer = sandbox.http.post("/_sandbox/faults", json=description)
    assert answer.status_code == 400
    assert answer.get_json()["error"]


def test_every_kind_can_be_made(sandbox: Sandbox) -> None:
    for kind in KINDS:
        sandbox.fault(kind)
    assert [fault["effect"]["kind"] for fault in sandbox.control("GET", "faults")] == list(KINDS)


def test_latency_is_spent_on_every_call(sandbox: Sandbox) -> None:
    sandbox.turn(latency_seconds="0.25")
    sandbox.get(USERS)
    sandbox.get(SECRETS)
    assert sandbox.slept == [0.25, 0.25]
