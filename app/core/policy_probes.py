"""What a policy says of access probes: what a service account must, or must not, be able to do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Self

from pydantic import Field, model_validator

from app.core.policy_part import Duration, Name, Part

Scalar = str | bool | int | float | None
Value = Scalar | list[Scalar]


class ReadFeatures(Part):
    """Reading of a feature service: its metadata or, with `join_keys`, one row of its features."""

    workspace: Name
    feature_service: Name
    join_keys: Mapping[str, str | int | float] = Field(default_factory=dict)
    request_context: Mapping[str, str | int | float] = Field(default_factory=dict)

    def __str__(self) -> str:
        return f"read features of {self.feature_service} in workspace {self.workspace}"


class IngestRecord(Part):
    """A dry run of ingesting into a stream source: nothing is written.

    `record` must be one that the stream source takes: Tecton judges it before it says yes. A time is
    written in quotes: it travels as text.
    """

    workspace: Name
    stream_source: Name
    record: Mapping[str, Value] = Field(default_factory=dict)

    def __str__(self) -> str:
        return f"ingest (dry run) into {self.stream_source} in workspace {self.workspace}"


class Ability(Part):
    """What is tried: exactly one of the keys."""

    read_features: ReadFeatures | None = None
    ingest: IngestRecord | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.read_features is None) is (self.ingest is None):
            raise ValueError("needs exactly one of read_features, ingest")
        return self

    def __str__(self) -> str:
        return str(self.read_features or self.ingest)


class Probe(Part):
    """One statement about the access of one service account, tried with its own key."""

    name: Name = Field(max_length=200)
    service_account: Name
    can: Ability | None = None
    cannot: Ability | None = None
    every: Duration = Field(default=timedelta(minutes=5), gt=timedelta(0))

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.can is None) is (self.cannot is None):
            raise ValueError("needs exactly one of can, cannot")
        return self

    @property
    def ability(self) -> Ability:
        """What is tried."""
        ability = self.can or self.cannot
        if ability is None:
            raise AssertionError("a probe says can or cannot")
        return ability
