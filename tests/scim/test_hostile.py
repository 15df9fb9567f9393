"""Malformed, huge, deep, wrongly encoded, injection-like input: a 4xx with a SCIM error, and nothing stored."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.scim.blueprint import MAX_BODY_BYTES
from tests.scim.conftest import ENTERPRISE, Client

INJECTIONS = [
    "'; DROP TABLE resources; --",
    '" or userName pr or userName eq "',
    "%' OR '1'='1",
    "\\",
    "${jndi:ldap://x}",
    "{{7*7}}",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "a\u202eb",
    "😀" * 50,
]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b'{"userName": }',
        b"\xff\xfe\x00",
        b'{"userName": "\xe9"}',
        b'{"userName": "\xed\xa0\x80"}',
        b'{"userName": "\\ud800"}',
        b"nul\x00",
        b"[" * 100_000,
        b'{"a":' * 2000 + b"1" + b"}" * 2000,
        b'{"userName": NaN}',
        b'{"userName": "a", "b": ' + b"[" * 900 + b'"\\u0000"' + b"]" * 900 + b"}",
        b"userName=ada",
        b"<user/>",
        b'"text"',
        b"[]",
        b"12",
        b"null",
    ],
)
def test_a_body_that_is_no_resource_is_refused(client: Client, raw: bytes) -> None:
    for method, path in (("POST", "/Users"), ("POST", "/Groups"), ("POST", "/ServiceAccounts"), ("POST", "/Bulk")):
        assert client.error(method, path, raw)[0] == 400
    assert client.get("/")["totalResults"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"userName": None},
        {"userName": ""},
        {"userName": "   "},
        {"userName": 5},
        {"userName": ["a"]},
        {"userName": {"a": "b"}},
        {"userName": "a\u0000b"},
        {"userName": "x" * 5000},
        {"userName": "a", "externalId": "x" * 5000},
        {"userName": "a", "active": 1},
        {"userName": "a", "emails": 5},
        {"userName": "a", "emails": [["x"]]},
        {"userName": "a", "emails": [{"value": 5}]},
        {"userName": "a", "name": ["x", "y"]},
        {"userName": "a", ENTERPRISE: "x"},
        {"userName": "a", ENTERPRISE: {"manager": 7}},
        {"userName": "a", "urn:x:y": {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {"i": "j"}}}}}}}}}},
    ],
)
def test_a_value_that_its_attribute_cannot_hold_is_refused(client: Client, body: dict[str, Any]) -> None:
    assert client.error("POST", "/Users", body) == (400, "invalidValue")
    assert client.get("/Users")["totalResults"] == 0


def test_a_group_whose_members_are_none_is_refused(client: Client) -> None:
    for members in ([{"value": 5}], [{}], [[]], 5, {"value": None}, [{"value": "a\u0000"}]):
        assert client.error("POST", "/Groups", {"displayName": "g", "members": members}) == (400, "invalidValue")
    assert client.get("/Groups")["totalResults"] == 0


@pytest.mark.parametrize("text", INJECTIONS)
def test_text_that_looks_like_an_attack_is_text(client: Client, text: str) -> None:
    user = client.user(
        text, displayName=text, emails=[{"value": text, "type": text}], **{ENTERPRISE: {"division": text}}
    )
    group = client.group(text, members=[user["id"]])
    quoted = json.dumps(text)
    for filter in (
        f"userName eq {quoted}",
        f"emails[type eq {quoted} and value eq {quoted}]",
        f"displayName co {quoted}",
    ):
        assert client.find("/Users", filter) == [user["id"]]
    assert client.find("/Groups", f"displayName eq {quoted} and members pr") == [group["id"]]
    assert client.get(f"/Users/{user['id']}")["groups"][0]["display"] == text
    assert client.error("GET", f"/Users/{text.replace('/', '')}x")[0] == 404


def test_a_body_of_another_type_is_refused(client: Client) -> None:
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        response = client.send("POST", "/Users", {"userName": "a"}, headers={"Content-Type": content_type})
        assert response.status_code == 415
        assert response.get_json(force=True)["status"] == "415"


def test_a_charset_parameter_is_heeded(client: Client) -> None:
    def post(raw: bytes, charset: str) -> int:
        headers = {"Content-Type": f"application/json; charset={charset}"}
        return client.send("POST", "/Users", raw, headers=headers).status_code

    assert post('{"userName": "é1"}'.encode("latin-1"), "ISO-8859-1") == 201
    assert post('{"userName": "é2"}'.encode("utf-16"), "utf-16") == 201
    assert post('{"userName": "é3"}'.encode(), '"UTF-8"') == 201
    assert post(b"\xef\xbb\xbf" + '{"userName": "é4"}'.encode(), "utf-8") == 201
    for charset in ("klingon", "undefined", "zlib", "a b"):
        assert post(b'{"userName": "5"}', charset) == 400
    assert post(b'{"userName": "+2AA-"}', "utf-7") == 400  # half of a character
    assert {user["userName"] for user in client.get("/Users")["Resources"]} == {"é1", "é2", "é3", "é4"}


def test_a_body_beyond_the_limit_is_a_413(client: Client) -> None:
    assert client.error("POST", "/Users", b" " * (MAX_BODY_BYTES + 1)) == (413, None)


def test_a_path_with_strange_bytes_is_a_404(client: Client) -> None:
    for path in ("/Users/%00", "/Users/%ff%fe", "/Users/%F0%9F%98%80", "/Users/%2e%2e", "/Users/" + "x" * 3000):
        assert client.error("GET", path) == (404, None)
        assert client.error("DELETE", path) == (404, None)


def test_a_header_with_strange_bytes_is_a_401(client: Client) -> None:
    for value in ("Bearer é", "Bearer \udce9", "Bearer", "Basic dTpw", "Bearer  ", "bearer x y"):
        response = client.send("GET", "/Users", headers={"Authorization": value})
        assert response.status_code == 401


def test_a_bulk_request_that_is_nested_too_deeply_is_refused(client: Client) -> None:
    data = b"[" * 900 + b'"bulkId:a"' + b"]" * 900
    operation = b'{"method": "POST", "path": "/Users", "bulkId": "a", "data": ' + data + b"}"
    assert client.error("POST", "/Bulk", b'{"Operations": [' + operation + b"]}") == (400, "invalidSyntax")


def test_a_base_url_that_ends_with_a_slash_doubles_one_and_works(client: Client) -> None:
    response = client.send("POST", "//Users", {"userName": "ada@acme.com"})
    assert response.status_code == 201
    location = response.headers["Location"]
    assert location == f"http://localhost/scim/v2/Users/{response.get_json(force=True)['id']}"
    assert client.get("/Users//")["totalResults"] == client.get("")["totalResults"] == 1


@pytest.mark.parametrize("method", ["TRACE", "PROPFIND", "NONSENSE"])
def test_a_method_that_scim_does_not_know_is_refused_in_its_form(client: Client, method: str) -> None:
    assert client.error(method, "/Users") == (405, None)
    headers = {"Authorization": "Bearer wrong"}
    assert client.send(method, "/Users", headers=headers).status_code == 401
