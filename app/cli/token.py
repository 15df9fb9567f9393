"""`python -m app token`: the named tokens that clients and admin programs show."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import click
from sqlalchemy import Connection

from app.bootstrap import utc_now
from app.cli.common import json_option, prepare, print_json
from app.durations import parse_duration
from app.store import tokens


@click.group("token")
def command() -> None:
    """Create, list and revoke the tokens that let clients in."""


@command.command("create")
@click.argument("name")
@click.option(
    "--scope", type=click.Choice(tokens.SCOPES), required=True, help="What the token opens: SCIM or the admin API."
)
@click.option("--expires", metavar="DURATION", help="After how long it ends, such as 90d; never if not given.")
@json_option
def create(name: str, scope: str, expires: str | None, as_json: bool) -> None:
    """Create the token NAME; its secret is shown once, on the last line, and kept nowhere."""
    now = utc_now()
    expires_at = _expiry(now, expires)
    with _transaction() as connection:
        secret = tokens.create_token(connection, name, scope, now, expires_at)
    if as_json:
        print_json({"name": name, "scope": scope, "expires_at": _iso(expires_at), "secret": secret})
        return
    click.echo(f"token {name} ({scope}) is created; this is its secret, shown only now:")
    click.echo(secret)


@command.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the tokens, without their secrets."""
    with _transaction() as connection:
        found = tokens.list_tokens(connection)
    now = utc_now()
    if as_json:
        print_json([_document(token, now) for token in found])
        return
    for token in found:
        used = f"last used {token.last_used_at:%Y-%m-%d %H:%M}" if token.last_used_at else "never used"
        click.echo(f"{token.name}  {token.scope}  {_state(token, now)}  {used}")


@command.command("revoke")
@click.argument("name")
@json_option
def revoke(name: str, as_json: bool) -> None:
    """Revoke the token NAME: from now on it lets nobody in."""
    with _transaction() as connection:
        tokens.revoke_token(connection, name, utc_now())
    if as_json:
        print_json({"name": name, "state": "revoked"})
    else:
        click.echo(f"token {name} is revoked")


@contextmanager
def _transaction() -> Iterator[Connection]:
    """Yield a write transaction; what a token refuses becomes the command's error."""
    _, database = prepare()
    try:
        with database.write() as connection:
            yield connection
    except tokens.TokenError as error:
        raise click.ClickException(str(error)) from error
    finally:
        database.dispose()


def _expiry(now: datetime, expires: str | None) -> datetime | None:
    if expires is None:
        return None
    try:
        return now + parse_duration(expires)
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(str(error), param_hint="--expires") from error


def _state(token: tokens.TokenRecord, now: datetime) -> str:
    if token.revoked_at is not None:
        return "revoked"
    if not token.is_good(now):
        return "expired"
    return f"good until {token.expires_at:%Y-%m-%d}" if token.expires_at else "good"


def _document(token: tokens.TokenRecord, now: datetime) -> dict[str, Any]:
    values = {name: _iso(value) if isinstance(value, datetime) else value for name, value in token._asdict().items()}
    return {**values, "state": _state(token, now)}


def _iso(time: datetime | None) -> str | None:
    return time.isoformat() if time else None
