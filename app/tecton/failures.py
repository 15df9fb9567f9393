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
_BEFORE_SENDING = (lower.NewConnectionError, lower.ConnectTimeoutError)


def failure_of(error: requests.RequestException, config: TectonConfig) -> Failure:
    """Return what an exception of `requests` means. Where it is not certain that nothing was sent, it was."""
    causes = list(_causes(error))
    if isinstance(error, _NO_ADDRESS):
        return Failure("this is no address that can be called", sent=False, passing=False)
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return Failure("its TLS certificate is not trusted here", sent=False, passing=False)
    if isinstance(error, exceptions.ConnectTimeout):
        return Failure(f"no connection within {config.connect_timeout:g} s", sent=False)
    if any(isinstance(cause, lower.NameResolutionError) for cause in causes):
        return Failure("the name of the host is not known", sent=False)
    if any(isinstance(cause, _BEFORE_SENDING) for cause in causes):
        return Failure("the connection was refused", sent=False)
    if isinstance(error, exceptions.Timeout) or any(isinstance(c, lower.ReadTimeoutError) for c in causes):
        return Failure(f"no answer within {config.read_timeout:g} s", sent=True)
    return Failure("the connection broke before the answer was there", sent=True)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the exceptions inside an exception: `requests` and urllib3 keep them as arguments."""
    yield error
    inner = [*error.args, getattr(error, "reason", None)]
    for cause in inner:
        if isinstance(cause, BaseException):
            yield from _causes(cause)
