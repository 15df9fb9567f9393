"""A filter selects the same resources in SQL and in memory, whatever the filter and whatever was pushed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scim2_models import ScimFilter

from app.core.attributes import RESOURCE_SCHEMAS, USER
from app.core.selectors import Selector, parse_filter
from app.scim.documents import finish, read_document
from app.store import directory
from app.store.database import Database
from app.store.search import Search, find_page
from app.store.sql import Session, connect

NOW = datetime(2026, 3, 2, tzinfo=UTC)
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
CUSTOM = "urn:ietf:params:scim:schemas:extension:acme:2.0:User"

# Few letters, so that filters hit: with case, accents, what LIKE and JSON take for special, and beyond the BMP.
LETTERS = "aAbB%_\"'\\éÉßΣς\u0301\u0130. 😀"
texts = st.text(LETTERS, min_size=1, max_size=4)
bools = st.booleans()


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


entries = st.lists(some(value=texts, type=st.sampled_from(["work", "Home"]), primary=bools), max_size=3)
people = some(
    title=texts,
    externalId=texts,
    active=bools,
    name=some(givenName=texts, familyName=texts),
    emails=entries,
    roles=entries,
    **{
        ENTERPRISE: some(department=texts, manager=some(value=texts)),
        CUSTOM: some(badge=texts | bools | st.integers(-9, 9), Deep=some(er=texts), tags=st.lists(texts, max_size=2)),
    },
)

STRINGS = [
    "title",
    "externalId",
    "userName",
    "name.givenName",
    "NAME.familyname",
    f"{ENTERPRISE}:department",
    "manager",
]
LISTS = ["emails", "emails.value", "emails.type", "roles.value", "schemas"]
BOOLEANS = ["active", "emails.primary", "roles.primary"]
CUSTOMS = [f"{CUSTOM}:badge", f"{CUSTOM.upper()}:BADGE", f"{CUSTOM}:deep.er", f"{CUSTOM}:tags"]


def quoted(value: Any) -> str:
    return str(ScimFilter.quote(value))


operators = st.sampled_from(["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"])
equalities = st.sampled_from(["eq", "ne"])
operands = (texts | st.sampled_from(["", "work"])).map(quoted)


def compared(path: st.SearchStrategy[str], op: st.SearchStrategy[str], value: st.SearchStrategy[str]) -> Any:
    return st.builds("{} {} {}".format, path, op, value)


inner = st.one_of(
    compared(st.sampled_from(["value", "type", "VALUE"]), operators, operands),
    compared(st.just("primary"), equalities, st.sampled_from(["true", "false", '"True"', "null"])),
    compared(st.sampled_from(["value", "type"]), equalities, st.just("null")),
    st.sampled_from(["value pr", "type pr", "primary pr"]),
)
brackets = st.recursive(
    inner,
    lambda part: (
        st.builds("({}) {} ({})".format, part, st.sampled_from(["and", "or"]), part)
        | st.builds("not ({})".format, part)
    ),
    max_leaves=3,
)
simple = st.one_of(
    compared(st.sampled_from(STRINGS + LISTS), operators, operands),
    compared(st.sampled_from(STRINGS + LISTS + BOOLEANS + CUSTOMS), equalities, st.just("null")),
    compared(st.sampled_from(BOOLEANS), equalities, st.sampled_from(["true", "false", '"False"'])),
    compared(st.sampled_from(CUSTOMS), operators, operands | st.sampled_from(["true", "false", "3", "-2.5"])),
    st.sampled_from(STRINGS + LISTS + BOOLEANS + CUSTOMS + ["name", "emails", "id"]).map("{} pr".format),
    st.builds("{}[{}]".format, st.sampled_from(["emails", "roles", "EMAILS"]), brackets),
)
filters = st.recursive(
    simple,
    lambda part: (
        st.builds("({}) {} ({})".format, part, st.sampled_from(["and", "or"]), part)
        | st.builds("not ({})".format, part)
    ),
    max_leaves=4,
)


def store(session: Session, pushed: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    session.run("DELETE FROM resources")
    stored = {}
    for number, payload in enumerate(pushed):
        document = finish(USER, read_document(USER, {**payload, "userName": f"aB{number}é"}))
        resource = directory.insert(session, USER, document, NOW, "test")
        stored[resource.id] = resource.document
    return stored


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pushed=st.lists(people, min_size=1, max_size=6), texts=st.lists(filters, min_size=1, max_size=8))
def test_a_filter_selects_the_same_in_sql_and_in_memory(
    database: Database, pushed: list[dict[str, Any]], texts: list[str]
) -> None:
    with connect(database) as session:
        documents = session.transact(lambda session: store(session, pushed))
        for text in texts:
            page = find_page(session, Search([USER], filter=parse_filter(text), count=100))
            selector = Selector.parse(text)
            expected = {id_ for id_, document in documents.items() if selector.matches(document)}
            assert {resource.id for resource in page.resources} == expected, text
            assert page.total == len(expected)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pushed=st.lists(people, min_size=1, max_size=6), text=filters, count=st.integers(0, 7), start=st.integers(0, 7))
def test_the_total_does_not_depend_on_the_page(
    database: Database, pushed: list[dict[str, Any]], text: str, count: int, start: int
) -> None:
    with connect(database) as session:
        session.transact(lambda session: store(session, pushed))
        every = tuple(RESOURCE_SCHEMAS.values())
        whole = find_page(session, Search(every, filter=parse_filter(text)))
        page = find_page(session, Search(every, filter=parse_filter(text), count=count, start=start))
    assert page.total == whole.total
    assert page.resources == whole.resources[start : start + count]
