"""Feature serving, v1 and v2 (routes confirmed): to see what a credential may really read.

Field names are camelCase both ways. int64 values travel as strings.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from app.reconcile.ports import Refused, TemporaryError
from app.tecton.caller import Caller
from app.tecton.wire import About, Json, Request, read, read_list, read_text, segment

Keys = Mapping[str, str | int | float]

MOST_ROWS = 10  # of a batch (reference)

_CHECK = "check the key, and that its account has consumer or more on the workspace: either may take a minute"

_ASKS = {
    "get-features": "get features of",
    "get-features-batch": "get rows of features of",
    "metadata": "read the metadata of",
}


class Row(NamedTuple):
    """What features are asked for: join keys, and context that comes with the request."""

    join_keys: Keys
    context: Keys | None = None


@dataclass(frozen=True, slots=True)
class FeatureService:
    """A feature service by name; `version` chooses the API that is asked."""

    workspace: str
    name: str
    version: Literal[1, 2] = 2

    def __str__(self) -> str:
        return f"feature service {self.name} of workspace {self.workspace}"


@dataclass(frozen=True, slots=True)
class Features:
    """One row of feature values. Its repr does not show them: they are data about people."""

    values: tuple[Any, ...] = field(repr=False)
    metadata: tuple[Json, ...] = field(default=(), repr=False)


class ServiceMetadata(NamedTuple):
    """What a feature service takes and gives, by name."""

    kind: str
    join_keys: tuple[str, ...]
    context_keys: tuple[str, ...]
    features: tuple[str, ...]


class FeatureServices:
    """Feature serving, for one credential."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def get_features(self, service: FeatureService, row: Row, options: Collection[str] = ()) -> Features:
        """Return one row of features; `options` are the metadataOptions to switch on.

        Raise Refused (403: no role on the workspace), CredentialsRefused, NotFound, Throttled,
        TemporaryError (504: Tecton gives itself two seconds).
        """
        answer = self._ask(service, "get-features", {**_row(row), **_options(options)})
        metadata = read_list(read(answer, "metadata"), "features")
        return Features(_values(service, read(answer, "result")), tuple(metadata))

    def get_batch(self, service: FeatureService, rows: Sequence[Row]) -> list[Features]:
        """Return up to ten rows (only for services that read from Redis). Raise as `get_features`."""
        if not 0 < len(rows) <= MOST_ROWS:
            raise Refused(f"a batch holds 1 to {MOST_ROWS} rows, not {len(rows)}")
        answer = self._ask(service, "get-features-batch", {"requestData": [_row(row) for row in rows]})
        results = [Features(_values(service, result)) for result in read_list(answer, "result")]
        if len(results) != len(rows):
            raise TemporaryError(f"{service} answered {len(results)} rows of {len(rows)}")
        return results

    def get_metadata(self, service: FeatureService) -> ServiceMetadata:
        """Return what a feature service takes and gives. Raise as `get_features`."""
        answer = self._ask(service, "metadata", {}, has_body=service.version == 1)
        return ServiceMetadata(
            read_text(answer, "featureServiceType"),
            _names(answer, "inputJoinKeys"),
            _names(answer, "inputRequestContextKeys"),
            _names(answer, "featureValues"),
        )

    def _ask(self, service: FeatureService, operation: str, params: Json, *, has_body: bool = True) -> Any:
        named = {"workspaceName": service.workspace, "featureServiceName": service.name}
        shown = {**named, **params} if service.version == 1 else params
        return self._caller.call(
            Request(
                "POST" if has_body else "GET",
                f"{self._path(service)}/{operation}",
                f"{_ASKS[operation]} {service}",
                {"params": shown} if has_body else None,
                about=About.RESTRICTED,
                accepted_when=_CHECK,
            )
        )

    def _path(self, service: FeatureService) -> str:
        paths = self._caller.config.paths
        if service.version == 1:
            return paths.features
        return f"{paths.workspaces}/{segment(service.workspace)}/feature-services/{segment(service.name)}"


def _row(row: Row) -> Json:
    context = {"requestContextMap": dict(row.context)} if row.context else {}
    return {"joinKeyMap": dict(row.join_keys), **context}


def _options(options: Collection[str]) -> Json:
    return {"metadataOptions": dict.fromkeys(sorted(options), True)} if options else {}


def _values(service: FeatureService, result: Any) -> tuple[Any, ...]:
    if not isinstance(result, dict):
        raise TemporaryError(f"{service} answered without a result")
    return tuple(read_list(result, "features"))


def _names(answer: Any, name: str) -> tuple[str, ...]:
    return tuple(read_text(row, "name") for row in read_list(answer, name))
