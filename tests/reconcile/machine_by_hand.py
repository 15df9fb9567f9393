"""The state machine's people who change things in Tecton itself, and what they made before the bridge came."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from tests.reconcile.machine_pushes import NAMES, pick
from tests.reconcile.pushed import PUSHED_ROLES
from tests.reconcile.wired import WiredRig
from tests.rig import roles

ADMIN = ("account_type", "admin")
BREAKGLASS, CREATOR, STRANGER, OWN = "breakglass@acme.com", "creator@acme.com", "stranger@acme.com", "scim-bridge"
FOREIGN_GROUP = "by hand"
PROTECTED = (BREAKGLASS, OWN)
# Whose memberships are changed by hand, as well as those of people who are pushed.
OTHERS = ["admin@example.com", *PROTECTED]
HAND_ROLES = [*PUSHED_ROLES, ("workspace_my_workspace", "owner")]


class ByHand(RuleBasedStateMachine):
    """Roles, members, users and groups are changed in Tecton; `is_by_hand` says that the last step did."""

    rig: WiredRig

    def __init__(self) -> None:
        super().__init__()
        self.is_by_hand = False
        self.made_by_hand: set[str] = set()  # users whom the bridge does not delete

    def furnish(self) -> None:
        """Make what the bridge must never touch."""
        rig = self.rig
        for name in (BREAKGLASS, CREATOR, STRANGER):
            rig.by_hand("users", userName=name, givenName="B", familyName="G")
        rig.by_hand("groups", displayName=FOREIGN_GROUP, members=[STRANGER, *PROTECTED])
        rig.by_hand("scopes", name="creators-scope")
        rig.by_hand("workspaces", name="creators-workspace")
        self._grant("user", BREAKGLASS, ADMIN)
        self._grant("user", CREATOR, ("secret_scope_creators-scope", "secret_scope_manager"))
        self._grant("user", CREATOR, ("workspace_creators-workspace", "owner"))
        self._grant("group", FOREIGN_GROUP, ("workspace_prod", "viewer"))
        self._grant("workspace", "prod", ("secret_scope_my-secret-scope", "secret_scope_reader"))
        rig.by_hand("unassign", principal_type="user", principal="admin@example.com", type=ADMIN[0], value=ADMIN[1])

    def untouchable(self) -> dict[str, Any]:
        """Return how everything is that the bridge must never touch; only a person's hand changes it."""
        state, rig = self.rig.state(), self.rig
        members = {group["id"]: {member["name"] for member in group["members"]} for group in state["groups"]}
        grants = [grant for scope in state["scopes"] for grant in scope["grants"]]
        groups = {name: {id_ for id_, names in members.items() if name in names} for name in PROTECTED}
        return {
            "own account": {**(rig.account(OWN) or {}), "groups": groups[OWN]},
            "protected": {**(rig.user(BREAKGLASS) or {}), "groups": groups[BREAKGLASS]},
            "unmanaged user": rig.user(STRANGER),
            "unmanaged group": rig.group(FOREIGN_GROUP),
            "automatic roles": roles(rig.user(CREATOR)),
            "roles of workspaces": [grant for grant in grants if grant["principal_type"] == "workspace"],
        }

    def _grant(self, kind: str, name: str, role: tuple[str, str]) -> None:
        self.rig.by_hand("assign", principal_type=kind, principal=name, type=role[0], value=role[1])

    def _someone(self, number: int) -> str | None:
        names = [u["userName"] for u in self.rig.state()["users"] if u["userName"] in NAMES]
        return names[number % len(names)] if names else None

    def _groups(self) -> list[dict[str, Any]]:
        return [group for group in self.rig.state()["groups"] if group["displayName"] != FOREIGN_GROUP]

    def _some_group(self, number: int) -> str | None:
        groups = [group["displayName"] for group in self._groups()]
        return groups[number % len(groups)] if groups else None

    @rule(number=pick, role=st.sampled_from(HAND_ROLES), of_group=st.booleans())
    def grant_by_hand(self, number: int, role: tuple[str, str], of_group: bool) -> None:
        if name := self._some_group(number) if of_group else self._someone(number):
            self._grant("group" if of_group else "user", name, role)
            self.is_by_hand = True

    @rule(number=pick, of_group=st.booleans())
    def revoke_by_hand(self, number: int, of_group: bool) -> None:
        mine = [*NAMES, "admin@example.com"]
        users = [user for user in self.rig.state()["users"] if user["userName"] in mine]
        held = [("group", g["displayName"], r) for g in self._groups() for r in g["roles"]] if of_group else [
            ("user", u["userName"], r) for u in users for r in u["roles"]
        ]  # fmt: skip
        if held:
            kind, name, role = held[number % len(held)]
            self.rig.by_hand("unassign", principal_type=kind, principal=name, type=role["type"], value=role["value"])
            self.is_by_hand = True

    @rule(number=pick, who=pick)
    def add_member_by_hand(self, number: int, who: int) -> None:
        if group := self._some_group(number):
            everybody = [*OTHERS, *filter(None, [self._someone(who)])]
            self.rig.by_hand(f"groups/{group}/members", add=[everybody[who % len(everybody)]])
            self.is_by_hand = True

    @rule(number=pick, who=pick)
    def remove_member_by_hand(self, number: int, who: int) -> None:
        if (group := self._some_group(number)) and (members := sorted(self.rig.members(group))):
            self.rig.by_hand(f"groups/{group}/members", remove=[members[who % len(members)]])
            self.is_by_hand = True

    @rule(number=pick)
    def delete_user_by_hand(self, number: int) -> None:
        if name := self._someone(number):
            self.rig.tecton.delete(f"/_sandbox/users/{name}")
            self.made_by_hand.discard(name)
            self.is_by_hand = True

    @rule(number=pick)
    def delete_group_by_hand(self, number: int) -> None:
        if name := self._some_group(number):
            self.rig.tecton.delete(f"/_sandbox/groups/{name}")
            self.is_by_hand = True

    @rule(number=pick)
    def sign_in_before_the_push(self, number: int) -> None:
        """Single sign-on makes a user whom nobody pushed yet: to be adopted when it is."""
        name = NAMES[number % len(NAMES)]
        if self.rig.user(name) is None:
            self.rig.by_hand("sign-in", user=name, saml_groups=[])
            self.made_by_hand.add(name)

    def let_go(self) -> None:
        """Take by hand whom the bridge never touches out of the groups that are pushed."""
        for group in self._groups():
            members = {member["name"] for member in group["members"]}
            if kept := sorted(members & set(PROTECTED)):
                self.rig.by_hand(f"groups/{group['displayName']}/members", remove=kept)
