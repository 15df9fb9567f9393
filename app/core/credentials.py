"""One-time keys and their rotation: what is known of each, and what is to be done next. No value is here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from app.core.policy_accounts import Credentials, DeclaredServiceAccount, Delivery

# How long a delivery or a rotation that failed waits: doubled from the first, never more than the second.
BACKOFF = (timedelta(seconds=5), timedelta(minutes=15))


class KeyKind(StrEnum):
    """What sort of key: an account has API keys or client secrets, never both."""

    API_KEY = "api_key"
    CLIENT_SECRET = "client_secret"  # noqa: S105 - a kind, not a secret


class KeyState(StrEnum):
    """Where a key is on its way to whoever uses it."""

    NEW = "new"  # sealed; nobody has looked at where it goes
    DUE = "due"  # to be delivered
    WAITING = "waiting"  # to be claimed
    DELIVERED = "delivered"
    CLAIMED = "claimed"

    @property
    def is_handed_over(self) -> bool:
        """Tell whether somebody has it who can use it."""
        return self in {KeyState.DELIVERED, KeyState.CLAIMED}


@dataclass(frozen=True, slots=True)
class Credential:
    """The newest key of one service account. Its value is sealed elsewhere, and here is only said whether.

    `secret_id` is Tecton's id of a client secret, where it is known; `is_kept` says that a sealed copy
    stays for probes when the key is handed over.
    """

    tecton_id: str
    name: str
    kind: KeyKind
    state: KeyState
    created_at: datetime
    secret_id: str | None = None
    destination: str | None = None
    attempts: int = 0
    next_at: datetime | None = None
    last_error: str | None = None
    handed_at: datetime | None = None
    claimed_by: str | None = None
    is_kept: bool = False
    is_sealed: bool = True

    def is_due(self, now: datetime) -> bool:
        """Tell whether its delivery is to be tried now."""
        return self.state is KeyState.DUE and (self.next_at is None or self.next_at <= now)


class Routing(NamedTuple):
    """What is to become of a key that nobody has yet."""

    state: KeyState
    destination: str | None


def route(credential: Credential, deliver_to: Delivery | None) -> Routing:
    """Return where a key goes by the policy in force; one that is handed over stays where it is."""
    if credential.state.is_handed_over:
        return Routing(credential.state, credential.destination)
    return Routing(KeyState.DUE, str(deliver_to)) if deliver_to else Routing(KeyState.WAITING, None)


def backoff(attempts: int) -> timedelta:
    """Return how long to wait after this many tries that failed."""
    first, longest = BACKOFF
    return min(first * int(2 ** min(attempts - 1, 20)), longest)


# ---------------------------------------------------------------- rotation


class Step(StrEnum):
    """The steps of a rotation, in their order. What a step waits for is in `due_at`."""

    CREATE = "create"  # a second secret is to be made
    DELIVER = "deliver"  # it is sealed, and on its way to whoever uses it
    SETTLE = "settle"  # it was handed over: tokens of the old one end by themselves
    RETIRE = "retire"  # the old one is deactivated, and can be activated again
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Rotation:
    """One rotation of one account's client secret. What is known here is what a crash does not take.

    `known` are the secrets that were there before the new one was asked for; `intended_at` when it was
    first asked for, None before.
    """

    tecton_id: str
    name: str
    step: Step
    requested_by: str
    started_at: datetime
    since: datetime
    known: tuple[str, ...] = ()
    intended_at: datetime | None = None
    new_id: str | None = None
    attempts: int = 0
    next_at: datetime | None = None
    last_error: str | None = None

    @property
    def is_open(self) -> bool:
        """Tell whether it is still under way."""
        return self.step is not Step.DONE

    def due_at(self, waits: Credentials) -> datetime:
        """Return when its step is over, or is to be tried again after a failure."""
        over = self.since + {
            Step.SETTLE: waits.propagation + waits.token_lifetime,
            Step.RETIRE: waits.delete_after,
        }.get(self.step, timedelta())
        return max(over, self.next_at) if self.next_at else over


def rotation_due_at(account: DeclaredServiceAccount, credential: Credential | None, linked_at: datetime) -> datetime:
    """Return when the secret of an account is old enough; of one that the bridge never saw the age is not known.

    Take only accounts with `rotate_every` (AssertionError otherwise).
    """
    if account.rotate_every is None:
        raise AssertionError("asked of an account without rotate_every")
    return (credential.created_at if credential else linked_at) + account.rotate_every


# A secret that appeared later than this after it was asked for is not the one that was asked for.
STRAY_WINDOW = timedelta(minutes=10)


class Shown(NamedTuple):
    """A client secret as Tecton shows it for ever."""

    id: str
    is_active: bool
    created_at: datetime | None


def strays(rotation: Rotation, shown: Iterable[Shown]) -> tuple[list[Shown], list[Shown]]:
    """Return the secrets whose value was lost on the way here, and those that somebody else made meanwhile.

    A secret that was not there before the bridge asked for one, and came to be right when it did, is
    the bridge's; nobody has ever seen its value.
    """
    if rotation.intended_at is None:
        return [], []
    asked = rotation.intended_at
    unknown = [secret for secret in shown if secret.id not in rotation.known]
    lost = [s for s in unknown if s.created_at is not None and abs(s.created_at - asked) <= STRAY_WINDOW]
    return lost, [secret for secret in unknown if secret not in lost]
