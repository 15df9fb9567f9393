"""The part of a policy that says when removals wait for a person."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator

from app.core.policy_part import Duration, DurationOrNever, Part


class Limit(Part):
    """How many removals of one kind pass in a window: both numbers must be kept."""

    count: int = Field(ge=0)
    percent: float = Field(ge=0, le=100)


class Removals(Part):
    """The limits per kind of removal."""

    users: Limit = Limit(count=20, percent=10)
    service_accounts: Limit = Limit(count=20, percent=10)  # deactivated, or deleted while active
    members: Limit = Limit(count=200, percent=20)
    roles: Limit = Limit(count=50, percent=20)


class Grace(Part):
    """How long a leaver stays in Tecton, without any access, before the user is deleted.

    A service account is deactivated at once, which can be undone; deleted, its key is gone for good,
    so that it never is unless the policy says after how long.
    """

    users: Duration = timedelta(0)
    service_accounts: DurationOrNever = None


class Scattered(Part):
    """How many people who stay may lose memberships, in how many groups, within a time.

    More than both numbers at once is no team that moves, but a source that broke. People who leave
    altogether do not count: the provider takes them out of all their groups.
    """

    within: Duration = timedelta(minutes=10)
    groups: int = Field(default=5, ge=0)
    people: int = Field(default=10, ge=0)


class Undone(Part):
    """How many people may get back, within the window, what was taken from them in the time before."""

    within: Duration = timedelta(days=1)
    people: int = Field(default=10, ge=0)


def _or_never(value: object) -> object:
    return None if value == "never" else value


class Source(Part):
    """When the source of removals does not seem sane: a provider that broke, changed or went back in time.

    Each holds removals only; every one can be switched off.
    """

    emptied: Literal["hold", "allow"] = "hold"  # a group of more members than the floor that loses all at once
    scattered: Annotated[Scattered | None, BeforeValidator(_or_never)] = Scattered()
    new_client: DurationOrNever = timedelta(days=1)  # how long a client is new to what others pushed
    undone: Annotated[Undone | None, BeforeValidator(_or_never)] = Undone()
    silence: DurationOrNever = timedelta(minutes=15)  # a longer one in the bridge's own memory is a restored backup


class Guards(Part):
    """When a plan is held for approval."""

    window: Duration = timedelta(hours=1)
    floor: int = Field(default=5, ge=0)
    removals: Removals = Removals()
    min_admins: int = Field(default=2, ge=0)
    grace: Grace = Grace()
    source: Source = Source()

    @field_validator("window")
    @classmethod
    def _counts(cls, window: timedelta) -> timedelta:
        if window < timedelta(minutes=1):
            raise ValueError("must be at least 1m: removals of so short a time are never more than a few")
        return window

    @property
    def memory(self) -> timedelta:
        """Return how far back any guard looks."""
        of = self.source
        return max(
            self.window,
            of.new_client or timedelta(0),
            of.undone.within if of.undone else timedelta(0),
            of.scattered.within if of.scattered else timedelta(0),
        )
