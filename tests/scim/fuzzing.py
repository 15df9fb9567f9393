"""Requests of every kind as hypothesis draws them: mostly nearly sound, so that they reach deep, some broken."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

from tests.scim.conftest import ENTERPRISE, GROUP, TECTON_GROUP, USER

# Stands for the id of a user or group that is there, in paths and in values.
USER_ID, GROUP_ID = "{user}", "{group}"


@dataclass(frozen=True)
class Request:
    """One request; `raw` is its body as bytes."""

    method: str
    path: str
    raw: bytes = b""
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)


def mostly(usual: st.SearchStrategy[Any], other: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Draw the usual nine times out of ten (`one_of` would draw each alternative as often as the other)."""
    return st.integers(0, 9).flatmap(lambda number: other if number == 9 else usual)


# ---------------------------------------------------------------- values

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
texts |= st.sampled_from(["a@b", "True", "false", "work", "", " ", "😀", "%", "{}", '{"value": "x"}', "1", USER_ID])
scalars = st.none() | st.booleans() | texts | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=8
)
SUBS = ["value", "type", "primary", "display", "$ref", "formatted", "givenName", "managerId", "displayName", "nope"]
entries = st.dictionaries(st.sampled_from(SUBS), mostly(texts | st.booleans(), values), max_size=3)
members = st.lists(st.sampled_from([USER_ID, GROUP_ID, "nobody"]).map(lambda id_: {"value": id_}), max_size=3)

SINGLE = ["title", "displayName", "nickName", "externalId", "userType", "locale", "profileUrl", "password", "name"]
SINGLE += [f"{ENTERPRISE}:department", f"{TECTON_GROUP}:description", f"{USER}:title", "name.givenName", "urn:a:b:c"]
MANY = ["emails", "phoneNumbers", "addresses", "roles", "entitlements", "ims", "photos", "x509Certificates"]
MANY += [f"{TECTON_GROUP}:idpMappingNames"]
ODD = ["userName", "id", "meta", "groups", "schemas", "active", "manager", f"{ENTERPRISE}:manager", ENTERPRISE, "nope"]
ODD += [TECTON_GROUP, "urn:a:b", "urn:", "urn:a:b:c.d", f"{ENTERPRISE}.manager", f"{GROUP}:members", "x[y", "", "a.b.c"]
names = st.sampled_from([*SINGLE, *MANY, *ODD])


def _body(required: str) -> st.SearchStrategy[dict[str, Any]]:
    single = st.dictionaries(st.sampled_from(SINGLE), texts, max_size=3)
    many = st.dictionaries(st.sampled_from(MANY), st.lists(entries, max_size=3), max_size=2)
    odd = st.dictionaries(names, values | entries | members, max_size=2)
    named = st.fixed_dictionaries({required: mostly(st.text("abcdefgé", min_size=1, max_size=6), values)})
    return st.builds(lambda *parts: {**parts[0], **parts[1], **parts[2], **parts[3]}, single, many, odd, named)


users, groups = _body("userName"), _body("displayName")
groups = st.builds(lambda group, listed: {**group, "members": listed}, groups, mostly(members, values))
bodies = users | groups

# ---------------------------------------------------------------- filters and paths

