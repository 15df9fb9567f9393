"""Where the Service Accounts API answers (row 2): its paths are the least known part of Tecton.

The four account routes were seen in an older SDK; the others are inferred from their names.
"""

import json
from collections.abc import Mapping
from functools import lru_cache

from app.sandbox.call import Handler
from app.sandbox.knobs import Knobs
from app.sandbox.rest import accounts, client_secrets

_METADATA = "/api/v1/metadata-service"
_SERVICE = "/api/v1/service-accounts-service"

HANDLERS: Mapping[str, Handler] = {
    "create": accounts.create_service_account,
    "search": accounts.search_service_accounts,
    "update": accounts.update_service_account,
    "delete": accounts.delete_service_account,
    "create_secret": client_secrets.create_client_secret,
    "list_secrets": client_secrets.list_client_secrets,
    "activate_secret": client_secrets.activate_client_secret,
    "deactivate_secret": client_secrets.deactivate_client_secret,
    "delete_secret": client_secrets.delete_client_secret,
}
READS = frozenset({"search", "list_secrets"})

_PATHS = {
    "create": f"{_METADATA}/create-service-account",
    "search": f"{_METADATA}/get-service-account",
    "update": f"{_METADATA}/update-service-account",
    "delete": f"{_METADATA}/delete-service-account",
    "create_secret": f"{_SERVICE}/create-service-account-secret",
    "list_secrets": f"{_SERVICE}/list-service-account-secrets",
    "activate_secret": f"{_SERVICE}/activate-service-account-secret",
    "deactivate_secret": f"{_SERVICE}/deactivate-service-account-secret",
    "delete_secret": f"{_SERVICE}/delete-service-account-secret",
}
_ALIASES = {
    "create": f"{_SERVICE}/create-single-service-account",
    "search": f"{_SERVICE}/search-service-accounts",
    "update": f"{_SERVICE}/update-single-service-account",
    "delete": f"{_SERVICE}/delete-single-service-account",
}
_REST_VERBS = {"update": "PUT", "delete": "DELETE", "delete_secret": "DELETE"}


def account_operation(method: str, path: str, knobs: Knobs) -> str | None:
    """Return which operation of the Service Accounts API answers the call, or None."""
    routes = _routes(
        knobs["service_accounts_v1_paths"],
        knobs.on("service_accounts_v1_aliases"),
        knobs["service_accounts_v1_verbs"] == "rest",
    )
    return routes.get((method, path))


@lru_cache(maxsize=16)
def _routes(own_paths: str, aliases: bool, rest_verbs: bool) -> Mapping[tuple[str, str], str]:
    paths = {**_PATHS, **json.loads(own_paths)}
    verbs = _REST_VERBS if rest_verbs else {}
    pairs = [*paths.items(), *(_ALIASES.items() if aliases else ())]
    return {(verbs.get(name, "POST"), path): name for name, path in pairs}
