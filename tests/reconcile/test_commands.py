"""What commands print of names that were pushed: the names, and nothing that a terminal obeys."""

from __future__ import annotations

import pytest

from app.cli.common import show_report
from tests.conftest import Invoke
from tests.reconcile.conftest import MakeRig

NAMES = {
    "x[/b]y@acme.com": "x[/b]y@acme.com",
    "[bold]z@acme.com": "[bold]z@acme.com",
    ":smile:@acme.com": ":smile:@acme.com",
    "a\x1b[2J\x9b2J\u202eb@acme.com": r"a\x1b[2J\x9b2J\u202eb@acme.com",
}


def test_names_are_printed_as_they_were_pushed_and_move_no_cursor(
    make_rig: MakeRig, invoke_stored: Invoke, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rig = make_rig(mode="observe")
    for name in NAMES:
        rig.create_user(name)
    report = rig.run()
    capsys.readouterr()
    report["objections"], report["notes"] = [{"guard": "removals", "sentence": name} for name in NAMES], list(NAMES)
    show_report(report)
    monkeypatch.setenv("BRIDGE_POLICY", str(rig.policy_file))
    results = [invoke_stored("drift", "--recorded"), *(invoke_stored("why", name) for name in NAMES)]
    assert [result.exit_code for result in results] == [0] * len(results), results
    for printed in (capsys.readouterr().out, results[0].stdout, "".join(result.stdout for result in results[1:])):
        assert all(shown in printed for shown in NAMES.values()), printed
        assert not any(character in printed for character in "\x1b\x9b\u202e")
