"""Laws of reconciling, for any history of pushes."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Clock, open_hastily
from tests.reconcile.machine_pushes import NAMES, Pushing, dialects, pick, pushed_roles
from tests.reconcile.pushed import POLICY, groups_in, users_in
from tests.reconcile.wired import WiredRig

UNGUARDED = POLICY.replace("floor: 2", "floor: 1000").replace("min_admins: 2", "min_admins: 0")
Push = tuple[str, tuple[Any, ...]]

RULES = [
    ("hire", pick, st.booleans(), pushed_roles),
    ("create_group", pick, pick),
    ("set_active", pick, st.booleans(), dialects),
    ("delete_user", pick),
    ("push_roles", pick, pushed_roles),
    ("rename_group", pick, pick),
    ("delete_group", pick),
    ("add_member", pick, pick, dialects),
    ("remove_member", pick, pick, dialects),
]
pushes = st.one_of([st.tuples(st.just(name), st.tuples(*values)) for name, *values in RULES])


class Life:
    """A bridge that lives through a history of pushes, and what Tecton holds in the end."""

    def __init__(self, template: Path, directory: Path) -> None:
        shutil.copy(template, directory / "bridge.db")
        database = open_hastily(f"sqlite:///{directory / 'bridge.db'}")
        self.rig = WiredRig(database, Clock(), directory, policy=UNGUARDED)
        self.idp = Pushing()
        self.idp.rig = self.rig
        self.rig.sweep()
        self.idp.breakglass_id = self.rig.create_user("breakglass@acme.com")
        for number in range(3):
            self.idp.hire(0, number == 0, set())
        self.idp.create_group(0, 2)
        self.rig.settle()

    def live(self, history: list[Push], *, coalesced: bool) -> Any:
        """Push it all, reconciling after each push or only after the last; return who holds what."""
        for push, values in history:
            getattr(self.idp, push)(*values)
            if not coalesced:
                self.rig.settle()
        self.rig.settle()
        state = self.rig.state()
        self.rig.close()
        self.rig.database.dispose()
        return users_in(state, set(NAMES)), groups_in(state)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(pushes, max_size=8))
def test_pushes_that_are_coalesced_do_what_they_do_one_by_one(sqlite_template: Path, history: list[Push]) -> None:
    """And both do what was pushed: the queue holds who, not what, so nothing depends on when it is drained."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        coalesced, each = Life(sqlite_template, Path(one)), Life(sqlite_template, Path(other))
        held = coalesced.live(history, coalesced=True)
        assert held == each.live(history, coalesced=False)
        assert held == (coalesced.idp.pushed.users(), coalesced.idp.pushed.groups())
