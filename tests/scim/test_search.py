"""Searching: operators, sorting, paging by index and by cursor, `.search` (RFC 7644 section 3.4, RFC 9865)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scim.conftest import ENTERPRISE, USER, Client

PEOPLE: list[dict[str, Any]] = [
    {
        "userName": "alice@acme.com",
        "title": "Boss",
        "name": {"givenName": "Alice", "familyName": "Liddell"},
        "emails": [
            {"value": "alice@home.example", "type": "home"},
            {"value": "alice@work.example", "type": "work", "primary": True},
        ],
        ENTERPRISE: {"employeeNumber": "100", "manager": {"value": "m1"}},
    },
    {"userName": "Bob@acme.com", "active": False, "emails": [{"value": "bob@work.example", "type": "work"}]},
    {"userName": "carol@acme.com", "title": "50% off_", "roles": [{"value": "Admin", "primary": True}]},
    {"userName": "ÉMILE@acme.com", "title": "Größe", "name": {"familyName": "smith"}},
]


@pytest.fixture
def people(client: Client) -> dict[str, str]:
    """The ids of four people by the first letter of their names."""
    names = {}
    for person in PEOPLE:
        client.clock.move(seconds=1)
        names[person["userName"][0].lower()] = client.create("/Users", {"schemas": [USER], **person})["id"]
    return names


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        ('userName eq "BOB@ACME.COM"', "b"),
        ('userName eq "émile@acme.com"', "é"),
        ('userName eq "E\\u0301mile@acme.com"', "é"),
        ('userName ne "bob@acme.com"', "acé"),
        ('userName sw "AL"', "a"),
        ('userName ew "acme.com"', "abcé"),
        ('userName co "ob@"', "b"),
        ('userName gt "b"', "bcé"),
        ('userName le "carol@acme.com"', "abc"),
        ('title co "%"', "c"),
        ('title co "_"', "c"),
        ('title sw "grö"', "é"),
        ('title eq "GRÖSSE"', ""),
        ("title pr", "acé"),
        ("not (title pr)", "b"),
        ("title eq null", "b"),
        ("title ne null", "acé"),
        ('title ne "boss"', "bcé"),
        ('not (title eq "Boss")', "bcé"),
        ("active eq true", "acé"),
        ("active ne true", "b"),
        ('active eq "False"', "b"),
        ("name pr", "aé"),
        ("name.givenName pr", "a"),
        ('name.familyName eq "SMITH"', "é"),
        ("emails pr", "ab"),
        ('emails co "work"', "ab"),
        ('emails.type eq "home"', "a"),
        ('emails ne "bob@work.example"', "acé"),
        ('emails[type eq "work" and value sw "bob"]', "b"),
        ('emails[type eq "home" and primary eq true]', ""),
        ('emails[not (type eq "work")]', "a"),
        ("emails[primary pr]", "a"),
        ('emails[type eq "work"].value eq "BOB@work.example"', "b"),
        ('roles[primary eq "True"].value eq "admin"', "c"),
        (f'{ENTERPRISE}:employeeNumber eq "100"', "a"),
        (f"{ENTERPRISE}:manager.value pr", "a"),
        ('manager eq "m1"', "a"),
        (f'{USER}:userName eq "bob@acme.com"', "b"),
        ('title eq "Boss" or userName eq "bob@acme.com" and active eq true', "a"),
        ('(title eq "Boss" or userName eq "bob@acme.com") and active eq false', "b"),
        ('not (title eq "Boss") and active eq true', "cé"),
        ('TITLE EQ "boss" AND Active Eq TRUE', "a"),
        ('meta.created gt "2000-01-01T00:00:00Z"', "abcé"),
        ('meta.lastModified lt "2000-01-01T00:00:00+02:00"', ""),
        ('meta.resourceType eq "User"', "abcé"),
        ('schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"', "a"),
        ('password eq "x"', ""),
        ("id pr and externalId eq null", "abcé"),
        ('urn:x:unknown:2.0:User:thing eq "x"', ""),
    ],
)
def test_a_filter_selects(client: Client, people: dict[str, str], filter: str, found: str) -> None:
    assert set(client.find("/Users", filter)) == {people[letter] for letter in found}


def test_ids_and_external_ids_are_compared_with_their_case_and_names_without(client: Client) -> None:
    """RFC 7643 section 3.1 and section 8.7.1."""
    user = client.user("Ada@acme.com", externalId="aBc")
    assert client.find("/Users", 'userName eq "aDA@ACME.com" and externalId eq "aBc"') == [user["id"]]
    assert client.find("/Users", 'externalId eq "ABC"') == []
    assert client.find("/Users", f'id eq "{user["id"].upper()}"') == []


@pytest.mark.parametrize(
    "filter",
    [
        "userName",
        "userName eq",
        'userName eq "a" and',
        'nope eq "x"',
        "userName eq 5",
        "active gt true",
        'active eq "maybe"',
        'password sw "a"',
        'name eq "x"',
        'userName[value eq "x"]',
        'emails[nope eq "x"]',
        'meta.created gt "yesterday"',
        'userName eq "a\\u0000"',
        'userName eq "\\ud800"',
        "not (" * 50 + "id pr" + ")" * 50,
        'members.value eq "x"',
        'meta.location eq "x"',
        " or ".join(["id pr"] * 2000),
    ],
)
def test_a_filter_that_means_nothing_is_refused(client: Client, filter: str) -> None:
    assert client.error("POST", "/Users/.search", {"filter": filter}) == (400, "invalidFilter")


def test_the_longest_filter_runs(client: Client, people: dict[str, str]) -> None:
    assert len(client.find("/Users", " or ".join(["id pr"] * 900)[:8190].rpartition(" or ")[0])) == 4


def test_groups_and_members_are_filtered_where_they_are_rows(client: Client, people: dict[str, str]) -> None:
    group = client.group("Builders", members=[people["a"], people["b"]])
    empty = client.group("Nobody")
    assert set(client.find("/Users", 'groups.display eq "BUILDERS"')) == {people["a"], people["b"]}
    assert client.find("/Users", f'groups[value eq "{group["id"]}" and type eq "direct"] and active eq false') == [
        people["b"]
    ]
    assert set(client.find("/Users", "not (groups pr)")) == {people["c"], people["é"]}
    assert client.find("/Groups", f'members[value eq "{people["a"]}"]') == [group["id"]]
    assert client.find("/Groups", f'members[value eq "{people["a"]}" and type eq "user"]') == [group["id"]]
    assert client.find("/Groups", "members eq null") == [empty["id"]]


# ---------------------------------------------------------------- sorting


def names(page: dict[str, Any]) -> str:
    return "".join(resource["userName"][0].lower() for resource in page["Resources"])


@pytest.mark.parametrize(
    ("sort_by", "order", "expected"),
    [
        ("userName", "ascending", "abcé"),
        ("userName", "descending", "écba"),
        ("title", "ascending", "caéb"),
        ("title", "descending", "béac"),
        ("active", None, "b"),
        ("meta.created", "descending", "écba"),
        (f"{ENTERPRISE}:employeeNumber", None, "a"),
    ],
)
def test_resources_are_sorted_and_those_without_a_value_come_last(
    client: Client, people: dict[str, str], sort_by: str, order: str | None, expected: str
) -> None:
    query = {"sortBy": sort_by} | ({"sortOrder": order} if order else {})
    assert names(client.get("/Users", **query)).startswith(expected)


def test_a_multi_valued_attribute_is_sorted_by_its_primary_value(client: Client) -> None:
    client.user("a@x", emails=[{"value": "z@x"}, {"value": "b@x", "primary": True}])
    client.user("b@x", emails=[{"value": "a@x"}, {"value": "y@x"}])
    client.user("c@x")
    assert names(client.get("/Users", sortBy="emails")) == "bac"
    assert names(client.get("/Users", sortBy="emails", sortOrder="descending")) == "cab"


@pytest.mark.parametrize("sort_by", ["nope", "name", "password", 'emails[type eq "x"]', "x509Certificates", "a b"])
def test_what_cannot_be_sorted_by_is_refused(client: Client, sort_by: str) -> None:
    assert client.error("GET", "/Users", sortBy=sort_by) == (400, "invalidPath")


# ---------------------------------------------------------------- paging


@pytest.mark.parametrize(
    ("query", "start", "size"),
    [
        ({"startIndex": 0, "count": 2}, 1, 2),
        ({"startIndex": -5}, 1, 4),
        ({"startIndex": 3, "count": 5}, 3, 2),
        ({"startIndex": 9, "count": 5}, 9, 0),
        ({"count": 0}, 1, 0),
        ({"count": -1}, 1, 0),
        ({"count": 10**18}, 1, 4),
        ({"startIndex": 10**18}, 2**31 - 1, 0),
        ({"startIndex": "", "count": ""}, 1, 4),
    ],
)
def test_a_page_is_what_was_asked_for_and_the_total_does_not_depend_on_it(
    client: Client, people: dict[str, str], query: dict[str, Any], start: int, size: int
) -> None:
    page = client.get("/Users", **query)
    assert (page["totalResults"], page["startIndex"], page["itemsPerPage"]) == (4, start, size)
    assert len(page["Resources"]) == size


@pytest.mark.parametrize("query", [{"count": "x"}, {"startIndex": "1.5"}, {"sortBy": "id", "sortOrder": "up"}])
def test_a_page_that_means_nothing_is_refused(client: Client, query: dict[str, str]) -> None:
    assert client.error("GET", "/Users", **query) == (400, "invalidValue")


def walk(client: Client, path: str, **query: Any) -> list[dict[str, Any]]:
    pages = [client.get(path, cursor="", **query)]
    while cursor := pages[-1].get("nextCursor"):
        pages.append(client.get(path, cursor=cursor, **query))
    return pages


def test_cursors_lead_through_everything_once_and_back(client: Client, people: dict[str, str]) -> None:
    pages = walk(client, "/Users", count=3, sortBy="title", sortOrder="descending")
    assert [names(page) for page in pages] == ["béa", "c"]
    assert all("startIndex" not in page for page in pages)
    back = client.get("/Users", cursor=pages[1]["previousCursor"], count=3, sortBy="title", sortOrder="descending")
    assert names(back) == "béa"
    assert "previousCursor" not in back


def test_a_cursor_neither_skips_nor_repeats_when_resources_come_and_go(client: Client, people: dict[str, str]) -> None:
    first = client.get("/Users", cursor="", count=2)
    client.send("DELETE", f"/Users/{people['a']}")
    client.clock.move(seconds=1)
    client.user("zoe@acme.com")
    rest = client.get("/Users", cursor=first["nextCursor"], count=2)
    assert names(first) + names(rest) == "abcé"


def test_a_cursor_is_for_the_search_it_was_made_for(client: Client, people: dict[str, str]) -> None:
    cursor = client.get("/Users", cursor="", count=2)["nextCursor"]
    for query in ({"count": 2, "filter": "active eq true"}, {"count": 2, "sortBy": "title"}):
        assert client.error("GET", "/Users", cursor=cursor, **query) == (400, "invalidCursor")
    assert client.error("GET", "/Users", cursor=cursor, count=3) == (400, "invalidCount")
    for broken in ("nonsense", "AAAA", cursor[:-4], "W10"):
        assert client.error("GET", "/Users", cursor=broken, count=2) == (400, "invalidCursor")
    assert client.error("GET", "/Users", cursor=cursor, count=2, startIndex=1) == (400, "invalidValue")


# ---------------------------------------------------------------- .search, root


def test_a_search_with_a_body_is_the_same_search(client: Client, people: dict[str, str]) -> None:
    body = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": "title pr",
        "attributes": ["userName"],
        "sortBy": "userName",
        "count": 2,
        "startIndex": 1,
    }
    page = client.send("POST", "/Users/.search", body).get_json(force=True)
    assert (page["totalResults"], names(page)) == (3, "ac")
    assert page["Resources"][1].keys() == {"schemas", "id", "userName"}


def test_the_root_searches_every_type_and_an_attribute_selects_only_those_that_have_it(
    client: Client, people: dict[str, str]
) -> None:
    client.group("Builders")
    assert client.get("/")["totalResults"] == 5
    found = client.send("POST", "/.search", {"filter": 'displayName eq "builders" or title eq "boss"'})
    types = [resource["meta"]["resourceType"] for resource in found.get_json(force=True)["Resources"]]
    assert types == ["User", "Group"]
    assert client.error("POST", "/.search", {"filter": "nope pr"}) == (400, "invalidFilter")
    assert client.get("/", filter="userName pr", sortBy="userName")["totalResults"] == 4


def test_a_search_body_that_means_nothing_is_refused(client: Client) -> None:
    assert client.error("POST", "/.search", []) == (400, "invalidSyntax")
    for body in ({"filter": 1}, {"count": True}, {"count": [1]}, {"attributes": 1}, {"sortBy": {}}):
        assert client.error("POST", "/.search", body) == (400, "invalidValue")
