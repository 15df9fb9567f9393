"""From what Tecton answered to the error that says what to do next.

Tecton's statuses are not all documented, and one status has several meanings (tables and
unknowns: 403 for bad credentials on the metadata server, for an unknown scope, for SCIM that is
off). So the text is looked at too, for a few unmistakable words; what stays unclear becomes the
error that makes the caller do the least.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from app.reconcile.ports import (
    Conflict,
    CredentialsRefused,
    NotFound,
    Refused,
    TectonError,
    TemporaryError,
    Throttled,
    UnknownOutcome,
    Unreachable,
    Unsupported,
)
from app.tecton.wire import About, Failure, Request, Response

CHECK_URL = "check TECTON_URL and the network"
CHECK_KEY = "check TECTON_API_KEY: it must be the key of a service account that is admin"

_BAD_KEY = re.compile(r"unauthenticated|invalid ?token|authorization header|invalid (api )?key", re.I)
_MAY_NOT = re.compile(r"not authorized|unauthorized|permission denied|not permitted", re.I)
_OFF = re.compile(r"not (been )?enabled|not available|disabled|switched off|turned off|unimplemented", re.I)
_TAKEN = re.compile(r"already (exists|taken|in use)|must be unique|is not unique|duplicate|uniqueness", re.I)
_LONGEST = 300


class SwitchedOff(Unsupported):
    """Tecton says itself that it does not offer this, or has it switched off."""


class NotAllowed(Refused):
    """Tecton knows the key, and its account may not do this (403 of the gateway and of serving)."""


def error_of(request: Request, response: Response, hidden: Iterable[str] = ()) -> TectonError:
    """Return the error that an answer other than success is.

    The message says what was asked, what Tecton said, and where something can be done, what to do;
    never anything of `hidden`, even if Tecton repeats it.
    """
    said = what_was_said(response, (*hidden, *request.hidden))
    kind = _kind_of(request, response, said)
    message = f"could not {request.asks}: Tecton answered {response.status}{f' ({said})' if said else ''}"
    message += _advice(kind, request, response)
    return Throttled(message, response.retry_after) if kind is Throttled else kind(message)


def error_of_failure(request: Request, failure: Failure, url: str) -> TectonError:
    """Return the error that a missing answer is: for a create that may have been seen, UnknownOutcome."""
    message = f"could not {request.asks} at {url}: {failure.reason}"
    if request.create and failure.sent:
        return UnknownOutcome(f"{message}; it may have been done all the same")
    return Unreachable(f"{message}; {CHECK_URL}")


def error_of_content(request: Request, response: Response) -> TectonError:
    """Return the error of a success whose body is not what Tecton answers."""
    what = response.content_type or "something without a content type"
    message = f"could not {request.asks}: the answer ({response.status}) is {what}, not JSON"
    if request.create:
        return UnknownOutcome(f"{message}; it may have been done all the same")
    return TemporaryError(f"{message}; does something in front of Tecton answer? {CHECK_URL}")


def what_was_said(response: Response, hidden: Iterable[str] = ()) -> str:
    """Return Tecton's own words, in one line, with nothing in it that must stay hidden."""
    if response.is_page:
        return f"a page of type {response.content_type or 'unknown'}, not JSON"
    text = _text_of(response)
    for secret in filter(None, hidden):
        text = text.replace(secret, "…")
    return " ".join(text.split())[:_LONGEST]


def _text_of(response: Response) -> str:
    """Read every shape: SCIM `detail`; the gateway's `message`, `error`; the ingest API's; plain text."""
    try:
        document = response.document()
    except ValueError:
        return response.body.decode("utf-8", "replace")
    if not isinstance(document, dict):
        return str(document)
    found = _first_text(document) or _first_text(document.get("requestError")) or _record_errors(document)
    kind = document.get("scimType")
    return f"{kind}: {found}" if kind and found else found or str(kind or "")


def _record_errors(document: dict[str, Any]) -> str:
    """Return what the ingest API says of single records."""
    errors = document.get("recordErrors")
    return "; ".join(_first_text(error) for error in errors) if isinstance(errors, list) else ""


def _first_text(document: Any) -> str:
    if not isinstance(document, dict):
        return ""
    for name in ("detail", "message", "errorMessage", "error_description", "error"):
        if isinstance(document.get(name), str) and document[name]:
            return str(document[name])
    return ""


def _kind_of(request: Request, response: Response, said: str) -> type[TectonError]:
    status = response.status
    if status == 429:
        return Throttled
    if status == 408 or status >= 500:
        return _kind_of_trouble(request, response)
    if response.is_page or status < 400:
        return TemporaryError
    if status == 401 or (status == 403 and _BAD_KEY.search(said)):
        return CredentialsRefused
    if status in (400, 403, 404) and _OFF.search(said):
        return SwitchedOff
    return _JUDGED[status](request, response, said) if status in _JUDGED else _PLAIN.get(status, Refused)


def _kind_of_trouble(request: Request, response: Response) -> type[TectonError]:
    """408 and 5xx: trouble that passes, but for 501; a create may have been done before it."""
    if response.status == 501 and not response.is_page:
        return SwitchedOff
    return UnknownOutcome if request.create else TemporaryError


def _bad_request(request: Request, response: Response, said: str) -> type[TectonError]:
    """400: a taken name is a Conflict when Tecton says so clearly (row 24 and 31 of the unknowns)."""
    names = request.write and not request.removal and request.about is not About.RESTRICTED
    return Conflict if (names or request.create) and _TAKEN.search(said) else Refused


def _forbidden(request: Request, response: Response, said: str) -> type[TectonError]:
    """403: of the key as such, unless it is about this one object (the last admin, an IdP's member)."""
    if request.about is About.RESTRICTED:
        return NotAllowed
    if request.write and said and not _MAY_NOT.search(said):
        return Refused
    return CredentialsRefused


def _not_found(request: Request, response: Response, said: str) -> type[TectonError]:
    """404: a non-admin key may get it too (row 8), and then nothing is said about the object.

    The gateway's services speak JSON (confirmed): anything else is its router that knows no such path.
    """
    if request.about is About.RESTRICTED:
        return NotFound if response.is_json else Unsupported
    if _MAY_NOT.search(said):
        return CredentialsRefused
    return Unsupported if request.about is About.ROUTE else NotFound


_PLAIN: dict[int, type[TectonError]] = {405: Unsupported, 409: Conflict, 410: NotFound}
_JUDGED = {400: _bad_request, 403: _forbidden, 404: _not_found}


def _advice(kind: type[TectonError], request: Request, response: Response) -> str:
    if kind is CredentialsRefused:
        return f"; {request.accepted_when or CHECK_KEY}"
    if issubclass(kind, Unsupported):
        needs = request.offered_when or "this Tecton does not offer it"
        return f"; {needs} (asked for {request.path})"
    if kind is UnknownOutcome:
        return "; it may have been done all the same"
    if response.is_page or response.status < 400:
        return f"; does something in front of Tecton answer? {CHECK_URL}"
    return ""
