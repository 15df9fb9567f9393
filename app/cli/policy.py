"""`python -m app policy`: look at a policy before it goes live."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from app.bootstrap import read_policy, utc_now
from app.cli.common import json_option, prepare, print_json
from app.cli.policy_warnings import list_warnings
from app.core.changes import Change
from app.core.desired import desired_access
from app.core.diff import diff
from app.core.effective import effects, summarize
from app.core.policy import Policy
from app.core.policy_text import PolicyError
from app.reconcile.world import World
from app.store.database import Database
from app.store.knowledge import read_knowledge
from app.store.snapshot import read_directory


@click.group("policy")
def command() -> None:
    """Look at a policy before it goes live."""


@command.command("check")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def check(file: Path, as_json: bool) -> None:
    """Say everything that is wrong with a policy file, each with file, line and column.

    Names that match nothing that was pushed, or that Tecton has, are warnings; they are looked for in the
    bridge's database, where it can be read.
    """
    try:
        policy = read_policy(file)
    except PolicyError as error:
        if not as_json:
            raise
        faults = [{"line": f.line, "column": f.column, "field": f.field, "message": f.message} for f in error.faults]
        print_json({"ok": False, "file": str(file), "errors": faults})
        raise SystemExit(1) from None
    warnings = list_warnings(policy, file)
    if as_json:
        print_json({"ok": True, "file": str(file), "errors": [], "warnings": [asdict(warning) for warning in warnings]})
    else:
        for warning in warnings:
            click.echo(f"{file}:{warning.line}:{warning.column}: {warning.field} {warning.message}", err=True)
        click.echo(f"{file} is fine: {len(policy.grants)} grants, {len(policy.service_accounts)} service accounts")


@command.command("simulate")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def simulate(file: Path, as_json: bool) -> None:
    """Say who would gain and lose what under a new policy, on the real directory, before it goes live.

    Compares what is desired under the policy in force (BRIDGE_POLICY) and under FILE. Nothing is read
    from Tecton, and nothing is written.
    """
    settings, database = prepare()
    document = _compare(database, read_policy(settings.policy), read_policy(file))
    if as_json:
        print_json(document)
        return
    for sentence in document["effects"] or ["nobody gains or loses anything"]:
        click.echo(sentence)
    for sentence in document["changes"]:
        click.echo(f"  {sentence}")


def _compare(database: Database, now: Policy, then: Policy) -> dict[str, list[str]]:
    worlds = [_world(database, policy) for policy in (now, then)]
    states = [
        desired_access(world.directory(world.people, world.groups), policy, utc_now()).state
        for world, policy in zip(worlds, (now, then), strict=True)
    ]
    changes: tuple[Change, ...] = diff(states[1], states[0])
    name_of = worlds[1].name_of
    return {
        "effects": summarize(effects(states[0], states[1]), name_of),
        "changes": [change.sentence(name_of) for change in changes],
    }


def _world(database: Database, policy: Policy) -> World:
    with database.read() as connection:
        return World(read_directory(connection, policy), read_knowledge(connection))
