"""What somebody else may do: tokens, feature serving, ingest."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from app.reconcile.ports import CredentialsRefused, NotFound, Refused, TectonError, TemporaryError, UnknownOutcome
from app.tecton import TectonService, open_tecton
from app.tecton.features import FeatureService, Row
from app.tecton.ingest import Ingested
from app.tecton.oauth import Tokens
from tests.tecton.conftest import URL, Sandbox, ScriptedTecton, Time, config_for

FRAUD = FeatureService("prod", "fraud_detection_feature_service")
ROW = Row({"user_id": "U77", "merchant": "M1"}, {"amount": 12.5})
CONSUMER = [{"type": "workspace_prod", "value": "consumer"}]
EVENT = {"timestamp": "2026-01-01T00:00:00Z", "user_id": "U77", "value": 1}


@pytest.fixture
def client_id(sandbox: Sandbox) -> str:
    return sandbox.account("etl", oauth=True, secret="the-client-secret", roles=CONSUMER)


def scripted_service(time: Time, *answers: Any) -> TectonService:
    return open_tecton(config_for(ScriptedTecton(answers), time))


@pytest.mark.parametrize("version", [1, 2])
def test_features_are_read_by_whoever_may(service: TectonService, sandbox: Sandbox, version: Any) -> None:
    sandbox.account("app", secret="app-key", roles=CONSUMER)
    serving = service.serving_for_key("app-key").features
    fraud = replace(FRAUD, version=version)
    metadata = serving.get_metadata(fraud)
    assert (metadata.kind, metadata.join_keys) == ("DEFAULT", ("user_id", "merchant"))
    found = serving.get_features(fraud, ROW, ["includeNames"])
    assert [row["name"] for row in found.metadata] == list(metadata.features)
    assert len(found.values) == len(metadata.features)
    assert serving.get_batch(fraud, [ROW, ROW])[1].values == found.values


def test_features_are_refused_to_whoever_may_not(service: TectonService, sandbox: Sandbox) -> None:
    sandbox.account("app", secret="app-key")
    serving = service.serving_for_key("app-key")
    with pytest.raises(Refused, match="could not get features of feature service fraud"):
        serving.features.get_features(FRAUD, ROW)
    with pytest.raises(CredentialsRefused, match="check the key, and that its account has consumer"):
        service.serving_for_key("nobodys-key").features.get_features(FRAUD, ROW)
    assert serving.calls == (1, 0)


def test_an_unknown_service_is_not_found(service: TectonService, sandbox: Sandbox) -> None:
    sandbox.account("app", secret="app-key", roles=CONSUMER)
    with pytest.raises(NotFound):
        service.serving_for_key("app-key").features.get_metadata(FeatureService("prod", "nothing"))


@pytest.mark.parametrize("count", [0, 11])
def test_a_batch_of_a_wrong_size_is_not_sent(service: TectonService, count: int) -> None:
    serving = service.serving_for_key("app-key")
    with pytest.raises(Refused, match="1 to 10"):
        serving.features.get_batch(FRAUD, [ROW] * count)
    assert serving.calls == (0, 0)


def test_answers_that_lack_rows_are_no_answers(time: Time) -> None:
    serving = scripted_service(time, (200, {}, {"result": [{"features": [1]}]})).serving_for_key("k").features
    with pytest.raises(TemporaryError, match="1 rows of 2"):
        serving.get_batch(FRAUD, [ROW, ROW])
    with pytest.raises(TemporaryError, match="without a result"):
        serving.get_features(FRAUD, ROW)


def test_feature_values_are_in_no_repr(service: TectonService, sandbox: Sandbox) -> None:
    sandbox.account("app", secret="app-key", roles=CONSUMER)
    found = service.serving_for_key("app-key").features.get_features(FRAUD, ROW)
    assert repr(found) == "Features()"


# ---------------------------------------------------------------- tokens


def test_a_token_is_fetched_once_and_used_for_its_lifetime(
    service: TectonService, sandbox: Sandbox, time: Time, client_id: str
) -> None:
    serving = service.serving_for_client(client_id, "the-client-secret")
    for _ in range(3):
        serving.features.get_metadata(FRAUD)
    assert sum("token" in line for line in sandbox.log()) == 1
    time.now += 3600 - 61
    serving.features.get_metadata(FRAUD)
    assert sum("token" in line for line in sandbox.log()) == 1
    time.now += 2
    serving.features.get_metadata(FRAUD)
    assert sum("token" in line for line in sandbox.log()) == 2
    assert serving.calls == (7, 0)


def test_one_slot_is_enough_to_fetch_a_token(sandbox: Sandbox, time: Time, client_id: str) -> None:
    service = open_tecton(config_for(sandbox.app, time, concurrency=1))
    assert service.serving_for_client(client_id, "the-client-secret").features.get_metadata(FRAUD)


def test_a_wrong_client_secret_says_what_to_check(service: TectonService, client_id: str) -> None:
    with pytest.raises(CredentialsRefused, match="check the client id and the client secret") as caught:
        service.serving_for_client(client_id, "another-secret").features.get_metadata(FRAUD)
    assert "another-secret" not in str(caught.value)
    assert "TECTON_API_KEY" not in str(caught.value)


def test_a_forgotten_token_is_fetched_again(service: TectonService, sandbox: Sandbox, client_id: str) -> None:
    caller = service.for_run().caller
    tokens = Tokens(caller, client_id, "the-client-secret")
    tokens.credential()
    tokens.forget()
    tokens.credential()
    assert sum("token" in line for line in sandbox.log()) == 2
    assert "the-client-secret" not in repr(tokens)


def test_an_answer_without_a_token_is_none(time: Time) -> None:
    with pytest.raises(TemporaryError, match="could not get a token for client abc"):
        scripted_service(time, (200, {}, {})).serving_for_client("abc", "s").features.get_metadata(FRAUD)


@pytest.mark.parametrize(("said", "lasts"), [({"expires_in": "120"}, 60), ({}, 3540), ({"expires_in": "soon"}, 3540)])
def test_the_lifetime_is_what_tecton_says_or_the_documented_one(time: Time, said: Any, lasts: int) -> None:
    answers = [(200, {}, {"access_token": token, **said}) for token in ("first", "second")]
    tokens = Tokens(scripted_service(time, *answers).for_run().caller, "abc", "s")
    assert tokens.credential().hidden == ("first",)
    time.now += lasts - 1
    assert tokens.credential().hidden == ("first",)
    time.now += 1
    assert tokens.credential().hidden == ("second",)


def test_a_token_is_in_no_message(time: Time) -> None:
    answers = [(200, {}, {"access_token": "the-token"}), (400, {}, {"message": "bad token the-token"})]
    with pytest.raises(Refused, match="bad token …"):
        scripted_service(time, *answers).serving_for_client("abc", "s").features.get_metadata(FRAUD)


# ---------------------------------------------------------------- ingest


def test_a_dry_run_needs_only_a_viewer(service: TectonService, sandbox: Sandbox) -> None:
    sandbox.account("app", secret="app-key", roles=[{"type": "workspace_my_workspace", "value": "viewer"}])
    ingest = service.serving_for_key("app-key").ingest_at(f"{URL}/ingest")
    records = {"stream_source_1": [EVENT, EVENT]}
    assert ingest.send("my_workspace", records) == [Ingested("my_feature_view_1", 2, 2)]
    with pytest.raises(Refused, match="Not Authorized to ingest"):
        ingest.send("my_workspace", records, dry_run=False)


def test_an_editor_may_really_write(service: TectonService, sandbox: Sandbox) -> None:
    sandbox.account("app", secret="app-key", roles=[{"type": "workspace_my_workspace", "value": "editor"}])
    ingest = service.serving_for_key("app-key").ingest_at(f"{URL}/ingest")
    assert ingest.send("my_workspace", {"stream_source_1": [EVENT]}, dry_run=False)
    sandbox.fault("lost_reply", path="ingest")
    with pytest.raises(UnknownOutcome):
        ingest.send("my_workspace", {"stream_source_1": [EVENT]}, dry_run=False)


@pytest.mark.parametrize(
    ("workspace", "records", "words"),
    [
        ("my_workspace", {"stream_source_1": [{**EVENT, "value": "much"}]}, "must be of type int64"),
        ("my_workspace", {"nothing": [EVENT]}, "'nothing' not found"),
        ("", {"stream_source_1": [EVENT]}, "workspaceName is required"),
    ],
)
def test_both_error_shapes_are_read(
    service: TectonService, sandbox: Sandbox, workspace: str, records: Any, words: str
) -> None:
    sandbox.account("app", secret="app-key", roles=[{"type": "all_workspaces", "value": "editor"}])
    with pytest.raises((Refused, NotFound), match=words):
        service.serving_for_key("app-key").ingest_at(f"{URL}/ingest").send(workspace, records)


def test_ingest_takes_no_access_token(service: TectonService, client_id: str) -> None:
    ingest = service.serving_for_client(client_id, "the-client-secret").ingest_at(f"{URL}/ingest")
    with pytest.raises(CredentialsRefused, match="ingest takes no access token"):
        ingest.send("my_workspace", {"stream_source_1": [EVENT]})


def test_too_many_records_are_not_sent(service: TectonService) -> None:
    serving = service.serving_for_key("app-key")
    with pytest.raises(Refused, match="1 to 10"):
        serving.ingest_at(URL).send("my_workspace", {"stream_source_1": [EVENT] * 11})
    assert serving.calls == (0, 0)


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (400, {"requestError": {"errorMessage": "bad", "errorType": "X"}}, Refused, "bad"),
        (400, {"workspaceName": "w", "recordErrors": [{"errorMessage": "a"}, {"errorMessage": "b"}]}, Refused, "a; b"),
        (401, {"requestError": {"errorMessage": "who"}}, CredentialsRefused, "who"),
        (404, {"requestError": {"errorMessage": "where"}}, NotFound, "where"),
    ],
)
def test_the_shapes_of_ingest_errors(time: Time, status: int, body: Any, error: type[TectonError], words: str) -> None:
    ingest = scripted_service(time, (status, {}, body)).serving_for_key("k").ingest_at("https://preview.test/ingest")
    with pytest.raises(error, match=words):
        ingest.send("w", {"s": [EVENT]})


def test_counts_are_read_from_strings_and_absence(time: Time) -> None:
    row = {"featureViewName": "v", "onlineRecordIngestCount": "10"}
    body = {"ingestMetrics": {"featureViewIngestMetrics": [row]}}
    ingest = scripted_service(time, (200, {}, json.loads(json.dumps(body)))).serving_for_key("k").ingest_at(URL)
    assert ingest.send("w", {"s": [EVENT]}) == [Ingested("v", 10, 0)]
