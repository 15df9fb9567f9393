"""`python -m app admin`: who may sign in to the pages."""

from __future__ import annotations

import click

from app.bootstrap import open_kept_database, utc_now
from app.cli.common import json_option, print_json, reading, requester, writing
from app.store import admins
from app.store.admins import AdminError


@click.group("admin")
def command() -> None:
    """Create, list and remove those who may sign in to the pages, and give them new passwords."""


@command.command("create")
@click.argument("name")
@json_option
def create(name: str, as_json: bool) -> None:
    """Create the admin NAME; the password is shown once, on the last line, and kept hashed."""
    with writing(AdminError) as connection:
        password = admins.create_admin(connection, name, utc_now(), who=requester())
    _show(name, password, f"{name} may sign in", as_json=as_json)


@command.command("reset-password")
@click.argument("name")
@json_option
def reset_password(name: str, as_json: bool) -> None:
    """Give the admin NAME a new password, shown once, on the last line; sessions of the old one end."""
    with writing(AdminError, open_kept_database) as connection:
        password = admins.reset_password(connection, name, utc_now(), who=requester())
    _show(name, password, f"{name} has a new password", as_json=as_json)


@command.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the admins."""
    with reading() as connection:
        found = admins.list_admins(connection)
    if as_json:
        print_json([{"name": admin.name, "created_at": admin.created_at.isoformat()} for admin in found])
        return
    for admin in found:
        click.echo(f"{admin.name}  since {admin.created_at:%Y-%m-%d %H:%M}")


@command.command("remove")
@click.argument("name")
@json_option
def remove(name: str, as_json: bool) -> None:
    """Remove the admin NAME, whose sessions end. The last one stays: nobody could sign in any more."""
    with writing(AdminError, open_kept_database) as connection:
        admins.remove_admin(connection, name, utc_now(), who=requester())
    print_json({"name": name, "state": "removed"}) if as_json else click.echo(f"{name} may not sign in any more")


def _show(name: str, password: str, sentence: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"name": name, "password": password})
    else:
        click.echo(f"{sentence}; this is the password, shown only now:")
        click.echo(password)
