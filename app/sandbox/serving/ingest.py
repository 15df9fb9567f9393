"""Stream ingest. Its refusals have a shape of their own, and bad records are named one by one."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, NoReturn

from app.sandbox.bodies import flag, rest_body, section, text
from app.sandbox.call import Call
from app.sandbox.replies import ApiError, Json, Reply
from app.sandbox.world.authority import workspace_roles
from app.sandbox.world.records import StreamSource

_WRITERS = frozenset({"owner", "editor"})
_MOST_RECORDS = 10


def ingest(call: Call) -> Reply:
    """POST /ingest {workspaceName, dryRun, records}; a dry run writes nothing and needs only a viewer."""
    body = rest_body(call, ("workspace_name", "dry_run", "records"))
    workspace, dry_run = _required(body)
    _insist_role(call, workspace, dry_run)
    batches = {name: _records(name, rows) for name, rows in section(body, "records").items()}
    if not batches:
        raise ApiError(400, "records must not be empty")
    sources = {name: _source(call, workspace, name) for name in batches}
    problems = [p for name, rows in batches.items() for p in _problems(sources[name], rows)]
    if problems:
        return Reply(400, {"workspaceName": workspace, "recordErrors": problems})
    if not dry_run:
        _store(call, sources, batches)
    metrics = [_metric(sources[name], len(rows)) for name, rows in batches.items()]
    return Reply(200, {"workspaceName": workspace, "ingestMetrics": {"featureViewIngestMetrics": metrics}})


def _required(body: Json) -> tuple[str, bool]:
    workspace, dry_run = text(body, "workspace_name"), flag(body, "dry_run")
    if not workspace:
        raise ApiError(400, "workspaceName is required")
    if dry_run is None:
        raise ApiError(400, "dryRun is required")
    return workspace, dry_run


def _insist_role(call: Call, workspace: str, dry_run: bool) -> None:
    roles = workspace_roles(call.tx.tables, call.caller.principal, workspace)
    if not (roles if dry_run else roles & _WRITERS):
        raise ApiError(403, f"Not Authorized to ingest into workspace {workspace!r}")
    if call.tx.tables.workspaces.get(workspace) is None:
        raise ApiError(404, f"workspace {workspace!r} not found")


def _records(name: str, rows: Any) -> list[Json]:
    if not isinstance(rows, list) or not 0 < len(rows) <= _MOST_RECORDS:
        raise ApiError(400, f"{name} must hold 1 to {_MOST_RECORDS} records")
    records = [row.get("record") if isinstance(row, dict) else None for row in rows]
    return [record if isinstance(record, dict) else _no_record(name) for record in records]


def _no_record(name: str) -> NoReturn:
    raise ApiError(400, f"an entry of {name} has no record")


def _source(call: Call, workspace: str, name: str) -> StreamSource:
    source = call.tx.tables.stream_sources.get(f"{workspace}/{name}")
    if source is None:
        raise ApiError(404, f"stream source {name!r} not found in workspace {workspace!r}")
    return source


def _problems(source: StreamSource, rows: list[Json]) -> list[Json]:
    """Return one entry per record that does not have the source's fields."""
    complaints = (_complaint(source.fields, row) for row in rows)
    return [
        {
            "featureViewName": source.feature_view,
            "pushSourceName": source.name,
            "errorType": "RECORD_SCHEMA_MISMATCH",
            "errorMessage": complaint,
        }
        for complaint in complaints
        if complaint
    ]


def _complaint(fields: Mapping[str, str], row: Json) -> str | None:
    for name, type_ in fields.items():
        if not _fits(type_, row.get(name)):
            return f"field {name!r} must be of type {type_}"
    return None


def _fits(type_: str, value: Any) -> bool:
    if type_ == "timestamp":
        return isinstance(value, str) and _is_time(value)
    if type_ == "int64" and isinstance(value, str):
        return re.fullmatch(r"-?\d{1,19}", value) is not None
    kinds: dict[str, tuple[type, ...]] = {"string": (str,), "int64": (int,), "float64": (int, float)}
    return isinstance(value, kinds[type_]) and not isinstance(value, bool)


def _is_time(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _store(call: Call, sources: Mapping[str, StreamSource], batches: Mapping[str, list[Json]]) -> None:
    for name, source in sources.items():
        call.tx.tables.stream_sources.put(replace(source, ingested=source.ingested + len(batches[name])))


def _metric(source: StreamSource, count: int) -> Json:
    """Return the counts of one feature view; int64 travels as text."""
    return {
        "featureViewName": source.feature_view,
        "onlineRecordIngestCount": str(count),
        "offlineRecordIngestCount": str(count),
        "featureViewId": source.feature_view_id,
    }