strings = [*SINGLE, "userName", "id", "emails.value", "emails.type", "roles.value", "meta.resourceType", "manager"]
strings += ["members.value", "members", "groups.display", "groups", "emails", "meta.version", "urn:a:b:c", "schemas"]
compared = st.builds(
    "{} {} {}".format,
    st.sampled_from(strings),
    st.sampled_from(["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "EQ"]),
    texts.map(json.dumps),
)
compared |= st.builds(
    "{} {} {}".format,
    st.sampled_from(["active", "emails.primary", "roles.primary"]),
    st.sampled_from(["eq", "ne"]),
    st.sampled_from(["true", "false", '"True"', "null"]),
)
compared |= st.sampled_from(['meta.created gt "2026-01-01T00:00:00Z"', 'meta.lastModified le "2026-01-01"', "title pr"])
selected = st.builds(
    "{} {} {}".format, st.sampled_from(SUBS), st.sampled_from(["eq", "ne", "co", "gt"]), texts.map(json.dumps)
) | st.sampled_from(["primary eq true", 'primary eq "True"', 'type eq "work"', f'value eq "{USER_ID}"', "value pr"])
selections = st.builds("{}[{}]".format, st.sampled_from([*MANY, "members", "groups"]), selected)
broken_comparisons = st.builds(
    "{} {} {}".format,
    names,
    st.sampled_from(["eq", "gt", "xx", ""]),
    st.sampled_from(["'x'", '"', "tru", "1", "-", "1e9"]),
)
filters = st.recursive(
    mostly(compared | selections, broken_comparisons),
    lambda inner: (
        st.builds("({} and {})".format, inner, inner)
        | st.builds("{} or {}".format, inner, inner)
        | st.builds("not ({})".format, inner)
        | st.builds("{}.{} eq {}".format, selections, st.sampled_from(SUBS), texts.map(json.dumps))
    ),
    max_leaves=6,
)
nonsense = st.text(st.sampled_from("()[]\"' .:,aeqnot\\"), max_size=30) | texts
nonsense |= st.integers(1, 3000).map(lambda n: "not (" * n + "id pr" + ")" * n)
paths = names | selections | st.builds("{}.{}".format, selections, st.sampled_from(SUBS))

# ---------------------------------------------------------------- operations

sound_operations = st.fixed_dictionaries(
    {
        "op": st.sampled_from(["add", "replace", "remove", "Add", "Replace", "Remove"]),
        "path": mostly(paths, nonsense | filters),
        "value": texts | entries | st.lists(entries, max_size=2) | members | values,
    }
)
pathless = st.fixed_dictionaries({"op": st.sampled_from(["add", "replace", "Replace"]), "value": bodies})
broken_operations = st.dictionaries(st.sampled_from(["op", "path", "value", "Path"]), values | paths, max_size=3)
operations = mostly(sound_operations | pathless, broken_operations)
patches = st.builds(lambda sent: {"Operations": sent}, mostly(st.lists(operations, min_size=1, max_size=3), values))
ITEMS = [f"/Users/{USER_ID}", f"/Groups/{GROUP_ID}"]
NOT_THERE = ["/ServiceAccounts/1", f"/Users/{GROUP_ID}", "/Users/bulkId:a", "/Bulk", "/", "Users"]
REFERRING = {"displayName": "g", "members": [{"value": "bulkId:a"}, {"value": "bulkId:b"}]}
bulk_operations = st.builds(
    lambda method, path, data, other: {"method": method, "path": path, "data": data, **other},
    st.sampled_from(["POST", "POST", "PUT", "PATCH", "DELETE", "post", "GET"]),
    st.sampled_from(["/Users", "/Groups", "/ServiceAccounts", *ITEMS, *NOT_THERE]),
    bodies | patches | st.just(REFERRING),
    st.fixed_dictionaries(
        {"bulkId": mostly(st.sampled_from(["a", "b"]), values)},
        optional={"version": st.sampled_from(['W/"1"', "*", "x"])},
    ),
)
bulks = st.fixed_dictionaries(
    {"Operations": mostly(st.lists(bulk_operations, max_size=4), values)},
    optional={"failOnErrors": mostly(st.just(1), values)},
)

# ---------------------------------------------------------------- requests

numbers = st.sampled_from(["0", "-1", "1", "2", "99999999999999999999", "1.5", "1e3", "٣", "", " 2 "])


def _cursor(content: list[Any]) -> str:
    return urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


parameters = st.fixed_dictionaries(
    {},
    optional={
        "filter": mostly(filters, nonsense),
        "sortBy": mostly(names, nonsense),
        "sortOrder": mostly(st.sampled_from(["ascending", "DESCENDING"]), texts),
        "startIndex": numbers,
        "count": numbers,
        "attributes": mostly(names, nonsense),
        "excludedAttributes": st.builds("{},{}".format, names, names),
    },
) | st.fixed_dictionaries(
    {"cursor": st.just("") | st.lists(scalars, min_size=4, max_size=6).map(_cursor) | nonsense},
    optional={"sortBy": names, "count": numbers},
)
queries = parameters.map(lambda of: "&".join(f"{name}={quote(value)}" for name, value in of.items()))
few_queries = mostly(st.just(""), queries)
CHARSETS = ["utf-8", '"UTF8"', "latin-1", "utf-16", "utf-7", "idna", "undefined", "zlib", "klingon", "a b", ""]
TYPES = [
    "application/scim+json",
    "text/plain",
    "",
    ";",
    "application/json;charset",
    "application/x-www-form-urlencoded",
]
few_headers = mostly(
    st.just({}),
    st.fixed_dictionaries(
        {},
        optional={
            "Content-Type": st.sampled_from([*TYPES, *(f"application/json; charset={name}" for name in CHARSETS)]),
            "Accept": st.sampled_from(["text/html", "", "*/*;q=x"]),
            "If-Match": st.sampled_from(['W/"1"', "*", "", '"', 'W/"1", "x', "é"]),
            "If-None-Match": st.sampled_from(['W/"1"', "*", "", '"', "é"]),
            "Content-Encoding": st.just("gzip"),
        },
    ),
)

# What JSON can say, or nearly, and no store can hold.
WILD = [b"\\u0000", b"\\ud800", b"\\udc00x", b"NaN", b"1e400", b"9" * 400, b"\xed\xa0\x80", b"\xff", b"\x00", b'"']
DEEP = [b"[" * 900 + b"]" * 900, b'{"a":' * 900 + b'"\\u0000"' + b"}" * 900, b'{"userName":' + b"[" * 5000]
DEEP += [b'{"Operations":[{"method":"POST","path":"/Users","bulkId":"a","data":' + DEEP[0] + b'},"bulkId:a"]}']
DEEP += [b'{"Operations":[{"method":"POST","path":"/Users","bulkId":"a","data":' + DEEP[0][:900] + b'"bulkId:a"']
DEEP[-1] += b"]" * 900 + b"}]}"


@st.composite
def broken(draw: st.DrawFn, of: st.SearchStrategy[bytes]) -> bytes:
    """A body with other bytes in the place of a piece of it."""
    raw = draw(of)
    start = draw(st.integers(0, len(raw)))
    end = draw(st.integers(start, min(len(raw), start + 3)))
    return raw[:start] + draw(st.sampled_from(WILD) | st.binary(max_size=3)) + raw[end:]


def _raw(of: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    written = mostly(of, values).map(lambda value: json.dumps(value).encode())
    encoded = st.builds(lambda raw, to: raw.decode().encode(to), written, st.sampled_from(["utf-16", "utf-8-sig"]))
    return mostly(written, broken(written) | encoded | st.binary(max_size=20) | st.sampled_from(DEEP))


def _sent(methods: str, paths: list[str], of: st.SearchStrategy[bytes]) -> st.SearchStrategy[Request]:
    asked = queries if methods.startswith("GET") else few_queries
    return st.builds(Request, st.sampled_from(methods.split()), st.sampled_from(paths), of, asked, few_headers)


strange = st.builds(
    Request,
    st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "TRACE", "OPTIONS", "PROPFIND"]),
    st.text(max_size=5).map(lambda text: "/" + quote(text.encode(errors="surrogatepass")))
    | st.sampled_from(["//Users", "/Users//", "", "/Users/%00", "/Users/%ff", "/Me", "/Users/a/b", *NOT_THERE[:3]]),
    st.binary(max_size=5),
    few_queries,
    few_headers,
)
requests = st.one_of(
    _sent("POST", ["/Users"], _raw(users)),
    _sent("POST", ["/ServiceAccounts"], _raw(_body("name"))),
    _sent("POST", ["/Groups"], _raw(groups)),
    _sent("PUT", ITEMS, _raw(bodies)),
    _sent("PATCH", ITEMS, _raw(patches)),
    _sent("PATCH", ITEMS, _raw(patches)),
    _sent("POST", ["/Bulk"], _raw(bulks)),
    _sent("GET HEAD", ["/Users", "/Groups", "/", *ITEMS, "/Schemas", "/ResourceTypes", "/Roles"], st.just(b"")),
    _sent("GET", ["/Users", "/Groups", "/"], st.just(b"")),
    _sent("POST", ["/.search", "/Users/.search", "/Groups/.search"], _raw(parameters)),
    strange,
)
