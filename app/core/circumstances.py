"""What guards look at besides the plan, and what they answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from app.core.access import AccessState
from app.core.changes import Change
from app.core.identity import Principal
from app.core.policy_guards import Guards
from app.core.removals import Item, count_removals


@dataclass(frozen=True, slots=True)
class Objection:
    """Why some changes are held: which guard, and a sentence with what, how many, the limit and out of how many."""

    guard: str
    sentence: str
    held: int


@dataclass(frozen=True, slots=True)
class Held:
    """What one guard holds, and the sentence that says why."""

    changes: frozenset[Change]
    guard: str
    sentence: str

    @property
    def objection(self) -> Objection:
        """Return it as a person reads it."""
        return Objection(self.guard, self.sentence, len(self.changes))


class Pusher(NamedTuple):
    """Which client pushed a resource last, and which was the first to."""

    last: str
    first: str


class NewClient(NamedTuple):
    """A client that has not been writing for long, and how much of what others pushed it has taken away since."""

    name: str
    first_wrote_at: datetime
    removed: int = 0


class Silence(NamedTuple):
    """A time of which the bridge's database remembers nothing: it was stopped, or it is a restored backup."""

    since: datetime
    until: datetime

    def is_long(self, limit: timedelta | None) -> bool:
        """Tell whether it lasted longer than a limit: never, when that is None."""
        return limit is not None and self.until - self.since > limit


class Doubt(NamedTuple):
    """Removals of what came into Tecton during a silence: the bridge itself may have given it, and forgotten."""

    silence: Silence
    changes: frozenset[Change]


@dataclass(frozen=True, slots=True)
class Source:
    """What is known of where the removals of a plan come from.

    `lost` are memberships that ended lately; `taken` is what was taken from people within a longer time
    and not given back; `back` are those who got theirs back lately. `remembered` is Tecton as the bridge
    knew it before a silence.
    """

    now: datetime | None = None
    pushers: Mapping[Principal, Pusher] = field(default_factory=dict)
    new_clients: tuple[NewClient, ...] = ()
    leaving: frozenset[Principal] = frozenset()  # people whom the provider does not want in Tecton any more
    lost: frozenset[Item] = frozenset()
    taken: frozenset[Item] = frozenset()
    back: frozenset[Principal] = frozenset()
    silence: Silence | None = None
    remembered: AccessState = field(default_factory=AccessState)
    doubt: Doubt | None = None  # from the first look after a silence, until somebody decides


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the guards compare a plan with.

    `removed` counts the removals of each kind that were applied in the window before now; `under_way` are
    those that another run has decided on and is still at, each with whether a person approved it; `taken` those
    that were made so lately that what was read may be older; `approved` are changes that a person approved;
    `held_before` is what was held, and by which guard, and that nobody approved since; `is_whole` tells a look at
    everything from one at a few principals.
    """

    observed: AccessState
    limits: Guards
    removed: Mapping[str, int] = field(default_factory=dict)
    under_way: Mapping[Change, bool] = field(default_factory=dict)
    taken: frozenset[Change] = frozenset()
    approved: frozenset[Change] = frozenset()
    held_before: Mapping[Item, Objection] = field(default_factory=dict)
    desired: AccessState = field(default_factory=AccessState)
    last_applied: AccessState = field(default_factory=AccessState)
    source: Source = Source()
    is_whole: bool = True

    def removed_before(self) -> dict[str, int]:
        """Return how much of each kind is gone in the window already, or about to go, without an approval."""
        going = count_removals((c for c, is_approved in self.under_way.items() if not is_approved), self.observed)
        return {kind: number + self.removed.get(kind, 0) for kind, number in going.items()}


Guard = Callable[[tuple[Change, ...], Circumstances], list[Held]]
