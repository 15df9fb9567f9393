"""No answer at all: which error it is, and whether Tecton may have seen the call."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests
from urllib3 import exceptions as lower

from app.core.access import UserProfile
from app.core.identity import Kind
from app.reconcile.ports import CredentialsRefused, UnknownOutcome, Unreachable
from app.tecton import Retry, TectonClient, TectonConfig, open_tecton
from app.tecton.failures import failure_of
from tests.tecton.conftest import KEY, Time

CONFIG = TectonConfig("https://acme.tecton.test", KEY)
ANA = UserProfile("ana@acme.com")


def nowhere(time: Time, url: str = "") -> TectonClient:
    """Return a client of an address where nobody listens."""
    url = url or f"http://127.0.0.1:{_free_port()}"
    config = TectonConfig(url, KEY, retry=Retry(jitter=lambda: 0.0), clock=time, sleep=time.sleep)
    return open_tecton(config).for_run()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def hanging_up() -> Iterator[str]:
    """Serve one port that takes every call and hangs up without a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_nobody_listening_is_unreachable_and_says_what_to_check(time: Time) -> None:
    with pytest.raises(Unreachable, match="refused; check TECTON_URL") as caught:
        nowhere(time).list_entries(Kind.USER)
    assert type(caught.value) is Unreachable


def test_a_hang_up_may_have_done_a_create(time: Time) -> None:
    with hanging_up() as url:
        tecton = nowhere(time, url)
        with pytest.raises(UnknownOutcome):
            tecton.create(Kind.USER, ANA, (), ())
        assert tecton.calls.writes == 1
        with pytest.raises(Unreachable, match="broke"):
            tecton.list_entries(Kind.USER)
        assert tecton.calls.reads == 4


def test_calls_go_through_the_proxy_of_the_environment_where_it_names_one(
    time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that went straight away would not find the host."""
    with hanging_up() as proxy:
        monkeypatch.setenv("http_proxy", proxy)
        with pytest.raises(Unreachable, match="broke"):
            nowhere(time, "http://tecton.invalid").list_entries(Kind.USER)
        monkeypatch.setenv("no_proxy", "tecton.invalid")
        with pytest.raises(Unreachable, match="the name of the host is not known"):
            nowhere(time, "http://tecton.invalid").list_entries(Kind.USER)


@pytest.mark.parametrize("url", ["acme.tecton.test", "ftp://acme.tecton.test", "https://"])
def test_an_address_that_cannot_be_called_is_not_tried_twice(time: Time, url: str) -> None:
    with pytest.raises(Unreachable, match="TECTON_URL"):
        nowhere(time, url).list_entries(Kind.USER)
    assert time.naps == []


def test_a_missing_address_is_named(time: Time) -> None:
    config = TectonConfig("", KEY)
    with pytest.raises(Unreachable, match="TECTON_URL is not set"):
        open_tecton(config).for_run().list_scopes()


@pytest.mark.parametrize("key", ["", "two\nlines", "schlüssel"])
def test_a_key_that_no_header_can_hold_is_refused_unsent(key: str) -> None:
    tecton = open_tecton(TectonConfig("http://127.0.0.1:9", key)).for_run()
    with pytest.raises(CredentialsRefused, match="TECTON_API_KEY") as caught:
        tecton.list_scopes()
    assert not key or key not in str(caught.value)
    assert tecton.calls == (0, 0)


@pytest.mark.parametrize(
    ("error", "sent", "words"),
    [
        (requests.ConnectTimeout(), False, "no connection within 10 s"),
        (requests.ReadTimeout(), True, "no answer within 30 s"),
        (requests.ConnectionError(lower.ReadTimeoutError(None, "", "")), True, "no answer within"),
        (requests.ConnectionError(lower.ProtocolError("aborted")), True, "broke"),
        (requests.exceptions.SSLError("EOF in the middle"), True, "broke"),
        (requests.exceptions.ChunkedEncodingError(), True, "broke"),
        (requests.exceptions.ProxyError(), True, "broke"),
    ],
)
def test_what_was_surely_not_sent(error: requests.RequestException, sent: bool, words: str) -> None:
    failure = failure_of(error, CONFIG)
    assert failure.sent is sent
    assert words in failure.reason


def test_an_unknown_host_was_not_sent() -> None:
    lost = lower.NameResolutionError("acme", None, socket.gaierror(-2, "unknown"))
    error = requests.ConnectionError(lower.MaxRetryError(None, "/", lost))
    failure = failure_of(error, CONFIG)
    assert (failure.sent, failure.reason) == (False, "the name of the host is not known")


def test_an_untrusted_certificate_is_not_tried_again() -> None:
    import ssl

    reason = lower.SSLError(ssl.SSLCertVerificationError(1, "self-signed"))
    failure = failure_of(requests.exceptions.SSLError(lower.MaxRetryError(None, "/", reason)), CONFIG)
    assert (failure.sent, failure.passing) == (False, False)
