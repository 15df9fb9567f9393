"""How to reach Tecton: everything that may differ between clusters, in one value."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace

import requests

from app.settings import Settings, SettingsError
from app.tecton.retry import Retry


@dataclass(frozen=True, slots=True)
class Paths:
    """Every path that the bridge asks, below the cluster's root.

    Confirmed: the SCIM base, secrets-service, authorization-service, metadata-service, feature
    serving, the token endpoint. Inferred, and therefore here to be changed: the SCIM collection of
    service accounts, and the paths of the Service Accounts API (its account operations are confirmed
    for an older release only; those for client secrets follow from their names). An operation is a
    POST unless its path is written as `METHOD /path`.
    """

    scim: str = "/api/scim/v2"
    users: str = "/Users"
    groups: str = "/Groups"
    service_accounts: str = "/ServiceAccounts"
    scopes: str = "/api/v1/secrets-service/scopes"
    authorization: str = "/api/v1/authorization-service"
    metadata: str = "/api/v1/metadata-service"
    features: str = "/api/v1/feature-service"
    workspaces: str = "/api/v2/workspaces"
    token: str = "/oauth2/default/v1/token"  # noqa: S105 - an address, not a token
    create_account: str = "/api/v1/metadata-service/create-service-account"
    get_accounts: str = "/api/v1/metadata-service/get-service-account"
    update_account: str = "/api/v1/metadata-service/update-service-account"
    delete_account: str = "/api/v1/metadata-service/delete-service-account"
    create_client_secret: str = "/api/v1/service-accounts-service/create-service-account-secret"  # noqa: S105
    list_client_secrets: str = "/api/v1/service-accounts-service/list-service-account-secrets"
    activate_client_secret: str = "/api/v1/service-accounts-service/activate-service-account-secret"  # noqa: S105
    deactivate_client_secret: str = "/api/v1/service-accounts-service/deactivate-service-account-secret"  # noqa: S105
    delete_client_secret: str = "/api/v1/service-accounts-service/delete-service-account-secret"  # noqa: S105

    def changed_by(self, text: str) -> Paths:
        """Return the paths with those in `name=/path, name=METHOD /path` replaced. Raise SettingsError."""
        given = dict(_pair(part) for part in text.split(",") if part.strip())
        known = [one.name for one in fields(self)]
        if unknown := sorted(given.keys() - set(known)):
            raise SettingsError(f"{_PATHS}: there is no path {', '.join(unknown)}; there are {', '.join(known)}")
        return replace(self, **given)


_PATHS = "BRIDGE_TECTON_PATHS"
# Paths of one call each: all others have calls of several methods below them.
_OPERATION = re.compile(r"(create|get|update|delete|list|activate|deactivate)_")


def _pair(part: str) -> tuple[str, str]:
    name, _, path = (piece.strip() for piece in part.partition("="))
    if not re.fullmatch(r"((POST|PUT|PATCH|DELETE) )?/\S*", path):
        raise SettingsError(f"{_PATHS}: {part.strip()!r} is neither name=/path nor name=METHOD /path")
    if " " in path and not _OPERATION.match(name):
        raise SettingsError(f"{_PATHS}: {name} has several calls below it, so that it takes no method")
    return name, path.rstrip("/")


@dataclass(frozen=True, slots=True)
class TectonConfig:
    """One Tecton cluster and how to treat it. Its repr does not show the key.

    `session_factory` makes the `requests` session; a test mounts an adapter there that needs no
    socket. Without one, a session with a connection pool as large as `concurrency` is made.
    """

    url: str
    api_key: str = field(repr=False)
    rate: float = 10.0  # requests per second, over all runs
    concurrency: int = 8
    connect_timeout: float = 10.0
    read_timeout: float = 30.0
    retry: Retry = field(default_factory=Retry)
    scim_auth_scheme: str = "Tecton-key"  # Okta sends Bearer, so that SCIM may take either (row 6 of the unknowns)
    paths: Paths = field(default_factory=Paths)
    page_size: int = 1000
    clock: Callable[[], float] = time.monotonic
    wall_clock: Callable[[], float] = time.time  # for the date form of Retry-After
    sleep: Callable[[float], None] = time.sleep
    session_factory: Callable[[], requests.Session] | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> TectonConfig:
        """Return the configuration that the environment asks for.

        A missing address or key is no error here: the first call says what to set. Raise SettingsError
        for paths that cannot be read.
        """
        paths = Paths(service_accounts="/" + settings.tecton_service_accounts_path.strip("/"))
        return cls(
            url=settings.tecton_url,
            api_key=settings.tecton_api_key.get_secret_value().strip(),
            rate=settings.tecton_rate,
            concurrency=settings.tecton_concurrency,
            read_timeout=settings.tecton_timeout.total_seconds(),
            scim_auth_scheme=settings.tecton_scim_auth,
            paths=paths.changed_by(settings.tecton_paths),
        )
