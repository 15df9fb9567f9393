"""The attributes of every resource type, by name, as filters, PATCH paths and projections find them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

import scim2_models
from scim2_models.path import AttrPath

from app.core import scim_models

_NOTHING: Mapping[str, Attribute] = MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class Attribute:
    """One attribute with its characteristics (RFC 7643 section 2.2).

    `type` is the SCIM type, or `any` for an attribute of an extension that the bridge does not know.
    `sub` holds the sub-attributes by lower-case name.
    """

    name: str
    type: str
    multi_valued: bool = False
    case_exact: bool = False
    mutability: str = "readWrite"
    returned: str = "default"
    required: bool = False
    sub: Mapping[str, Attribute] = field(default_factory=lambda: _NOTHING)

    @property
    def is_complex(self) -> bool:
        """Tell whether its values have sub-attributes."""
        return self.type == "complex"

    @property
    def is_read_only(self) -> bool:
        """Tell whether a client's value for it is passed over."""
        return self.mutability == "readOnly"


class Resolved(NamedTuple):
    """What an attribute path names: an attribute, of an extension or not, or a sub-attribute."""

    extension: str | None
    attribute: Attribute
    sub: Attribute | None = None

    @property
    def target(self) -> Attribute:
        """The attribute whose values the path stands for."""
        return self.sub or self.attribute


@dataclass(frozen=True, slots=True, eq=False)
class Extension:
    """A schema extension and its attributes by lower-case name."""

    urn: str
    attributes: Mapping[str, Attribute]


@dataclass(frozen=True, slots=True, eq=False)
class ResourceSchema:
    """A resource type: its core attributes by lower-case name, its extensions by lower-case URN.

    `name_attribute` is the one that names a resource and that no two resources of the type share.
    """

    name: str
    urn: str
    endpoint: str
    name_attribute: str
    attributes: Mapping[str, Attribute]
    extensions: Mapping[str, Extension]

    def resolve(self, path: AttrPath) -> Resolved | None:
        """Return what a path names, None when this resource type has no such attribute.

        A name without URN that the core schema lacks is looked for in the extensions: clients write
        `manager` for the enterprise extension's. An extension the bridge does not know holds any
        attribute.
        """
        if path.uri is None:
            return self._resolve_bare(path)
        uri = path.uri.lower()
        if uri == self.urn.lower():
            return _resolve_in(None, self.attributes, path)
        if known := self.extensions.get(uri):
            return _resolve_in(known.urn, known.attributes, path)
        return None if _is_known(uri) else _resolve_unknown(path)

    def _resolve_bare(self, path: AttrPath) -> Resolved | None:
        if path.attr.lower() in self.attributes:
            return _resolve_in(None, self.attributes, path)
        for extension in self.extensions.values():
            if path.attr.lower() in extension.attributes:
                return _resolve_in(extension.urn, extension.attributes, path)
        return None


def _resolve_in(extension: str | None, attributes: Mapping[str, Attribute], path: AttrPath) -> Resolved | None:
    attribute = attributes.get(path.attr.lower())
    if attribute is None or path.sub_attr is None:
        return Resolved(extension, attribute) if attribute else None
    sub = attribute.sub.get(path.sub_attr.lower())
    return Resolved(extension, attribute, sub) if sub else None


def _is_known(uri: str) -> bool:
    """Tell whether a URN is one of ours or where one begins: `urn:…:2.0:User.manager` is a slip, no new extension."""
    return uri in _KNOWN_URNS or any(known.startswith(f"{uri}:") for known in _KNOWN_URNS)


def _resolve_unknown(path: AttrPath) -> Resolved:
    attribute = Attribute(path.attr, "any")
    return Resolved(path.uri, attribute, Attribute(path.sub_attr, "any") if path.sub_attr else None)


def _attribute(declared: Any) -> Attribute:
    subs = [_attribute(sub) for sub in declared.sub_attributes or ()]
    return Attribute(
        name=declared.name,
        type=declared.type.value,
        multi_valued=bool(declared.multi_valued),
        case_exact=bool(declared.case_exact) or declared.type.value in {"reference", "binary"},
        mutability=declared.mutability.value,
        returned=declared.returned.value,
        required=bool(declared.required),
        sub=_by_name(subs),
    )


def _by_name(attributes: Iterable[Attribute]) -> Mapping[str, Attribute]:
    return MappingProxyType({attribute.name.lower(): attribute for attribute in attributes})


# RFC 7643 section 3.1: every resource has these, and no schema declares them.
_COMMON = (
    Attribute("schemas", "reference", multi_valued=True, case_exact=False, returned="always", required=True),
    Attribute("id", "string", case_exact=True, mutability="readOnly", returned="always"),
    Attribute("externalId", "string", case_exact=True),
    Attribute(
        "meta",
        "complex",
        mutability="readOnly",
        sub=_by_name(
            [
                Attribute("resourceType", "string", case_exact=True, mutability="readOnly"),
                Attribute("created", "dateTime", mutability="readOnly"),
                Attribute("lastModified", "dateTime", mutability="readOnly"),
                Attribute("location", "reference", case_exact=True, mutability="readOnly"),
                Attribute("version", "string", case_exact=True, mutability="readOnly"),
            ]
        ),
    ),
)


def _declared(model: type[scim2_models.Resource[Any]] | type[scim2_models.Extension]) -> list[Attribute]:
    return [_attribute(declared) for declared in model.to_schema().attributes or ()]


def _schema(
    name: str,
    endpoint: str,
    name_attribute: str,
    model: type[scim2_models.Resource[Any]],
    *extensions: type[scim2_models.Extension],
) -> ResourceSchema:
    return ResourceSchema(
        name=name,
        urn=str(model.__schema__),
        endpoint=endpoint,
        name_attribute=name_attribute,
        attributes=_by_name([*_COMMON, *_declared(model)]),
        extensions=MappingProxyType(
            {
                str(extension.__schema__).lower(): Extension(str(extension.__schema__), _by_name(_declared(extension)))
                for extension in extensions
            }
        ),
    )


USER = _schema("User", "Users", "userName", scim_models.User, scim_models.EnterpriseUser)
GROUP = _schema("Group", "Groups", "displayName", scim_models.Group, scim_models.TectonGroup)
SERVICE_ACCOUNT = _schema("ServiceAccount", "ServiceAccounts", "name", scim_models.ServiceAccount)

RESOURCE_SCHEMAS: Mapping[str, ResourceSchema] = MappingProxyType(
    {schema.name: schema for schema in (USER, GROUP, SERVICE_ACCOUNT)}
)

# What Okta reads of Tecton, to assign it: no resource of the directory.
ROLE = _schema("Role", "Roles", "displayName", scim_models.Role)
ENTITLEMENT = _schema("Entitlement", "Entitlements", "displayName", scim_models.Entitlement)

_KNOWN_URNS = frozenset(urn for schema in RESOURCE_SCHEMAS.values() for urn in (schema.urn.lower(), *schema.extensions))
