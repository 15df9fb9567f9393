"""Members of a pushed group that no resource is: they keep nobody out, and leave a trace."""

from __future__ import annotations

import logging

import pytest

from app.store import audit
from tests.scim.conftest import GROUP, Client

TRACE = "members passed over, whose ids no resource has: {}"


def traces(client: Client) -> list[str]:
    """Return what the audit log says of groups."""
    with client.database.read() as connection:
        return [row.detail for row in audit.list_rows(connection) if row.kind == "Group"]


def test_members_that_nobody_is_are_passed_over_and_counted(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "app.scim")
    ada, bob = client.user("ada@acme.com")["id"], client.user("bob@acme.com")["id"]
    group = client.group("tecton-ml", [ada, "gone", "gone too"])
    assert client.members(group) == {ada}
    body = {"schemas": [GROUP], "displayName": "tecton-ml", "members": [{"value": id_} for id_ in (ada, bob, "gone")]}
    for _ in range(2):  # the second changes nothing, and adds nothing to the audit log
        assert client.send("PUT", f"/Groups/{group['id']}", body).status_code == 200
    client.patch(f"/Groups/{group['id']}", {"op": "add", "path": "members", "value": [{"value": ada}]})
    assert client.members(group) == {ada, bob}
    added = '["add {}@acme.com to group tecton-ml"]'
    told = [added.format("ada"), TRACE.format(2), added.format("bob"), TRACE.format(1)]
    assert [trace for trace in traces(client) if trace not in ("created", "members changed")] == told
    said = [record.getMessage() for record in caplog.records if "passed over" in record.getMessage()]
    assert [("'tecton-ml': 2 members" in line, "'tecton-ml': 1 members" in line) for line in said] == [
        (True, False),
        (False, True),
        (False, True),
    ]
