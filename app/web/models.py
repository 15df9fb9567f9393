"""The JSON that the admin API takes and gives. The OpenAPI document is made from these models."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.core.drift import DriftClass
from app.web.verdict import State

Text = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]
Kind = Literal["user", "group", "service_account", "workspace"]


class _Model(BaseModel):
    model_config = ConfigDict(from_attributes=True, populate_by_name=True)


class PageQuery(BaseModel):
    """Which part of a list. An unknown parameter is refused: it would silently select everything."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    limit: Annotated[int, Field(ge=1, le=1000, description="how many at most")] = 100
    offset: Annotated[int, Field(ge=0, le=10**9, description="how many to pass over")] = 0


class DriftQuery(PageQuery):
    """Which differences."""

    drift_class: Annotated[DriftClass | None, Field(alias="class", description="of this class only")] = None
    kind: Annotated[Kind | None, Field(description="of this kind of principal only")] = None
    q: Annotated[Text, Field(description="text in the name or the sentence, in any case")] = ""


class RunQuery(PageQuery):
    """Which runs."""

    purpose: Literal["sweep", "drain", "plan", "apply", "drift"] | None = None
    status: Literal["requested", "running", "done", "failed"] | None = None


class NoQuery(BaseModel):
    """No parameter."""

    model_config = ConfigDict(extra="forbid")


class Problem(_Model):
    """What is wrong, in a word for programs and a sentence for people."""

    code: str
    message: str


class ErrorAnswer(_Model):
    """The body of every answer that is not 2xx."""

    error: Problem


class DifferenceEntry(_Model):
    """One difference between desired and observed."""

    drift_class: Annotated[DriftClass, Field(alias="class")]
    kind: str
    principal_id: str
    name: str
    sentence: str
    wanted_by: list[str]
    error: str
    since: datetime


class WaitingSummary(_Model):
    """The dirty queue: principals that were pushed and not looked at since."""

    count: int
    oldest_since: datetime | None
    retrying: Annotated[int, Field(description="how many of them failed before")]


class TectonContact(_Model):
    """How the last try to reach Tecton went; all null before the first."""

    ok: bool | None
    error: str
    at: datetime | None


class CoverageEntry(_Model):
    """How many objects of a class were read within its limit, and when the one was that waits longest."""

    total: int
    verified: Annotated[int, Field(description="how many of them were read within the limit")]
    oldest_at: datetime | None
    limit_s: Annotated[float, Field(description="in seconds")]


class FreshnessEntry(_Model):
    """How old the evidence is, by class of object."""

    privileged: Annotated[
        CoverageEntry, Field(description="who can give access to others, or is protected; and secret scopes")
    ]
    others: CoverageEntry


class _Claim(_Model):
    in_sync: Annotated[
        bool, Field(description="claimed only as of verified_at, and only from complete, recent evidence")
    ]
    state: State
    sentence: Annotated[str, Field(description="the state in words")]
    verified_at: Annotated[datetime | None, Field(description="no part of the evidence is older than this")]
    stale: Annotated[bool, Field(description="a part of the evidence is older than its limit")]
    freshness: Annotated[FreshnessEntry | None, Field(description="null before the first complete sweep")]
    mode: str
    counts: Annotated[dict[DriftClass, int], Field(description="differences per class, every class named")]
    waiting: WaitingSummary
    failing: Annotated[int, Field(description="principals whose last try failed")]
    tecton: TectonContact


class DriftReport(_Claim):
    """Is Tecton in sync, and what differs. Counts are of everything; items of what the query selects."""

    items: list[DifferenceEntry]
    total: Annotated[int, Field(description="how many differences the query selects")]
    next_offset: Annotated[int | None, Field(description="the offset of the next page; null on the last")]


class NoticeEntry(_Model):
    """Something to know besides."""

    tone: Literal["bad", "warn", "info"]
    title: str
    text: str
    at: datetime | None
    run_id: str
    fingerprint: str
    path: Annotated[str, Field(description="of the page that shows more; empty when none does")]


class StatusReport(_Claim):
    """The installation at a glance."""

    headline: str
    version: str
    tecton_url: str
    last_sweep_run: str | None
    worker_alive: bool
    held_plans: list[str]
    notices: list[NoticeEntry]


class RunEntry(_Model):
    """One run."""

    id: str
    purpose: str
    requested_by: str
    requested_at: datetime
    status: str
    started_at: datetime | None
    finished_at: datetime | None
    summary: dict[str, Any] | None
    error: str | None


class RunList(_Model):
    """Runs, the newest first."""

    items: list[RunEntry]
    total: int
    next_offset: int | None


class OutcomeEntry(_Model):
    """What became of the changes to one object."""

    kind: str
    principal_id: str
    name: str
    changes: list[str]
    removal: bool
    status: str
    error: str
    at: datetime


class PlanRef(_Model):
    """A plan that a run made."""

    fingerprint: str
    status: str


