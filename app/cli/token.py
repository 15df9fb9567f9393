"""`python -m app token`: the named tokens and OAuth clients that are let in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from app.bootstrap import open_kept_database, utc_now
from app.cli.common import json_option, print_json, reading, writing
from app.durations import parse_duration
from app.store import oauth, tokens
from app.store.tokens import TokenError


@click.group("token")
def command() -> None:
    """Create, list and revoke the tokens that let clients in."""


@command.command("create")
@click.argument("name")
@click.option(
    "--scope", type=click.Choice(tokens.SCOPES), required=True, help="What the token opens: SCIM or the admin API."
)
@click.option("--expires", metavar="DURATION", help="After how long it ends, such as 90d; never if not given.")
@click.option(
    "--oauth",
    "is_oauth",
    is_flag=True,
    help="Make an OAuth client (or one more secret of it) instead of a bearer token.",
)
@json_option
def create(name: str, scope: str, expires: str | None, is_oauth: bool, as_json: bool) -> None:
    """Create the token NAME; its secret is shown once, on the last line, and kept nowhere.

    With --oauth the IdP fetches its tokens itself: give it the client id, the secret, and the token
    endpoint /scim/v2/oauth/token. Doing it again adds a secret, and the former ones stay good.
    """
    if is_oauth and scope != "scim":
        raise click.UsageError("--oauth is for --scope scim")
    now = utc_now()
    expires_at = _expiry(now, expires)
    with writing(TokenError) as connection:
        made = {"name": name, "scope": scope, "expires_at": _iso(expires_at)}
        if is_oauth:
            made |= oauth.add_secret(connection, name, now, expires_at)._asdict()
        else:
            made["secret"] = tokens.create_token(connection, name, scope, now, expires_at)
    print_json(made) if as_json else _show(made)


def _show(made: dict[str, Any]) -> None:
    if "client_id" in made:
        click.echo(f"client id {made['client_id']}")
    click.echo(f"{made['name']} ({made['scope']}) is created; this is its secret, shown only now:")
    click.echo(made["secret"])


@command.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the tokens and OAuth clients, without their secrets."""
    now = utc_now()
    with reading() as connection:
        found = [_token(token, now) for token in tokens.list_tokens(connection)]
        found += [_client(client, now) for client in oauth.list_clients(connection)]
    if as_json:
        print_json(found)
        return
    for entry in found:
        click.echo(f"{entry['name']}  {entry['scope']}  {entry['kind']}  {entry['state']}  {_used(entry)}")
        for secret in entry.get("secrets", ()):
            click.echo(f"    secret {secret['id']}  {secret['state']}  {_used(secret)}")


@command.command("revoke")
@click.argument("name")
@click.option("--secret", "secret_id", metavar="ID", help="Revoke only this secret of an OAuth client.")
@json_option
def revoke(name: str, secret_id: str | None, as_json: bool) -> None:
    """Revoke the token and the OAuth client NAME: from now on the name lets nobody in."""
    now = utc_now()
    with writing(TokenError, open_kept_database) as connection:
        if secret_id is not None:
            oauth.revoke_secret(connection, name, secret_id, now)
        else:
            tokens.revoke(connection, name, now)
    what = f"secret {secret_id} of {name}" if secret_id else name
    print_json({"name": name, "secret": secret_id, "state": "revoked"}) if as_json else click.echo(f"{what} is revoked")


def _expiry(now: datetime, expires: str | None) -> datetime | None:
    if expires is None:
        return None
    try:
        return now + parse_duration(expires)
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(str(error), param_hint="--expires") from error


def _token(token: tokens.TokenRecord, now: datetime) -> dict[str, Any]:
    state = _state(token.revoked_at, token.expires_at, now)
    return {**_times(token._asdict()), "kind": "token", "state": state}


def _client(client: oauth.Client, now: datetime) -> dict[str, Any]:
    found = [
        {**_times(secret._asdict()), "state": _state(client.revoked_at or secret.revoked_at, secret.expires_at, now)}
        for secret in client.secrets
    ]
    used = [secret["last_used_at"] for secret in found if secret["last_used_at"]]
    return {
        **_times(client._asdict()),
        "scope": "scim",
        "kind": "oauth client",
        "state": _state(client.revoked_at, None, now),
        "last_used_at": max(used, default=None),
        "secrets": found,
    }


def _state(revoked_at: datetime | None, expires_at: datetime | None, now: datetime) -> str:
    if revoked_at is not None:
        return "revoked"
    if expires_at is None:
        return "good"
    return "expired" if expires_at <= now else f"good until {expires_at:%Y-%m-%d %H:%M} UTC"


def _used(entry: dict[str, Any]) -> str:
    used = (entry["last_used_at"] or "")[:16].replace("T", " ")
    return f"last used {used} UTC" if used else "never used"


def _times(values: dict[str, Any]) -> dict[str, Any]:
    return {name: _iso(value) if isinstance(value, datetime) else value for name, value in values.items()}


def _iso(time: datetime | None) -> str | None:
    return time.isoformat() if time else None
