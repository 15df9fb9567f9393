"""Selectors: SCIM filters on documents in memory, as the policy uses them."""

from __future__ import annotations

import pytest

from app.core.selectors import Selector, SelectorError

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
CUSTOM = "urn:ietf:params:scim:schemas:extension:acme:2.0:User"

ADA = {
    "userName": "Ada@Acme.com",
    "active": True,
    "title": "Auditor",
    "emails": [{"type": "work", "value": "ada@acme.com", "primary": True}, {"type": "home", "value": "a@home"}],
    "roles": [{"type": "workspace_prod", "value": "Editor"}],
    "groups": [{"value": "g1", "display": "Engineers"}],
    ENTERPRISE: {"department": "Engines", "manager": {"value": "m1"}},
    CUSTOM: {"badge": "A7", "level": 3, "vip": True},
}


@pytest.mark.parametrize(
    "text",
    [
        'title eq "auditor"',
        'userName sw "ADA@"',
        "active eq true",
        'active eq "True" and not (nickName pr)',
        'emails[type eq "work" and value ew "acme.com"]',
        'emails.value co "home"',
        'emails ne "bob@acme.com"',
        'roles[type eq "workspace_prod"].value eq "editor"',
        'roles eq "Editor"',
        'groups.display eq "engineers"',
        f'{ENTERPRISE}:department eq "ENGINES"',
        'manager eq "m1"',
        f'{CUSTOM}:badge eq "a7" and {CUSTOM.upper()}:LEVEL gt 2 and {CUSTOM}:vip eq true',
        'title eq "x" or title eq "y" or title pr',
        'entitlements eq null and title ne "x"',
    ],
)
def test_a_selector_that_matches(text: str) -> None:
    assert Selector.parse(text).matches(ADA)


@pytest.mark.parametrize(
    "text",
    [
        'title eq "auditors"',
        "not (active eq true)",
        'emails[type eq "home" and primary eq true]',
        'manager eq "M1"',
        'emails ne "ada@acme.com"',
        f'{CUSTOM}:level gt "2"',
        f"{CUSTOM}:unknown pr",
        'roles[primary eq "True"]',
    ],
)
def test_a_selector_that_does_not_match(text: str) -> None:
    assert not Selector.parse(text).matches(ADA)


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("active eq", 8, "invalid syntax"),
        ('title eq "x" and nope pr', 18, "User has no attribute 'nope'"),
        ('emails[kind eq "x"]', 8, "'emails' has no sub-attribute 'kind'"),
        ("active gt true", 1, "'active' is boolean: 'gt' cannot be applied to it"),
        ("", 1, "invalid syntax"),
    ],
)
def test_a_selector_that_means_nothing_says_what_and_where(text: str, column: int, message: str) -> None:
    with pytest.raises(SelectorError) as caught:
        Selector.parse(text)
    assert (caught.value.column, caught.value.message) == (column, message)
    assert str(caught.value) == f"{message} (column {column})"


def test_selectors_are_of_a_resource_type() -> None:
    assert Selector.parse('displayName sw "tecton-"', "Group").matches({"displayName": "Tecton-ML"})
    assert Selector.parse("description pr", "ServiceAccount").matches({"description": "x"})
    with pytest.raises(SelectorError):
        Selector.parse('userName eq "x"', "Group")


@pytest.mark.parametrize("attribute", ["meta.created", "meta", "members"])
def test_what_no_stored_document_holds_cannot_be_selected_by(attribute: str) -> None:
    with pytest.raises(SelectorError, match="cannot be used in a selector"):
        Selector.parse(f"{attribute} pr", "Group")


def test_a_selector_knows_its_text() -> None:
    assert Selector.parse("title pr").text == "title pr"
    assert Selector.parse("title pr") == Selector.parse("title pr")
