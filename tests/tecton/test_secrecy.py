"""The key is in no message, no repr, no log line, and nothing that an exception carries along."""

from __future__ import annotations

import gc
import traceback
from typing import Any

import pytest
from structlog.testing import capture_logs

from app.core.access import ServiceAccountProfile
from app.core.identity import Kind
from app.reconcile.ports import TectonError, UnknownOutcome
from app.settings import Settings
from app.tecton import TectonClient, TectonConfig, open_tecton
from app.tecton.credentials import Credential
from app.tecton.wire import Request, Response
from tests.tecton.conftest import KEY, Sandbox, Script, Time, config_for
from tests.tecton.test_failures import hanging_up, nowhere

UNREADABLE = (201, {"Content-Type": "text/plain"}, b"apiKey: new-secret-key")


def told_by(error: BaseException) -> str:
    """Return everything an exception can tell: itself, its traceback, what it was raised from."""
    shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    chain = [error, error.__cause__, error.__context__]
    held = [repr(getattr(link, "__dict__", "")) + str(link) for link in chain if link]
    return shown + "".join(held)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 429, 500, 302])
def test_no_error_tells_the_key_even_if_tecton_repeats_it(scripted: Script, status: int) -> None:
    tecton = scripted((status, {}, {"message": f"bad key {KEY}"}))
    with pytest.raises(TectonError) as caught:
        tecton.list_entries(Kind.USER)
    assert KEY not in str(caught.value)
    assert KEY not in repr(caught.value)
    assert "…" in str(caught.value)


def test_no_lost_connection_carries_the_request_along(time: Time) -> None:
    with hanging_up() as url, pytest.raises(UnknownOutcome) as caught:
        nowhere(time, url).create(Kind.SERVICE_ACCOUNT, ServiceAccountProfile("ci"), (), ())
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    told = told_by(caught.value)
    assert KEY not in told


def test_an_unreadable_answer_is_not_carried_along(scripted: Script) -> None:
    with pytest.raises(UnknownOutcome) as caught:
        scripted(UNREADABLE).create(Kind.SERVICE_ACCOUNT, ServiceAccountProfile("ci"), (), ())
    told = told_by(caught.value)  # before the assertion, which keeps its words in a local variable
    assert "new-secret-key" not in told


def test_no_repr_shows_a_key() -> None:
    config = TectonConfig("https://acme.tecton.test", KEY)
    things: list[Any] = [
        config,
        Credential("Tecton-key", KEY),
        Request("POST", "/x", "ask", {"api_key": KEY}, form={"client_secret": KEY}, hidden=(KEY,)),
        Response(200, "application/json", KEY.encode()),
        open_tecton(config),
        open_tecton(config).for_run(),
    ]
    assert [thing for thing in things if KEY in repr(thing)] == []


def test_the_log_says_what_was_asked_and_nothing_of_headers_or_bodies(sandbox: Sandbox, tecton: TectonClient) -> None:
    sandbox.fault("status", path="Users", status=503)
    with capture_logs() as lines:
        tecton.list_entries(Kind.USER)
        made = tecton.create(Kind.SERVICE_ACCOUNT, ServiceAccountProfile("ci"), (), ())
        tecton.own_account_id()
    assert [(line["method"], line["status"], line["log_level"], line["attempt"]) for line in lines] == [
        ("GET", 503, "warning", 1),
        ("GET", 200, "debug", 2),
        ("POST", 201, "debug", 1),
        ("POST", 200, "debug", 1),
    ]
    assert {"event", "log_level", "method", "path", "status", "ms", "attempt"} == set().union(*lines)
    assert KEY not in str(lines)
    assert str(made.api_key) not in str(lines)


def test_a_lost_answer_is_logged_with_its_reason(sandbox: Sandbox, tecton: TectonClient) -> None:
    sandbox.fault("reset", path="Users")
    with capture_logs() as lines:
        tecton.list_entries(Kind.USER)
    assert (lines[0]["log_level"], lines[0]["reason"]) == (
        "warning",
        "the connection broke before the answer was there",
    )


def test_a_netrc_file_does_not_replace_the_key(
    sandbox: Sandbox, time: Time, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine acme.tecton.test login somebody password else")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert open_tecton(config_for(sandbox.app, time)).for_run().list_entries(Kind.USER)


def test_a_created_account_shows_its_key_to_nobody_but_the_caller(tecton: TectonClient) -> None:
    made = tecton.create(Kind.SERVICE_ACCOUNT, ServiceAccountProfile("ci"), (), ())
    assert made.api_key
    assert made.api_key not in repr(made)


def test_settings_become_a_configuration() -> None:
    values: dict[str, Any] = {
        "TECTON_URL": "https://acme.tecton.ai/",
        "TECTON_API_KEY": f" {KEY}\n",
        "BRIDGE_TECTON_RATE": 3,
        "BRIDGE_TECTON_CONCURRENCY": 2,
        "BRIDGE_TECTON_TIMEOUT": "45s",
        "BRIDGE_TECTON_SERVICE_ACCOUNTS_PATH": "Robots/",
    }
    config = TectonConfig.from_settings(Settings(_env_file=None, **values))
    assert (config.url, config.api_key, config.rate, config.concurrency) == (
        "https://acme.tecton.ai",
        KEY,
        3,
        2,
    )
    assert (config.read_timeout, config.paths.service_accounts) == (45, "/Robots")
    assert KEY not in repr(config)


def test_an_address_with_api_at_its_end_is_the_same_cluster(sandbox: Sandbox, time: Time) -> None:
    tecton = open_tecton(config_for(sandbox.app, time, url="https://acme.tecton.test/api/")).for_run()
    assert tecton.list_scopes()


def test_closing_leaves_nothing_open(time: Time) -> None:
    with hanging_up() as url:
        service = open_tecton(TectonConfig(url, KEY, clock=time, sleep=time.sleep))
        with service, pytest.raises(TectonError):
            service.for_run().list_scopes()
    del service
    gc.collect()
