"""Access probes, asked of Tecton: fits the port `app.credentials.ports.Asker`."""

from __future__ import annotations

from urllib.parse import urlsplit

from app.core.credentials import Credential, KeyKind
from app.core.policy_probes import Ability, IngestRecord, ReadFeatures
from app.core.probes import Answer
from app.reconcile.ports import CredentialsRefused, TectonError
from app.tecton.client import Serving, TectonService
from app.tecton.errors import NotAllowed
from app.tecton.features import FeatureService, Row


class ProbeAsker:
    """Asks Tecton as the holder of a key. `ingest_url` is where stream ingest answers."""

    def __init__(self, tecton: TectonService, ingest_url: str) -> None:
        self._tecton, self._ingest_url = tecton, ingest_url

    def ask(self, credential: Credential, value: str, ability: Ability) -> tuple[Answer, str]:
        """Return Tecton's answer and its words."""
        try:
            self._try(self._serving(credential, value), ability)
        except CredentialsRefused as error:
            return Answer.KEY_REFUSED, str(error)
        except NotAllowed as error:
            return Answer.DENIED, str(error)
        except TectonError as error:
            return Answer.UNCLEAR, str(error)
        return Answer.ALLOWED, ""

    def _serving(self, credential: Credential, value: str) -> Serving:
        if credential.kind is KeyKind.CLIENT_SECRET:
            return self._tecton.serving_for_client(credential.tecton_id, value)
        return self._tecton.serving_for_key(value)

    def _try(self, serving: Serving, ability: Ability) -> None:
        if ability.read_features:
            _read(serving, ability.read_features)
        elif ability.ingest:
            _ingest(serving, ability.ingest, self._ingest_url)


def _read(serving: Serving, wanted: ReadFeatures) -> None:
    service = FeatureService(wanted.workspace, wanted.feature_service)
    if wanted.join_keys:
        serving.features.get_features(service, Row(dict(wanted.join_keys), dict(wanted.request_context) or None))
    else:
        serving.features.get_metadata(service)


def _ingest(serving: Serving, wanted: IngestRecord, url: str) -> None:
    records = {wanted.stream_source: [dict(wanted.record)]}
    serving.ingest_at(url).send(wanted.workspace, records, dry_run=True)


def ingest_url_of(tecton_url: str) -> str:
    """Return where stream ingest answers, for a cluster's address.

    `https://preview.CLUSTER.tecton.ai/ingest` on AWS (documented; on GCP it has to be set); beside the rest on
    anything else, such as the sandbox.
    """
    parts = urlsplit(tecton_url)
    host = parts.hostname or ""
    if host.endswith(".tecton.ai"):
        return f"{parts.scheme}://preview.{host}/ingest"
    return f"{tecton_url.rstrip('/')}/ingest"
