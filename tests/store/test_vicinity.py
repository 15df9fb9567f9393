"""What is told of one principal does not depend on how much else is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.bootstrap import read_policy
from app.core.identity import Kind, Principal
from app.reconcile.world import World
from app.store.access_reports import AccessReport, AccessReports, explain_by_name
from app.store.database import Database
from app.store.evidence import snapshot
from app.store.knowledge import read_knowledge
from app.store.snapshot import read_directory
from app.store.vicinity import read_vicinity
from tests.conftest import Clock
from tests.rig import Rig

POLICY = """
version: 1
provision: {users: 'userType ne "Guest"', groups: 'displayName sw "t"', service_accounts: 'userType eq "Robot"'}
names: {user: NAME, group: {strip_prefix: "tecton-"}}
grants:
  - name: fraud
    to: {group: tecton-fraud}
    roles: [{workspace: prod, role: consumer}, {secret_scope: my-scope, role: reader}]
  - {name: ada, to: {user: ada@acme.com}, roles: [{workspace: prod, role: viewer}, {workspace: prod, role: editor}]}
  - {name: auditors, to: {where: 'title eq "Auditor"'}, roles: [{workspace: audits, role: viewer}]}
  - {name: typo, to: {group: tecton-frued}, roles: [{workspace: lost, role: viewer}]}
  - {name: jobs, to: {workspace: prod}, roles: [{secret_scope: my-scope, role: reader}]}
service_accounts: [{name: Loader, groups: [tecton-fraud, tecton-none]}, {name: builder}]
guards: {min_admins: 0, grace: {users: 1d}}
"""


def mails(*addresses: str) -> list[dict[str, object]]:
    return [{"value": address, "primary": number == 0} for number, address in enumerate(addresses)]


@pytest.fixture(params=["userName", "email"])
def rig(request: pytest.FixtureRequest, database: Database, clock: Clock, tmp_path: Path) -> Iterator[Rig]:
    """A directory and a Tecton with much that is odd; not all of it was reconciled."""
    rig = Rig(database, clock, tmp_path, policy=POLICY.replace("NAME", request.param))
    rig.by_hand("scopes", name="my-scope")
    people = {
        name: rig.create_user(f"{name}@acme.com", emails=mails(f"{name}@acme.com"), **more)
        for name, more in {
            "ada": {"title": "Auditor"}, "bob": {}, "Éva": {}, "guest": {"userType": "Guest"}, "left": {},
            "robot": {"userType": "Robot"}, "twin": {"title": "Auditor"},
        }.items()
    }  # fmt: skip
    people["other"] = rig.create_user("other@acme.com", emails=mails("TWIN@acme.com", "bob@acme.com"))
    people["nobody"] = rig.create_user("nobody", roles=[{"type": "workspace_x", "value": "viewer"}])
    rig.push("POST", "/ServiceAccounts", {"schemas": [ACCOUNT], "name": "BUILDER"})
    rig.create_group("tecton-fraud", *people.values())
    rig.create_group("tecton-tecton-fraud", people["ada"])
    rig.create_group("tx", people["ada"])
    rig.create_group("tecton-tx", people["bob"])
    rig.create_group("idle", people["twin"])
    past = rig.create_group("tecton-past", people["bob"])
    rig.set_active(people["left"], False)
    rig.run()
    rig.by_hand("users", userName="hand@acme.com")
    rig.by_hand("groups/fraud/members", add=["hand@acme.com"], remove=["bob@acme.com"])
    rig.by_hand("assign", principal_type="user", principal="hand@acme.com", type="workspace_prod", value="owner")
    rig.by_hand("groups", displayName="by hand", members=["hand@acme.com", "ada@acme.com"])
    rig.by_hand("groups/past/members", remove=["bob@acme.com"])
    rig.run("plan")
    rig.patch(f"/Groups/{past}", {"op": "remove", "path": "members"})
    rig.push("DELETE", f"/Users/{people['twin']}")
    rig.create_group("tecton-late", rig.create_user("late@acme.com"))
    yield rig
    rig.close()


ACCOUNT = "urn:ietf:params:scim:schemas:extension:tecton:1.0:ServiceAccount"


def test_a_report_is_the_same_whether_all_is_read_or_only_what_is_around(rig: Rig) -> None:
    policy = read_policy(rig.policy_file)
    with snapshot(rig.database) as connection:
        world = World(read_directory(connection, policy), read_knowledge(connection))
        whole = AccessReports(connection, world, policy, rig.clock())
        known = {link.principal for link in world.links} | whole._everybody
        known |= {of.principal for of in (*world.people.values(), *world.groups.values())}
        known |= {Principal(kind, f"tecton/{id_}") for kind, id_ in world.records}
        assert len(known) > 30
        for principal in sorted(known):
            around = AccessReports(connection, read_vicinity(connection, policy, [principal]), policy, rig.clock())
            assert around.knows(principal) is whole.knows(principal), principal
            assert around.groups_of(principal) == whole.groups_of(principal), principal
            for resource in (None, "prod", "my-scope", "lost"):
                assert around.report(principal, resource) == whole.report(principal, resource)


def test_whoever_has_a_name_is_found_by_it_as_if_all_was_read(rig: Rig) -> None:
    policy = read_policy(rig.policy_file)
    with snapshot(rig.database) as connection:
        world = World(read_directory(connection, policy), read_knowledge(connection))
        whole = AccessReports(connection, world, policy, rig.clock())
        known = whole._everybody | {of.principal for of in (*world.people.values(), *world.groups.values())}
        names = {world.name_of(of) for of in known} | {of.pushed_name for of in world.people.values()}
        names |= {of.pushed_name for of in world.groups.values()}
        for name in sorted({*names, *map(str.upper, names), "nobody at all"}):
            found = explain_by_name(connection, policy, name, rig.clock())
            assert found == all_called(whole, known, name), name


def all_called(reports: AccessReports, known: set[Principal], name: str) -> list[AccessReport]:
    return [reports.report(of) for of in sorted(known) if reports.is_called(of, name)]


def test_the_jobs_of_a_workspace_are_found_by_its_name(rig: Rig) -> None:
    with snapshot(rig.database) as connection:
        (report,) = explain_by_name(connection, read_policy(rig.policy_file), "PROD", rig.clock())
    assert (report.principal, [row.role for row in report.access]) == (Principal(Kind.WORKSPACE, "prod"), ["reader"])
