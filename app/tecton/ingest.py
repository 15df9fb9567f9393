"""Stream ingest (address and shapes documented): to see what a credential may really write.

The service has an address of its own (`https://preview.CLUSTER.tecton.ai/ingest` on AWS,
`https://REGION.CLUSTER.tecton.ai/ingest` on GCP), takes API keys only, and has its own error shapes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from app.reconcile.ports import Refused
from app.tecton.caller import Caller
from app.tecton.wire import About, Json, Request, read, read_list, read_text

MOST_RECORDS = 10  # per stream source (documented)

Records = Mapping[str, Sequence[Json]]

_CHECK = "check the key: ingest takes no access token, and a new key may take a minute to work"


class Ingested(NamedTuple):
    """What one feature view took in."""

    feature_view: str
    online: int
    offline: int


class Ingest:
    """Stream ingest at one address, for one credential."""

    def __init__(self, caller: Caller, url: str) -> None:
        self._caller = caller
        parts = urlsplit(url.rstrip("/"))
        self._base, self._path = f"{parts.scheme}://{parts.netloc}", parts.path

    def send(self, workspace: str, records: Records, *, dry_run: bool = True) -> list[Ingested]:
        """Send records by stream source. A dry run writes nothing and needs only viewer; else editor.

        Raise Refused with Tecton's words on the request or on single records; CredentialsRefused;
        for records that are really written, UnknownOutcome when the answer was lost.
        """
        _insist_on_size(records)
        shown = {source: [{"record": dict(row)} for row in rows] for source, rows in records.items()}
        body = {"workspaceName": workspace, "dryRun": dry_run, "records": shown}
        answer = self._caller.call(
            Request(
                "POST",
                self._path,
                f"ingest into workspace {workspace}",
                body,
                write=True,
                create=not dry_run,
                about=About.RESTRICTED,
                accepted_when=_CHECK,
                base=self._base,
            )
        )
        metrics = read(answer, "ingestMetrics")
        return [_ingested(row) for row in read_list(metrics, "featureViewIngestMetrics")]


def _insist_on_size(records: Records) -> None:
    for source, rows in records.items():
        if not 0 < len(rows) <= MOST_RECORDS:
            raise Refused(f"{source} must get 1 to {MOST_RECORDS} records in one call, not {len(rows)}")


def _ingested(row: Any) -> Ingested:
    name = read_text(row, "featureViewName")
    return Ingested(name, _count(row, "onlineRecordIngestCount"), _count(row, "offlineRecordIngestCount"))


def _count(row: Any, name: str) -> int:
    """Return a count, which travels as a string and is left out when it is none."""
    value = read(row, name, 0)
    return int(value) if isinstance(value, int | str) and str(value).isdigit() else 0
