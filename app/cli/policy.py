"""`python -m app policy`: look at a policy before it goes live."""

from __future__ import annotations

from pathlib import Path

import click

from app.bootstrap import read_policy
from app.cli.common import json_option, print_json
from app.core.policy_text import PolicyError


@click.group("policy")
def command() -> None:
    """Look at a policy before it goes live."""


@command.command("check")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def check(file: Path, as_json: bool) -> None:
    """Say everything that is wrong with a policy file, each with file, line and column."""
    try:
        policy = read_policy(file)
    except PolicyError as error:
        if not as_json:
            raise
        faults = [{"line": f.line, "column": f.column, "field": f.field, "message": f.message} for f in error.faults]
        print_json({"ok": False, "file": str(file), "errors": faults})
        raise SystemExit(1) from None
    if as_json:
        print_json({"ok": True, "file": str(file), "errors": []})
    else:
        click.echo(f"{file} is fine: {len(policy.grants)} grants, {len(policy.service_accounts)} service accounts")
