"""The organization a fresh sandbox has.

One admin service account that owns the admin key and created the workspaces and scopes (so it is
owner and manager there, as in Tecton), one admin user, and what Tecton's published sample requests
name, so that they can be sent as they are.
"""

from dataclasses import replace

from app.sandbox.by_hand import add_secret
from app.sandbox.world import edits
from app.sandbox.world.records import Feature, FeatureService, Grant, Principal, StreamSource
from app.sandbox.world.roles import ADMIN
from app.sandbox.world.world import Transaction

ADMIN_ACCOUNT = "scim-bridge"

# Named by the published samples.
_ADMIN_USER_ID = "00u18938zqdN98Gzq358"
_OAUTH_ID = "0oa1a45o42rZDl3g4358"
_OAUTH_SECRET_ID = "ocs1di9xhlvn2shQU358"  # noqa: S105  an id, not a secret
_API_KEY_ID = "d3a38a4be4bc45a58c8223ae57b0d267"
_SCOPE_READER_ID = "98be6e950d8c4b14aeb32f48b20a9245"
_SCOPE_WRITER_ID = "service-account-id"
_WORKSPACES = ("prod", "my_workspace", "my-workspace")
_SCOPES = ("my-secret-scope", "snowflake")

_FEATURES = (
    Feature("amount_is_unusual.amount_is_unusual", "boolean", stored=False),
    Feature("merchant_risk.fraud_rate_30d", "float64"),
    Feature("merchant_risk.fraud_rate_90d", "float64"),
    Feature("spending.distinct_merchants_30d", "int64"),
    Feature("spending.amount_sum_24h", "float64"),
    Feature("spending.last_channel", "string"),
    Feature("spending.recent_transaction_ids", "array", "string"),
)


def add_admin_account(tx: Transaction, admin_key: str) -> Principal:
    """Create the admin service account that owns the admin key."""
    account = edits.add_account(tx, ADMIN_ACCOUNT, "provisions users and groups", key=admin_key)
    principal = Principal("service_account", account.id)
    edits.grant(tx, principal, ADMIN)
    return principal


def set_admin_key(tx: Transaction, admin_key: str) -> None:
    """Let the admin key be this one; an account that has it already is left as it is."""
    hashed = edits.digest(admin_key)
    if tx.tables.accounts.find("key", hashed):
        return
    named = tx.tables.accounts.find("name", ADMIN_ACCOUNT)
    if not named:
        add_admin_account(tx, admin_key)
        return
    tx.tables.accounts.put(replace(named[0], key_hash=hashed, active=True))
    edits.grant(tx, Principal("service_account", named[0].id), ADMIN)


def add_default_world(tx: Transaction, owner: Principal) -> None:
    """Create the rest of the default organization; `owner` created its workspaces and scopes."""
    admin = edits.add_user(tx, "admin@example.com", "Alex", "Admin", id=_ADMIN_USER_ID, email="admin@example.com")
    edits.grant(tx, Principal("user", admin.id), ADMIN)
    for name in _WORKSPACES:
        edits.add_workspace(tx, name, owner)
    for name in _SCOPES:
        edits.add_scope(tx, name, owner)
    _add_sample_accounts(tx, Principal("user", admin.id))
    _add_serving(tx)


def _add_sample_accounts(tx: Transaction, creator: Principal) -> None:
    def add(account_id: str, name: str, key: str = "") -> Principal:
        edits.add_account(tx, name, f"sample: {name}", key=key, account_id=account_id, creator=creator)
        return Principal("service_account", account_id)

    oauth = add(_OAUTH_ID, "my-oauth-account")
    add_secret(tx, tx.tables.accounts.rows[oauth.id], edits.okta_id(""), _OAUTH_SECRET_ID)
    add(_API_KEY_ID, "my-api-key-account", edits.okta_id(""))
    reader = add(_SCOPE_READER_ID, "my-scope-reader", edits.okta_id(""))
    writer = add(_SCOPE_WRITER_ID, "my-scope-writer", edits.okta_id(""))
    edits.grant(tx, reader, Grant("secret_scope", "my-secret-scope", "secret_scope_reader"))
    edits.grant(tx, writer, Grant("secret_scope", "my-secret-scope", "secret_scope_writer"))


def _add_serving(tx: Transaction) -> None:
    tx.tables.feature_services.put(
        FeatureService(
            id="prod/fraud_detection_feature_service",
            seq=tx.tables.next_seq(),
            workspace="prod",
            name="fraud_detection_feature_service",
            uid="5f1d3a6be8f24f0d9a5f6a0d2c7be101",
            batch=True,
            join_keys={"user_id": "string", "merchant": "string"},
            context_keys={"amount": "float64"},
            features=_FEATURES,
        )
    )
    for number in (1, 2):
        name = f"stream_source_{number}"
        tx.tables.stream_sources.put(
            StreamSource(
                id=f"my_workspace/{name}",
                seq=tx.tables.next_seq(),
                workspace="my_workspace",
                name=name,
                feature_view=f"my_feature_view_{number}",
                feature_view_id=f"{number}" * 32,
                fields={"timestamp": "timestamp", "user_id": "string", "value": "int64"},
            )
        )
