"""What the clients push: people as Entra and as Okta send them."""

from __future__ import annotations

from typing import Any

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def name_of(number: int) -> str:
    """Return the userName of a person."""
    return f"Person.{number:06d}@Example.com"


def person(number: int) -> dict[str, Any]:
    """Return a person, every second one in the form of the other client."""
    return _entra(number) if number % 2 else _okta(number)


def _okta(number: int) -> dict[str, Any]:
    return {
        "schemas": [USER],
        "userName": name_of(number),
        "name": {"givenName": "Chloé", "familyName": f"O'Brien {number}"},
        "emails": [{"primary": True, "value": name_of(number), "type": "work"}],
        "displayName": f"Chloé O'Brien {number}",
        "locale": "en-US",
        "externalId": f"00u{number:010d}",
        "groups": [],
        "active": True,
    }


def _entra(number: int) -> dict[str, Any]:
    address = {"streetAddress": f"{number} Main Street", "locality": "Springfield", "region": "IL", "country": "US"}
    return {
        "schemas": [USER, ENTERPRISE],
        "externalId": f"5b6f0c1e-0000-4000-8000-{number:012d}",
        "userName": name_of(number),
        "active": True,
        "displayName": f"Ada Lovelace {number}",
        "title": "Engineer",
        "preferredLanguage": "en-US",
        "emails": [{"primary": True, "type": "work", "value": name_of(number)}],
        "meta": {"resourceType": "User"},
        "name": {"formatted": f"Ada Lovelace {number}", "familyName": f"Lovelace {number}", "givenName": "Ada"},
        "phoneNumbers": [
            {"type": "work", "value": f"+1 555 {number}"},
            {"type": "mobile", "value": f"+1 556 {number}"},
        ],
        "addresses": [{"type": "work", "postalCode": "62701", **address}],
        ENTERPRISE: {"employeeNumber": str(number), "department": f"Dept {number % 20}", "costCenter": "4130"},
    }


def deactivation(number: int) -> dict[str, Any]:
    """Return the PATCH that deactivates, in the form of one client or the other."""
    entra = {"op": "Replace", "path": "active", "value": "False"}
    okta = {"op": "replace", "value": {"active": False}}
    return {"schemas": [PATCH_OP], "Operations": [entra if number % 2 else okta]}


def member_change(op: str, id_: str) -> dict[str, Any]:
    """Return the PATCH that adds or removes one member, as Entra's default client does."""
    return {"schemas": [PATCH_OP], "Operations": [{"op": op, "path": "members", "value": [{"value": id_}]}]}
