"""The directory: what the IdP pushed, reduced to what access depends on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.core.access import Profile, ServiceAccountProfile, UserProfile
from app.core.identity import Grant, Kind, Principal, parse_grant
from app.core.policy import Policy

# One for all: each empty set of its own takes 200 bytes, and most people have no grants of their own.
_NO_GRANTS: frozenset[Grant] = frozenset()
_NO_RULES: frozenset[int] = frozenset()

TECTON_GROUP = "urn:ietf:params:scim:schemas:extension:tecton:1.0:Group"


@dataclass(frozen=True, slots=True)
class PushedPerson:
    """A pushed user or service account.

    `rules` are the positions of the policy's `where` rules that select it; `pushed_grants` are roles
    that the IdP itself assigned in Tecton's vocabulary.
    """

    principal: Principal
    resource_id: str
    pushed_name: str
    profile: Profile
    provisioned: bool
    deactivated_at: datetime | None
    rules: frozenset[int] = frozenset()
    pushed_grants: frozenset[Grant] = frozenset()
    unusable: str = ""  # why it cannot be sent to Tecton, in words

    @property
    def name(self) -> str:
        """What Tecton calls it, or would."""
        return self.profile.name or self.pushed_name


@dataclass(frozen=True, slots=True)
class PushedGroup:
    """A pushed group with the resource ids of its members."""

    principal: Principal
    pushed_name: str
    name: str  # in Tecton
    provisioned: bool
    members: frozenset[str]
    description: str | None = None
    idp_mapping_names: tuple[str, ...] | None = None
    pushed_grants: frozenset[Grant] = frozenset()


@dataclass(frozen=True, slots=True)
class Directory:
    """Everything that was pushed, or the part of it that a question is about."""

    people: Mapping[str, PushedPerson] = field(default_factory=dict)  # by resource id
    groups: Mapping[str, PushedGroup] = field(default_factory=dict)


def read_user(
    resource_id: str, document: Mapping[str, Any], deactivated_at: datetime | None, policy: Policy
) -> PushedPerson:
    """Return a pushed User resource as the policy sees it: a person, or a service account."""
    provision = policy.provision
    is_account = provision.service_accounts is not None and provision.service_accounts.matches(document)
    name, unusable = _tecton_user_name(document, policy)
    profile: Profile = UserProfile(name, *_names(document))
    provisioned = provision.users.matches(document)
    if is_account:
        # Deactivating keeps a service account's roles; so a deactivated one stays desired, as inactive.
        active = document.get("active") is not False
        profile = ServiceAccountProfile(
            document["userName"], document.get("title") or document.get("displayName"), active
        )
        provisioned, unusable = True, ""
    return PushedPerson(
        principal=Principal(Kind.SERVICE_ACCOUNT if is_account else Kind.USER, resource_id),
        resource_id=resource_id,
        pushed_name=document["userName"],
        profile=profile,
        provisioned=provisioned,
        deactivated_at=deactivated_at,
        rules=_selecting_rules(document, policy),
        pushed_grants=pushed_grants(document),
        unusable=unusable,
    )


def read_service_account(
    resource_id: str, document: Mapping[str, Any], deactivated_at: datetime | None
) -> PushedPerson:
    """Return a pushed ServiceAccount resource."""
    active = document.get("active") is not False
    return PushedPerson(
        principal=Principal(Kind.SERVICE_ACCOUNT, resource_id),
        resource_id=resource_id,
        pushed_name=document["name"],
        profile=ServiceAccountProfile(document["name"], document.get("description"), active),
        provisioned=True,
        deactivated_at=deactivated_at,
        pushed_grants=pushed_grants(document),
    )


def read_group(resource_id: str, document: Mapping[str, Any], members: Iterable[str], policy: Policy) -> PushedGroup:
    """Return a pushed Group resource; `members` are resource ids."""
    selector = policy.provision.groups
    extension = document.get(TECTON_GROUP) or {}
    mapping_names = extension.get("idpMappingNames")
    return PushedGroup(
        principal=Principal(Kind.GROUP, resource_id),
        pushed_name=document["displayName"],
        name=policy.names.group_name(document["displayName"]),
        provisioned=selector is None or selector.matches(document),
        members=frozenset(members),
        description=extension.get("description"),
        idp_mapping_names=tuple(mapping_names) if mapping_names is not None else None,
        pushed_grants=pushed_grants(document),
    )


def pushed_grants(document: Mapping[str, Any]) -> frozenset[Grant]:
    """Return the grants that the IdP pushed with a resource, as `roles` or `entitlements`.

    A role in Tecton's vocabulary names its target in `type` and the role in `value`. An entitlement
    of the bridge's catalogue carries both in its value, as `type:value`, because that is all that an
    IdP hands back. Anything else is an app role, which the policy's `where` rules may select.
    """
    found = set()
    for item in [*(document.get("roles") or ()), *(document.get("entitlements") or ())]:
        value = str(item.get("value") or "")
        grant = parse_grant(str(item.get("type") or ""), value)
        type_, colon, role = value.rpartition(":")
        if grant is None and colon:
            grant = parse_grant(type_, role)
        if grant is not None:
            found.add(grant)
    return frozenset(found) if found else _NO_GRANTS


def _selecting_rules(document: Mapping[str, Any], policy: Policy) -> frozenset[int]:
    found = [
        index
        for index, rule in enumerate(policy.grants)
        if rule.to.where is not None and rule.to.where.matches(document)
    ]
    return frozenset(found) if found else _NO_RULES


def _names(document: Mapping[str, Any]) -> tuple[str, str]:
    name = document.get("name") or {}
    return str(name.get("givenName") or ""), str(name.get("familyName") or "")


def _tecton_user_name(document: Mapping[str, Any], policy: Policy) -> tuple[str, str]:
    """Return the Tecton user name (an e-mail address), and why there is none."""
    if policy.names.user == "userName":
        name = str(document["userName"])
        return (
            (name, "") if _is_email(name) else ("", f"its userName {name!r} is not an e-mail address; Tecton wants one")
        )
    emails = document.get("emails") or []
    primary = next((mail for mail in emails if mail.get("primary")), emails[0] if emails else {})
    name = str(primary.get("value") or "")
    return (name, "") if _is_email(name) else ("", "it has no e-mail address; Tecton wants one as user name")


def _is_email(text: str) -> bool:
    local, at, domain = text.rpartition("@")
    return bool(local and at and domain and not any(c.isspace() for c in text))
