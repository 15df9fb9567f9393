"""Why there was no answer, and whether Tecton may have seen the call.

The sentences are our own: the exceptions' texts hold addresses with queries, and their objects the
request with its headers.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import requests
from requests import exceptions
from urllib3 import exceptions as lower

from app.tecton.config import TectonConfig
from app.tecton.wire import Failure

_NO_ADDRESS = (
    exceptions.MissingSchema,
    exceptions.InvalidSchema,
    exceptions.InvalidURL,
    exceptions.InvalidHeader,
)


def failure_of(error: requests.RequestException, config: TectonConfig) -> Failure:
    """Return what an exception of `requests` means. Where it is not certain that nothing was sent, it was."""
    causes = list(_causes(error))
    return (
        _hopeless(causes)
        or _unconnected(causes, config)
        or Failure(
            f"no answer within {config.read_timeout:g} s"
            if _is_any(causes, exceptions.Timeout, lower.ReadTimeoutError)
            else "the connection broke before the answer was there",
            sent=True,
        )
    )


def _hopeless(causes: list[BaseException]) -> Failure | None:
    if _is_any(causes, *_NO_ADDRESS):
        return Failure("this is no address that can be called", sent=False, passing=False)
    if _is_any(causes, ssl.SSLCertVerificationError):
        return Failure("its TLS certificate is not trusted here", sent=False, passing=False)
    return None


def _unconnected(causes: list[BaseException], config: TectonConfig) -> Failure | None:
    if _is_any(causes, lower.NameResolutionError):
        return Failure("the name of the host is not known", sent=False)
    if _is_any(causes, lower.NewConnectionError):
        return Failure("the connection was refused", sent=False)
    if _is_any(causes, exceptions.ConnectTimeout, lower.ConnectTimeoutError):
        return Failure(f"no connection within {config.connect_timeout:g} s", sent=False)
    return None


def _is_any(causes: list[BaseException], *kinds: type[BaseException]) -> bool:
    return any(isinstance(cause, kinds) for cause in causes)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the exceptions inside an exception: `requests` and urllib3 keep them as arguments."""
    yield error
    inner = [*error.args, getattr(error, "reason", None)]
    for cause in inner:
        if isinstance(cause, BaseException):
            yield from _causes(cause)
