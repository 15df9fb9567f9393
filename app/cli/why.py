"""`python -m app why`: why does she have this?"""

from __future__ import annotations

from typing import Any

import click
from rich.table import Table

from app.bootstrap import read_policy, utc_now
from app.cli.common import console, json_option, prepare, print_json
from app.cli.main import fail
from app.core.desired import desired_access
from app.core.explain import Access, explain
from app.core.identity import Kind, Principal
from app.reconcile.world import World
from app.settings import Settings
from app.store.database import Database
from app.store.knowledge import read_knowledge
from app.store.snapshot import read_directory


@click.command("why")
@click.argument("who")
@click.argument("resource", required=False)
@json_option
def command(who: str, resource: str | None, as_json: bool) -> None:
    """Say what WHO (a user, group, service account or workspace, by name) may do, through what, and who wants it so.

    RESOURCE, a workspace or secret scope, shows only what is on it. From what was pushed, the policy in
    force, and Tecton as last read.
    """
    settings, database = prepare()
    documents = [document for document in _answers(settings, database, who) if document]
    if not documents:
        fail(f"nobody is called {who}: neither pushed, nor declared in the policy, nor in Tecton as last read")
    for document in documents:
        if resource is not None:
            document["access"] = [access for access in document["access"] if _is_on(access, resource)]
    print_json(documents[0] if len(documents) == 1 else documents) if as_json else _show(documents)


def _answers(settings: Settings, database: Database, who: str) -> list[dict[str, Any]]:
    policy = read_policy(settings.policy)
    with database.read() as connection:
        world = World(read_directory(connection, policy), read_knowledge(connection))
    desired = desired_access(world.directory(world.people, world.groups), policy, utc_now())
    observed = world.observed()
    return [
        _document(principal, world, explain(principal, desired, observed), desired.state.principals())
        for principal in _called(who, world, desired.state.principals() | observed.principals())
    ]


def _called(who: str, world: World, everybody: set[Principal]) -> list[Principal]:
    name = who.casefold()
    pushed = {person.principal for person in world.people.values() if person.pushed_name.casefold() == name}
    pushed |= {group.principal for group in world.groups.values() if group.pushed_name.casefold() == name}
    return sorted(pushed | {p for p in everybody if world.name_of(p).casefold() == name})


def _document(principal: Principal, world: World, found: list[Access], desired: set[Principal]) -> dict[str, Any]:
    tecton_id = world.links.tecton_id_of(principal)
    return {
        "kind": principal.kind.value,
        "name": world.name_of(principal),
        "id": None if principal.is_foreign else principal.id,
        "tecton_id": tecton_id,
        "is_desired": principal in desired,
        "is_observed": principal.kind is Kind.WORKSPACE or (principal.kind, tecton_id) in world.records,
        "access": [_access(access, world) for access in found],
    }


def _access(access: Access, world: World) -> dict[str, Any]:
    return {
        "role": access.grant.role,
        "on": str(access.grant.target),
        "level": access.grant.target.level.value,
        "resource": access.grant.target.name or None,
        "via_group": world.name_of(access.via) if access.via else None,
        "is_desired": access.is_desired,
        "is_observed": access.is_observed,
        "wanted_by": list(access.wanted_by),
    }


def _is_on(access: dict[str, Any], resource: str) -> bool:
    """Tell whether a grant is on a workspace or scope: one on all workspaces, or as admin, reaches each."""
    everywhere = access["level"] == "all_workspaces" or access["level"] == "account"
    return everywhere or (access["resource"] or "").casefold() == resource.casefold()


def _show(documents: list[dict[str, Any]]) -> None:
    for document in documents:
        state = {
            (True, True): "is desired, and is in Tecton",
            (True, False): "is desired, and is not in Tecton",
            (False, True): "is in Tecton, and is not desired",
            (False, False): "was pushed, and is neither desired nor in Tecton",
        }[document["is_desired"], document["is_observed"]]
        console().print(f"[bold]{document['kind'].replace('_', ' ')} {document['name']}[/bold] {state}", soft_wrap=True)
        console().print(_table(document["access"]) if document["access"] else "  no access")


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("role", "on", "through", "desired", "in Tecton", "wanted by"):
        table.add_column(column, overflow="fold")
    for row in rows:
        through = f"group {row['via_group']}" if row["via_group"] else "itself"
        wanted = "; ".join(row["wanted_by"]) or "nobody"
        table.add_row(row["role"], row["on"], through, _yes(row["is_desired"]), _yes(row["is_observed"]), wanted)
    return table


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"