class RunReport(RunEntry):
    """One run with its outcomes: what went wrong first."""

    plans: list[PlanRef]
    outcome_counts: dict[str, int]
    outcomes: list[OutcomeEntry]
    total: Annotated[int, Field(description="how many objects have an outcome")]
    next_offset: int | None


class ObjectionEntry(_Model):
    """Why a guard holds removals."""

    guard: str
    sentence: str
    held: int


class PlanReport(_Model):
    """A plan as it was stored."""

    fingerprint: str
    run_id: str
    made_at: datetime
    status: str
    approved_by: str | None
    objections: list[ObjectionEntry]
    counts: Annotated[dict[str, int], Field(description="how many changes of each sort")]
    changes: Annotated[list[str], Field(description="one sentence per change, in order")]
    total: int
    next_offset: int | None


class NameQuery(PageQuery):
    """Whose."""

    name: Annotated[Text | None, Field(description="of this name, or Tecton id, only")] = None


class KeyEntry(_Model):
    """The newest key of a service account; never its value."""

    kind: Literal["api_key", "client_secret"]
    state: Literal["new", "due", "waiting", "delivered", "claimed"]
    destination: str | None
    created_at: datetime
    handed_at: datetime | None
    claimed_by: str | None
    secret_id: str | None
    attempts: int
    next_at: datetime | None
    last_error: str | None
    is_sealed_here: bool
    is_kept_for_probes: bool


class RotationEntry(_Model):
    """The newest rotation of a service account's client secret."""

    step: Literal["create", "deliver", "settle", "retire", "done"]
    requested_by: str
    started_at: datetime
    since: datetime
    goes_on_at: datetime | None
    attempts: int
    last_error: str | None


class CredentialReport(_Model):
    """One service account: how it stands in Tecton, where its newest key is, how far a rotation has come."""

    name: str
    tecton_id: str
    standing: Literal["active", "deactivated", "gone"]
    key: KeyEntry | None
    rotation: RotationEntry | None


class CredentialList(_Model):
    """The service accounts of which a key is known, by name."""

    items: list[CredentialReport]


class ClaimedKey(_Model):
    """A key, shown this once."""

    name: str
    key: str


class KeyEventEntry(_Model):
    """Something that happened to a key, and who did it."""

    name: str
    event: str
    who: str
    detail: str
    at: datetime


class KeyHistory(_Model):
    """What happened to keys, the newest first."""

    items: list[KeyEventEntry]


class HoldingEntry(_Model):
    """One role on one secret scope that reaches a principal; via_group null: it holds it directly."""

    scope: str
    role: str
    kind: str
    name: str
    tecton_id: str
    via_group: str | None


class ScopeEntry(_Model):
    """A secret scope, and how many hold a role on it."""

    scope: str
    principals: int


class ScopeList(_Model):
    """The secret scopes that Tecton has, as last read."""

    items: list[ScopeEntry]


class ScopeReport(_Model):
    """Who holds which role on one secret scope, and through what."""

    scope: str
    principals: list[HoldingEntry]


class PrincipalScopes(_Model):
    """Which roles on secret scopes reach a principal, and through what."""

    principal: str
    scopes: list[HoldingEntry]


class SearchQuery(PageQuery):
    """Whom to find."""

    q: Annotated[Text, Field(min_length=1, description="text in the name, in any case")]


class FindQuery(NoQuery):
    """Whom to find, on a page: at first, nobody."""

    q: Text = ""


class FoundPrincipal(_Model):
    """A principal that was found, and who knows it by this name."""

    kind: str
    id: str
    name: str
    where: str


class PrincipalList(_Model):
    """Principals whose name contains a text."""

    items: list[FoundPrincipal]


class WhyQuery(NoQuery):
    """On what."""

    resource: Annotated[Text | None, Field(description="a workspace or secret scope; everything if not given")] = None


class AccessEntry(_Model):
    """One grant that reaches a principal: its own, or that of a group it is in."""

    role: str
    on: str
    level: str
    resource: str | None
    via_group: str | None
    is_desired: bool
    is_observed: bool
    wanted_by: list[str]


class PrincipalReport(_Model):
    """What one principal may do, through what, who wants it so, and why not."""

    kind: str
    name: str
    id: str | None
    tecton_id: str | None
    is_desired: bool
    is_observed: bool
    access: list[AccessEntry]
    why_not: list[str]
    verified_at: datetime | None


class PrincipalReports(_Model):
    """Everybody of one name."""

    items: list[PrincipalReport]


class ProbeEntry(_Model):
    """What one access probe expected, and found last."""

    probe: str
    service_account: str
    tries_to: str
    expected: Literal["can", "cannot", "revoked"]
    answer: Literal["allowed", "denied", "key_refused", "unclear", "not_tried"]
    is_as_expected: Annotated[bool | None, Field(description="null: it could not be found out")]
    sentence: str
    since: datetime
    checked_at: datetime
    next_at: Annotated[datetime, Field(description="at the latest; sooner after a change of access")]


class ProbeList(_Model):
    """The access probes, what is not as expected first."""

    items: list[ProbeEntry]
