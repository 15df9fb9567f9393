"""What the service provider says of itself (RFC 7644 section 4), built from the models by the library."""

from __future__ import annotations

from functools import cache, lru_cache

from scim2_models import (
    AuthenticationScheme,
    Bulk,
    ChangePassword,
    ETag,
    Filter,
    Pagination,
    Patch,
    Reference,
    ResourceType,
    ScimProvider,
    ServiceProviderConfig,
    Sort,
)
from scim2_models.resources.resource_type import SchemaExtension
from scim2_server.responses import ScimResponse
from scim2_server.service import ScimService

from app.core import scim_models
from app.core.attributes import RESOURCE_SCHEMAS, ResourceSchema
from app.scim import catalogue
from app.scim.bulk_request import MAX_OPERATIONS, MAX_PAYLOAD_BYTES
from app.scim.http import Call, Reply, json_reply
from app.scim.paging import DEFAULT_COUNT, MAX_COUNT

_DESCRIPTIONS = {
    "User": "People, and users that the policy turns into service accounts",
    "Group": "Groups, with their Tecton roles",
    "ServiceAccount": "Tecton service accounts",
    "Role": "Roles in Tecton that can be assigned",
    "Entitlement": "Roles on secret scopes in Tecton that can be assigned",
}
_MODELS = (
    scim_models.User,
    scim_models.EnterpriseUser,
    scim_models.Group,
    scim_models.TectonGroup,
    scim_models.ServiceAccount,
)


@cache
def service(*, with_catalogue: bool = False) -> ScimService:
    """Return the library's service, which writes discovery documents.

    Take whether what can be assigned in Tecton is offered, too.
    """
    schemas = [*RESOURCE_SCHEMAS.values(), *(catalogue.SCHEMAS if with_catalogue else ())]
    models = (*_MODELS, scim_models.Role, scim_models.Entitlement) if with_catalogue else _MODELS
    provider = ScimProvider(models, [_resource_type(schema) for schema in schemas], _config())
    return ScimService(provider, secret=b"")  # for the library's cursors; ours are in app.scim.cursors


def _resource_type(schema: ResourceSchema) -> ResourceType:
    extensions = [
        SchemaExtension(schema=Reference(extension.urn), required=False) for extension in schema.extensions.values()
    ]
    return ResourceType(
        id=schema.name,
        name=schema.name,
        description=_DESCRIPTIONS[schema.name],
        endpoint=Reference(f"/{schema.endpoint}"),
        schema=Reference(schema.urn),
        schema_extensions=extensions,
    )


def _config() -> ServiceProviderConfig:
    bearer = AuthenticationScheme(
        type=AuthenticationScheme.Type.oauthbearertoken,
        name="Bearer token",
        description="A long-lived token that an administrator of the bridge created",
        spec_uri=Reference("https://www.rfc-editor.org/rfc/rfc6750"),
        primary=True,
    )
    oauth2 = AuthenticationScheme(
        type=AuthenticationScheme.Type.oauth2,
        name="OAuth 2.0 client credentials",
        description="Access tokens of an hour, from the token endpoint oauth/token below the SCIM root",
        spec_uri=Reference("https://www.rfc-editor.org/rfc/rfc6749"),
    )
    return ServiceProviderConfig(
        patch=Patch(supported=True),
        bulk=Bulk(supported=True, max_operations=MAX_OPERATIONS, max_payload_size=MAX_PAYLOAD_BYTES),
        filter=Filter(supported=True, max_results=MAX_COUNT),
        change_password=ChangePassword(supported=False),
        sort=Sort(supported=True),
        etag=ETag(supported=True),
        authentication_schemes=[bearer, oauth2],
        pagination=Pagination(
            cursor=True,
            index=True,
            default_pagination_method=Pagination.DefaultPaginationMethod.index,
            default_page_size=DEFAULT_COUNT,
            max_page_size=MAX_COUNT,
        ),
    )


def service_provider_config(call: Call) -> Reply:
    """Return what the service provider can do."""
    return _discovered(call, "service_provider_config", "ServiceProviderConfig")


def resource_types(call: Call) -> Reply:
    """Return every resource type."""
    return _discovered(call, "resource_types", "ResourceTypes")


def resource_type(call: Call, id_: str) -> Reply:
    """Return one resource type. Raise NotFoundException when there is none of this id."""
    return _discovered(call, "resource_type", "ResourceTypes", id_)


def schemas(call: Call) -> Reply:
    """Return every schema."""
    return _discovered(call, "schemas", "Schemas")


def schema(call: Call, id_: str) -> Reply:
    """Return one schema. Raise NotFoundException when there is none of this id."""
    return _discovered(call, "schema", "Schemas", id_)


def _discovered(call: Call, name: str, *path: str) -> Reply:
    # The library refuses a filter here, as RFC 7644 section 4 asks.
    service().forbid_filter(call.args)
    offered = name != "service_provider_config" and catalogue.is_offered(call.session)
    response = _response(name, "/".join((call.base, *path)), path[1:], offered)
    return json_reply(200, response.body, {k: v for k, v in response.headers.items() if k != "Content-Type"})


@lru_cache(maxsize=64)
def _response(name: str, location: str, ids: tuple[str, ...], with_catalogue: bool) -> ScimResponse:
    writer = getattr(service(with_catalogue=with_catalogue), name)
    response: ScimResponse = writer(location, *ids, {})
    return response
