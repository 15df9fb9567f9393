"""Every operation of every service, with its path."""

from collections.abc import Mapping
from typing import Literal

from app.sandbox.account_routes import HANDLERS, READS
from app.sandbox.call import Handler, Operation
from app.sandbox.replies import Service
from app.sandbox.rest import assigning, assignments, metadata, oauth, secrets
from app.sandbox.scim import accounts, groups, users
from app.sandbox.serving import features, ingest

Kind = Literal["read", "write"]
Route = tuple[str, str]

_AUTHZ = "/api/v1/authorization-service"
_METADATA = "/api/v1/metadata-service"
_SECRETS = "/api/v1/secrets-service/scopes"
_FEATURES = "/api/v1/feature-service"
_FEATURES_V2 = "/api/v2/workspaces/(?P<workspace>[^/]+)/feature-services/(?P<service>[^/]+)"


def _operation(handler: Handler, service: Service, kind: Kind, *, public: bool = False) -> Operation:
    return Operation(handler.__name__, service, kind, handler, public)


def _read(handler: Handler, service: Service = "gateway", *, public: bool = False) -> Operation:
    return _operation(handler, service, "read", public=public)


def _write(handler: Handler, service: Service = "gateway") -> Operation:
    return _operation(handler, service, "write")


def _collection(
    list_: Handler, create: Handler, get: Handler, put: Handler, delete: Handler
) -> Mapping[tuple[str, bool], Operation]:
    """Return the operations of a SCIM collection by method and whether the path ends in an id."""
    return {
        ("GET", False): _read(list_, "scim"),
        ("POST", False): _write(create, "scim"),
        ("GET", True): _read(get, "scim"),
        ("PUT", True): _write(put, "scim"),
        ("DELETE", True): _write(delete, "scim"),
    }


COLLECTIONS: Mapping[str, Mapping[tuple[str, bool], Operation]] = {
    "users": _collection(users.list_users, users.create_user, users.get_user, users.replace_user, users.remove_user),
    "groups": _collection(
        groups.list_groups, groups.create_group, groups.get_group, groups.replace_group, groups.remove_group
    ),
    "accounts": _collection(
        accounts.list_accounts,
        accounts.create_account,
        accounts.get_account,
        accounts.replace_account,
        accounts.remove_account,
    ),
}

FIXED: Mapping[Route, Operation] = {
    ("POST", f"{_AUTHZ}/assign-roles"): _write(assigning.assign_roles),
    ("PUT", f"{_AUTHZ}/assign-roles"): _write(assigning.put_roles),
    ("POST", f"{_AUTHZ}/unassign-roles"): _write(assigning.unassign_roles),
    ("POST", f"{_AUTHZ}/list-assigned-principals"): _read(assignments.list_assigned_principals),
    ("POST", f"{_AUTHZ}/list-assigned-roles"): _read(assignments.list_assigned_roles),
    ("POST", f"{_AUTHZ}/get-roles"): _read(assignments.get_roles),
    ("POST", f"{_METADATA}/get-user"): _read(metadata.get_user),
    ("POST", f"{_METADATA}/get-cluster-admin-info"): _read(metadata.get_cluster_admin_info),
    ("POST", f"{_METADATA}/list-workspaces"): _read(metadata.list_workspaces),
    ("POST", f"{_METADATA}/introspect-api-key"): _read(metadata.introspect_api_key),
    ("POST", f"{_METADATA}/get-login-configs"): _read(metadata.get_login_configs, public=True),
    ("GET", _SECRETS): _read(secrets.list_scopes),
    ("POST", "/oauth2/default/v1/token"): _read(oauth.issue_token, "oauth", public=True),
    ("POST", f"{_FEATURES}/get-features"): _read(features.get_features, "serving"),
    ("POST", f"{_FEATURES}/get-features-batch"): _read(features.get_features_batch, "serving"),
    ("POST", f"{_FEATURES}/metadata"): _read(features.service_metadata, "serving"),
    ("POST", "/ingest"): _write(ingest.ingest, "ingest"),
}

ACCOUNTS: Mapping[str, Operation] = {
    name: (_read if name in READS else _write)(handler) for name, handler in HANDLERS.items()
}

_SCOPE = rf"{_SECRETS}/(?P<scope>[^/]+)"
_KEY = rf"{_SCOPE}/keys/(?P<key>[^/]+)"

PATTERNS: tuple[tuple[str, str, Operation], ...] = (
    ("POST", _SCOPE, _write(secrets.create_scope)),
    ("DELETE", _SCOPE, _write(secrets.remove_scope)),
    ("GET", rf"{_SCOPE}/keys", _read(secrets.list_keys)),
    ("GET", _KEY, _read(secrets.get_value)),
    ("PUT", _KEY, _write(secrets.put_value)),
    ("DELETE", _KEY, _write(secrets.delete_key)),
    ("POST", rf"{_FEATURES_V2}/get-features", _read(features.get_features, "serving")),
    ("POST", rf"{_FEATURES_V2}/get-features-batch", _read(features.get_features_batch, "serving")),
    ("GET", rf"{_FEATURES_V2}/metadata", _read(features.service_metadata, "serving")),
)
