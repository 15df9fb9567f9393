"""What the bridge costs Tecton, to the call: counted in the sandbox's own log."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from math import ceil
from pathlib import Path

import pytest

from tests.conftest import Clock, open_hastily
from tests.reconcile.conftest import MakeRig
from tests.rig import Rig

ASSIGN = "POST /api/v1/authorization-service/assign-roles"


@pytest.fixture
def one_rig(sqlite_template: Path, tmp_path: Path) -> Iterator[Rig]:
    """A bridge that has looked at its Tecton once, on SQLite alone: what it asks Tecton is the same on both."""
    shutil.copy(sqlite_template, tmp_path / "bridge.db")
    rig = Rig(open_hastily(f"sqlite:///{tmp_path / 'bridge.db'}"), Clock(), tmp_path)
    rig.run()
    rig.forget_calls()
    yield rig
    rig.close()
    rig.database.dispose()


def counted(rig: Rig) -> dict[str, int]:
    """Return the calls since the last `forget_calls`, as `METHOD collection`, less the ids."""
    return dict(Counter(f"{call['method']} {_collection(call['path'])}" for call in rig.calls()))


def _collection(path: str) -> str:
    parts = path.split("/")
    return "/".join(parts[:5]) + ("/ID" if len(parts) > 5 and "scim" in path else "/".join(["", *parts[5:]]))


@pytest.mark.parametrize("cap", [0, 2, 3])
def test_a_sweep_reads_each_object_each_page_and_each_scope_once(make_rig: MakeRig, cap: int) -> None:
    """N + G + S + pages + 1 + K reads, however many pages the lists have; and, with nothing changed, no write."""
    rig = make_rig(knobs={"list_count_cap": str(cap)})
    people = [rig.create_user(f"user{number}@acme.com") for number in range(3)]
    rig.create_group("tecton-fraud", *people)
    rig.run()
    rig.settle()
    rig.run()
    rig.forget_calls()
    report = rig.run()
    state = rig.state()
    sizes = [len(state[kind]) for kind in ("users", "groups", "service_accounts")]
    pages = sum(max(1, ceil(size / cap)) if cap else 1 for size in sizes)
    assert report["reads"] == sum(sizes) + pages + 1 + len(state["scopes"])
    assert len(list(rig.calls())) == report["reads"]
    assert (report["writes"], rig.writes()) == (0, [])


def test_each_changed_object_costs_one_write_and_all_scope_roles_one_batch(one_rig: Rig) -> None:
    rig = one_rig
    role = [{"type": "secret_scope_my-secret-scope", "value": "secret_scope_reader"}]
    ids = [rig.create_user(f"user{number}@acme.com", roles=role) for number in range(4)]
    groups = [rig.create_group(f"tecton-{name}", *ids, roles=role) for name in ("a", "b")]
    rig.settle()
    assert sorted(rig.writes()) == sorted([*["POST /api/scim/v2/Users"] * 4, *["POST /api/scim/v2/Groups"] * 2, ASSIGN])
    rig.forget_calls()
    for id_ in ids:
        rig.patch(f"/Users/{id_}", {"op": "replace", "path": "roles", "value": []})
    for group in groups:
        rig.patch(f"/Groups/{group}", {"op": "replace", "value": {"displayName": f"tecton-{group}", "members": []}})
    rig.settle()
    paths = [f"PUT /api/scim/v2/Groups/{group['id']}" for group in rig.state()["groups"]]
    assert sorted(rig.writes()) == sorted([*paths, ASSIGN.replace("assign-roles", "unassign-roles")])


def test_a_leaver_costs_one_call(one_rig: Rig) -> None:
    """Tecton takes memberships and roles away with the user: no group is read or written for it."""
    rig = one_rig
    ana = rig.create_user("ana@acme.com", title="Auditor")
    for name in ("fraud", "risk"):
        rig.create_group(f"tecton-{name}", ana)
    rig.settle()
    rig.forget_calls()
    rig.set_active(ana, False)
    rig.settle()
    assert counted(rig) == {"DELETE /api/scim/v2/Users/ID": 1}


def test_a_push_that_changes_nothing_for_tecton_costs_nothing(one_rig: Rig) -> None:
    rig = one_rig
    ana = rig.create_user("ana@acme.com")
    group = rig.create_group("tecton-fraud", ana)
    rig.settle()
    rig.forget_calls()
    rig.patch(f"/Users/{ana}", {"op": "replace", "path": "nickName", "value": "An"})
    rig.patch(f"/Groups/{group}", {"op": "replace", "path": "externalId", "value": "00g1"})
    rig.settle()
    assert counted(rig) == {}


def test_a_thousand_hires_into_five_groups_cost_a_thousand_and_ten_calls(one_rig: Rig) -> None:
    """One create for each of them; one read and one write for each group."""
    rig, number = one_rig, 1000
    groups = [rig.create_group(f"tecton-team{n}") for n in range(5)]
    rig.settle()
    rig.forget_calls()
    people = [rig.create_user(f"user{n}@acme.com") for n in range(number)]
    for n, group in enumerate(groups):
        for start in range(0, number, 250):
            value = [{"value": id_} for id_ in people[start + n : start + 250 : 5]]
            rig.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": value})
    rig.settle()
    assert counted(rig) == {
        "POST /api/scim/v2/Users": number,
        "GET /api/scim/v2/Groups/ID": 5,
        "PUT /api/scim/v2/Groups/ID": 5,
    }
    assert {len(rig.members(f"team{n}")) for n in range(5)} == {number // 5}
