"""`doctor` finds out what the Tecton at hand can do, says it, and keeps it for the sweeps."""

from __future__ import annotations

import json

from tests.process.processes import KEY, call, running


def test_doctor_says_what_tecton_can_do_and_a_sweep_reads_it_accordingly(environment: dict[str, str]) -> None:
    options = ("--admin-key", KEY, "--port", "0", "--set", "list_attributes=honoured")
    with running("sandbox", *options) as tecton:
        environment["TECTON_URL"] = tecton.url
        before = json.loads(call("sweep", "--json", **environment).stdout)["reads"]
        said = json.loads(call("doctor", "--json", **environment).stdout)
        after = json.loads(call("sweep", "--json", **environment).stdout)["reads"]
    found = {check["name"]: check for check in said["checks"]}
    assert found["tecton whole users"]["what"].startswith("yes")
    assert "users and service accounts are read from their lists" in found["tecton read plan"]["what"]
    assert all(check["ok"] for check in found.values() if check["name"].startswith("tecton "))
    assert after < before
