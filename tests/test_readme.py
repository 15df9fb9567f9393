"""What the README says of Tecton is so: its endpoints, its knobs, its paths."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import NamedTuple

import pytest

from app.sandbox.knob_table import KNOBS, new_knobs
from app.sandbox.operations import ACCOUNTS, COLLECTIONS, FIXED, PATTERNS
from app.sandbox.routes import resolve
from app.tecton.config import Paths

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
# What a Tecton offers and the bridge never asks: it makes no scopes, reads no secrets, and knows the roles.
NEVER_ASKED = {"create_scope", "remove_scope", "get_value", "get_roles", "put_roles", "get_login_configs"}


class Row(NamedTuple):
    """One endpoint as the README has it."""

    method: str
    path: str
    modules: list[str]
    test: str


def section(title: str) -> str:
    return README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def rows() -> list[Row]:
    found = []
    for line in section("Tecton's endpoints").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if endpoint := re.match(r"`([A-Z]+) (/\S+)`", cells[0]):
            found.append(Row(endpoint[1], endpoint[2], cells[2].split(", "), cells[3]))
    return found


ROWS = rows()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.method} {row.path}")
def test_an_endpoint_is_answered_asked_and_tested_where_the_table_says(row: Row) -> None:
    assert resolve(row.method, re.sub(r"{\w+}", "x", row.path), new_knobs()).operation
    assert all((ROOT / "app" / "tecton" / f"{module}.py").is_file() for module in row.modules)
    file, _, test = row.test.partition("::")
    assert f"def {test}(" in (ROOT / "tests" / file).read_text(encoding="utf-8")


def test_the_table_has_every_endpoint_of_tecton() -> None:
    collections = [operation for one in COLLECTIONS.values() for operation in one.values()]
    every = {operation.name for operation in (*collections, *FIXED.values(), *ACCOUNTS.values())}
    every |= {operation.name for _, _, operation in PATTERNS}
    told = [resolve(row.method, re.sub(r"{\w+}", "x", row.path), new_knobs()).operation for row in ROWS]
    assert {operation.name for operation in told if operation} == every - NEVER_ASKED


def test_the_table_has_every_path_that_the_bridge_asks() -> None:
    paths = Paths()
    full = [paths.scim + path if re.fullmatch("/[A-Z]\\w+", path) else path for path in _values(paths)]
    assert [path for path in full if not any(row.path.startswith(path) for row in ROWS)] == []


def test_every_path_that_can_be_set_is_named() -> None:
    said = section("What is assumed of Tecton")
    assert [one.name for one in fields(Paths) if f"`{one.name}`" not in said] == []


def test_every_knob_is_in_what_is_assumed() -> None:
    said = section("What is assumed of Tecton")
    assert [knob.name for knob in KNOBS if f"`{knob.name}`" not in said] == []


def _values(paths: Paths) -> list[str]:
    return [getattr(paths, one.name) for one in fields(paths)]
