"""Rotating client secrets: create, hand over, wait, deactivate, delete. Every step is stored before the next.

Whatever is interrupted, and wherever, the account has a secret that works and never more than two: the
old one is deactivated only when the new one was handed over, a token's lifetime ago, and is active.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import structlog

from app.core.credentials import KeyKind, Rotation, Shown, Step, backoff, rotation_due_at, strays
from app.core.identity import Kind
from app.core.policy import Policy
from app.core.policy_accounts import DeclaredServiceAccount
from app.credentials.ports import Account, ClientSecrets, Holdings, KeyStore
from app.reconcile.ports import OneTimeKey, TectonError

log = structlog.get_logger("credentials")


class Stuck(Exception):
    """A rotation cannot go on by itself; the message says why, and what a person can do."""


class Rotator:
    """Rotates the client secrets of OAuth accounts; `secrets` gives Tecton for one look."""

    def __init__(self, store: KeyStore, secrets: Callable[[], ClientSecrets], clock: Callable[[], datetime]) -> None:
        self.store, self.secrets, self.clock = store, secrets, clock

    # ---------------------------------------------------------------- beginning

    def start_due(self, policy: Policy, holdings: Holdings) -> None:
        """Begin the rotations that the policy's schedule asks for, and those that replace a secret that was lost."""
        protected = policy.protected.names(Kind.SERVICE_ACCOUNT)
        for declared in policy.service_accounts:
            account = holdings.account_called(declared.name)
            if account is None or not account.is_active or declared.name.casefold() in protected:
                continue
            if not _is_open(holdings.rotations.get(account.tecton_id)) and (
                reason := self._why_rotate(declared, account, holdings)
            ):
                self._start(account, reason)

    def _why_rotate(self, declared: DeclaredServiceAccount, account: Account, holdings: Holdings) -> str:
        """Return why the secret of an account is to be replaced now, nothing when it is not."""
        credential = holdings.credentials.get(account.tecton_id)
        if declared.credentials == "oauth" and credential is None and account.tecton_id in holdings.lost:
            return "its first secret was lost on the way"
        # A key that nobody has yet is not replaced: whoever waits for it gets it first.
        is_free = credential is None or credential.state.is_handed_over
        if declared.rotate_every is None or not is_free:
            return ""
        return "schedule" if rotation_due_at(declared, credential, account.linked_at) <= self.clock() else ""

    def _start(self, account: Account, reason: str) -> None:
        now = self.clock()
        rotation = Rotation(account.tecton_id, account.name, Step.CREATE, reason, started_at=now, since=now)
        self.store.save_rotation(rotation, "rotation started")

    # ---------------------------------------------------------------- going on

    def advance_all(self, policy: Policy, holdings: Holdings) -> None:
        """Take every rotation as far as it goes now; one that fails waits, and stops no other."""
        for rotation in holdings.rotations.values():
            if rotation.is_open and self.clock() >= rotation.due_at(policy.credentials):
                self._advance(rotation, holdings)

    def _advance(self, rotation: Rotation, holdings: Holdings) -> None:
        account = holdings.accounts.get(rotation.tecton_id)
        if account is None:
            self._go_on(rotation, Step.DONE, "rotation ended", "the account is not in Tecton any more")
        elif account.is_active:
            step = {Step.CREATE: self._create, Step.SETTLE: self._deactivate, Step.RETIRE: self._delete}
            try:
                step.get(rotation.step, lambda of: self._await_handover(of, holdings))(rotation)
            except (TectonError, Stuck) as error:
                self._wait(rotation, str(error))

    def _create(self, rotation: Rotation) -> None:
        if not self.store.can_seal:
            raise Stuck("set BRIDGE_SECRET_KEY: without it the new secret could not be kept")
        secrets = self.secrets()
        shown = self._without_strays(rotation, secrets)
        if len(shown) > 1:
            names = " and ".join(secret.id for secret in shown)
            raise Stuck(f"{rotation.name} has two client secrets already ({names}): delete the one that nobody uses")
        # What was there before is stored first: after a crash, it tells the new one apart.
        rotation = replace(rotation, known=tuple(secret.id for secret in shown), intended_at=self.clock())
        self.store.save_rotation(rotation)
        secret_id, value = secrets.create(rotation.tecton_id)
        key = OneTimeKey(rotation.tecton_id, rotation.name, value, KeyKind.CLIENT_SECRET, secret_id)
        self.store.keep_secret(self._at(rotation, Step.DELIVER, new_id=secret_id), key)
        log.info("client secret created", account=rotation.name, secret=secret_id)

    def _without_strays(self, rotation: Rotation, secrets: ClientSecrets) -> list[Shown]:
        """Return the secrets of the account, once those whose value was lost on the way here are deleted."""
        shown = secrets.list_secrets(rotation.tecton_id)
        lost, others = strays(rotation, shown)
        if others:
            names = ", ".join(secret.id for secret in others)
            raise Stuck(f"somebody else made client secret {names} of {rotation.name} meanwhile: delete one by hand")
        for secret in lost:
            if secret.is_active:
                secrets.deactivate(rotation.tecton_id, secret.id)
            secrets.delete(rotation.tecton_id, secret.id)
            self.store.save_rotation(rotation, "lost secret deleted", secret.id)
        return [secret for secret in shown if secret not in lost]

    def _await_handover(self, rotation: Rotation, holdings: Holdings) -> None:
        credential = holdings.credentials.get(rotation.tecton_id)
        if credential is None or credential.secret_id != rotation.new_id:
            # Forgotten by hand before anybody had it: it is made anew.
            self._go_on(rotation, Step.CREATE, "secret missing", "it was forgotten before it was handed over")
        elif credential.handed_at is not None:
            handed = replace(self._at(rotation, Step.SETTLE), since=credential.handed_at)
            self.store.save_rotation(handed, "secret handed over", credential.state.value)

    def _deactivate(self, rotation: Rotation) -> None:
        secrets = self.secrets()
        shown = {secret.id: secret for secret in secrets.list_secrets(rotation.tecton_id)}
        new = shown.get(rotation.new_id or "")
        if new is None or not new.is_active:
            raise Stuck(f"the new client secret {rotation.new_id} is not active in Tecton: the old one stays")
        for secret_id in rotation.known:
            if secret_id in shown and shown[secret_id].is_active:
                secrets.deactivate(rotation.tecton_id, secret_id)
        self._go_on(rotation, Step.RETIRE, "old secret deactivated", ", ".join(rotation.known))

    def _delete(self, rotation: Rotation) -> None:
        secrets = self.secrets()
        old = [secret for secret in secrets.list_secrets(rotation.tecton_id) if secret.id in rotation.known]
        if back := [secret.id for secret in old if secret.is_active]:
            raise Stuck(f"client secret {back[0]} was activated again: somebody needs it; it is not deleted")
        for secret in old:
            secrets.delete(rotation.tecton_id, secret.id)
        self._go_on(rotation, Step.DONE, "old secret deleted", ", ".join(rotation.known))

    # ---------------------------------------------------------------- what is stored

    def _at(self, rotation: Rotation, step: Step, *, new_id: str | None = None) -> Rotation:
        return replace(
            rotation,
            step=step,
            since=self.clock(),
            new_id=new_id or rotation.new_id,
            attempts=0,
            next_at=None,
            last_error=None,
        )

    def _go_on(self, rotation: Rotation, step: Step, event: str, detail: str) -> None:
        self.store.save_rotation(self._at(rotation, step), event, detail)
        log.info(event, account=rotation.name, detail=detail)

    def _wait(self, rotation: Rotation, error: str) -> None:
        """Note a failure, beside what the step that failed has stored itself."""
        self.store.note_rotation_waits(rotation, error, self.clock() + backoff(rotation.attempts + 1))
        log.warning("rotation waits", account=rotation.name, step=rotation.step.value, error=error)


def _is_open(rotation: Rotation | None) -> bool:
    return rotation is not None and rotation.is_open
