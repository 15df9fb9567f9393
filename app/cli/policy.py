"""`python -m app policy`: look at a policy before it goes live."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from app.bootstrap import read_policy
from app.cli.common import console, json_option, policy_in_force, prepare_kept, print_json
from app.cli.policy_warnings import list_warnings
from app.cli.simulation import Document, compare
from app.core.policy_text import PolicyError

_GIVE = "give FILE as the path of a policy file"


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
        policy = read_policy(file, _GIVE)
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
    """Say who would gain and lose what in Tecton under a new policy, before it goes live.

    Rehearses a sweep under the policy in force (BRIDGE_POLICY) and one under FILE, on the directory as it is
    and Tecton as last read, with what the policies leave alone, protect and hold; and says where they
    differ. Nothing is read from Tecton, and nothing is written.
    """
    settings, database = prepare_kept()
    then = read_policy(file, _GIVE)
    document = compare(database, settings.tecton_url, policy_in_force(settings, database), then)
    print_json(document) if as_json else _show(document)


def _show(document: Document) -> None:
    out = console()
    for sentence in document["effects"] or ["nobody gains or loses anything"]:
        out.print(sentence, style="bold", soft_wrap=True)
    for title, name in PARTS:
        if document[name]:
            out.print(title, soft_wrap=True)
        for sentence in document[name]:
            out.print(f"  {sentence}", soft_wrap=True)
    for objection in document["held"]:
        out.print_headed("would be held:", objection["sentence"])
    out.print(_evidence(document), soft_wrap=True)


PARTS = (
    ("the next sweep would also", "changes"),
    ("it would no longer", "no_longer"),
    ("of all that it does, this waits for approval:", "held_changes"),
    ("this would stay as it is:", "stays"),
    ("this would no longer be said to stay:", "stays_no_longer"),
)


def _evidence(document: Document) -> str:
    if document["verified_at"] is None:
        return (
            "Tecton was never read: only what is desired was compared, not what policy keeps and guards hold. "
            "Run `python -m app drift` first"
        )
    same = f"; {document['either_way']} changes are due under either policy" if document["either_way"] else ""
    return f"compared with Tecton as last read at {document['verified_at'][:19].replace('T', ' ')} UTC{same}"
