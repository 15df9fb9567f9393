"""The SCIM resources of the bridge, declared once: discovery, filters and validation derive from these.

They are looser than the library's: values are kept verbatim, so an e-mail address is a plain string
(the library refuses `.local` and lower-cases domains), and a manager needs no `$ref`.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import scim2_models
from pydantic import Field
from scim2_models import (
    URN,
    AnyExtension,
    CaseExact,
    ComplexAttribute,
    Extension,
    Mutability,
    Reference,
    Required,
    Resource,
    Uniqueness,
)

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE_USER = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
TECTON_GROUP = "urn:ietf:params:scim:schemas:extension:tecton:1.0:Group"
OKTA_ROLE = "urn:okta:scim:schemas:core:1.0:Role"
OKTA_ENTITLEMENT = "urn:okta:scim:schemas:core:1.0:Entitlement"
SERVICE_ACCOUNT = "urn:ietf:params:scim:schemas:extension:tecton:1.0:ServiceAccount"


class Email(ComplexAttribute):
    """An e-mail address, kept verbatim."""

    value: str | None = None
    """E-mail address of the user, kept verbatim."""

    display: str | None = None
    """A human-readable name, for display only."""

    type: scim2_models.Email.Type | None = None
    """What the address is for, such as 'work' or 'home'."""

    primary: bool | None = None
    """Whether this is the preferred address."""


class User(scim2_models.User[AnyExtension]):
    """A person, as the client pushes it (RFC 7643 section 4.1)."""

    emails: list[Email] | None = None  # type: ignore[assignment]
    """E-mail addresses of the user."""

    Emails: ClassVar[type[ComplexAttribute]] = Email


class Manager(ComplexAttribute):
    """The manager of a user; clients send the value alone."""

    value: Annotated[str | None, CaseExact.true] = None
    """The id of the user who is the manager."""

    ref: Annotated[Reference[User] | None, CaseExact.true] = Field(  # type: ignore[type-arg]
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """The URI of the user who is the manager."""

    display_name: Annotated[str | None, Mutability.read_only] = None
    """The displayName of the manager."""


class EnterpriseUser(scim2_models.EnterpriseUser):
    """The enterprise extension of User (RFC 7643 section 4.3)."""

    manager: Manager | None = None  # type: ignore[assignment]
    """The user's manager."""


class Member(ComplexAttribute):
    """A member of a group, with the sub-attributes of RFC 7643 section 8.7.1.

    A name for display is not among them: it would be the member's of the day on which it was added.
    """

    value: Annotated[str | None, Mutability.immutable, CaseExact.true] = None
    """The id of the member."""

    ref: Annotated[Reference[User | Group] | None, Mutability.immutable, CaseExact.true] = Field(  # type: ignore[type-arg]
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """The URI of the member."""

    type: Annotated[str | None, Mutability.immutable] = Field(None, examples=["User", "Group", "ServiceAccount"])
    """The resource type of the member."""


class Group(scim2_models.Group):
    """A group, whose roles become grants in Tecton (RFC 7643 section 4.2)."""

    display_name: Annotated[str | None, Required.true, Uniqueness.server] = None
    """The name of the group; no two groups share one, whatever the case."""

    members: list[Member] | None = None  # type: ignore[assignment]
    """The members of the group."""

    Members: ClassVar[type[ComplexAttribute]] = Member

    roles: list[scim2_models.Role] | None = None
    """Roles that every member has: `type` names the target in Tecton, `value` the role."""

    Roles: ClassVar[type[ComplexAttribute]] = scim2_models.Role


class TectonGroup(Extension):
    """What Tecton keeps of a group beyond SCIM."""

    __schema__ = URN(TECTON_GROUP)

    description: str | None = None
    """What the group is for, shown in Tecton."""

    idp_mapping_names: list[str] | None = None
    """Names under which the identity provider knows the group."""


class ServiceAccount(Resource[AnyExtension]):
    """A service account of Tecton, pushed as a resource of its own."""

    __schema__ = URN(SERVICE_ACCOUNT)

    name: Annotated[str | None, Required.true, Uniqueness.server] = None
    """The name of the service account; no two share one, whatever the case."""

    display_name: str | None = None
    """A name for display."""

    active: bool | None = None
    """Whether the service account can be used."""

    description: str | None = None
    """What the service account is for, shown in Tecton."""

    roles: list[scim2_models.Role] | None = None
    """Roles: `type` names the target in Tecton, `value` the role."""

    Roles: ClassVar[type[ComplexAttribute]] = scim2_models.Role

    groups: Annotated[list[scim2_models.GroupMembership] | None, Mutability.read_only] = None
    """The groups that the service account is a direct member of."""

    Groups: ClassVar[type[ComplexAttribute]] = scim2_models.GroupMembership


class Role(Resource[AnyExtension]):
    """A role in Tecton that an administrator can assign inside Okta (its entitlement discovery)."""

    __schema__ = URN(OKTA_ROLE)

    display_name: Annotated[str | None, Mutability.read_only] = None
    """What the role is and on what, in words."""

    type: Annotated[str | None, Mutability.read_only] = None
    """What the role is on."""


class Entitlement(Resource[AnyExtension]):
    """A role on a secret scope in Tecton that an administrator can assign inside Okta."""

    __schema__ = URN(OKTA_ENTITLEMENT)

    display_name: Annotated[str | None, Mutability.read_only] = None
    """What the role is and on which secret scope, in words."""

    type: Annotated[str | None, Mutability.read_only] = None
    """The secret scope."""


Member.model_rebuild()
Group.model_rebuild()
