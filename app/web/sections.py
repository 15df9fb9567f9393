"""The sections of the drift page: which classes of drift, in what words, and how loud."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.drift import DriftClass
from app.store.reports import Difference, DriftFilter


@dataclass(frozen=True, slots=True)
class Section:
    """One section. `empty` is what it says when there is nothing, which only a loud one does."""

    key: str
    title: str
    meaning: str
    classes: tuple[DriftClass, ...]
    empty: str = ""
    tone: str = ""  # how the number of a quiet one stands out

    @property
    def is_loud(self) -> bool:
        """Tell whether the section is always there, and open."""
        return bool(self.empty)

    @property
    def limit(self) -> int:
        """How many differences the page shows before it refers to the whole list."""
        return 10 if self.is_loud else 5

    @property
    def filter(self) -> DriftFilter:
        """What selects the differences of the section."""
        return DriftFilter(self.classes)

    def count(self, counts: dict[DriftClass, int]) -> int:
        """Return how many differences the section holds."""
        return sum(counts[drift_class] for drift_class in self.classes)


@dataclass(frozen=True, slots=True)
class Filled:
    """A section with its number of differences and the first of them."""

    section: Section
    count: int
    items: list[Difference]


SECTIONS = (
    Section(
        "extra",
        "Extra",
        "In Tecton, and asked for by no push and no policy rule.",
        (DriftClass.EXTRA,),
        "The last look found nothing extra.",
    ),
    Section(
        "missing",
        "Missing",
        "The bridge had put it into Tecton, and it is gone.",
        (DriftClass.MISSING,),
        "The last look found nothing missing.",
    ),
    Section(
        "failed",
        "Failed",
        "The bridge tried, and Tecton refused, did not answer, or took it without effect.",
        (DriftClass.FAILING, DriftClass.NOT_EFFECTIVE),
        "Nothing fails.",
    ),
    Section(
        "pending",
        "Pending",
        "Asked for by a push or the policy, and not yet made.",
        (DriftClass.PENDING,),
        tone="warn",
    ),
    Section(
        "conflict",
        "Conflict",
        "Changed in Tecton, and asked for differently since.",
        (DriftClass.CONFLICT,),
        tone="bad",
    ),
    Section(
        "probe_failed",
        "Probe failed",
        "With its own key, a service account cannot do what it must, or can do what it must not.",
        (DriftClass.PROBE_FAILED,),
        tone="bad",
    ),
    Section("changed", "Changed", "Changed in Tecton by hand.", (DriftClass.CHANGED,), tone="bad"),
    Section(
        "blocked",
        "Blocked",
        "Asked for, and cannot be made, must not be, or waits: for a person, or for a name.",
        (DriftClass.BLOCKED,),
        tone="warn",
    ),
    Section(
        "unmanaged",
        "Unmanaged",
        "In Tecton, and known to no push and no policy: reported, and left as it is.",
        (DriftClass.UNMANAGED,),
    ),
    Section(
        "inherited",
        "Inherited",
        "Came through Tecton's own single sign-on mapping: reported, and left as it is.",
        (DriftClass.INHERITED,),
    ),
)

CLASS_TITLES = {drift_class: section.title for section in SECTIONS for drift_class in section.classes} | {
    DriftClass.FAILING: "Failing",
    DriftClass.NOT_EFFECTIVE: "Not effective",
}
MEANINGS = {drift_class: section.meaning for section in SECTIONS for drift_class in section.classes} | {
    DriftClass.FAILING: "The bridge tries, and Tecton refuses or does not answer.",
    DriftClass.NOT_EFFECTIVE: "Tecton said that it was done, and it is not.",
}
