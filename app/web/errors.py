"""Errors as pages and as JSON. No answer holds a traceback; the log does."""

from __future__ import annotations

from flask import Flask, Response, abort, current_app, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from app.core.policy_text import PolicyError
from app.credentials.ports import CredentialError, UnknownAccount
from app.store.database import StoreError
from app.web.access import AccessRefused
from app.web.words import capitalize_first

_CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "too_large",
}

MAX_BODY_BYTES = 64 * 1024  # of a form or a call of the API; nobody has signed in yet when it is read

_WORDS = {
    400: ("This request cannot be read", "Something in the address or the form is not as it should be."),
    404: ("There is no such page", "The address may be mistyped, or what it showed may have been retired."),
    409: ("This cannot be done", "Something else was done meanwhile."),
    405: ("This page cannot be used that way", "It can only be looked at."),
    413: ("Too much was sent", "The form is larger than anything that this site asks for."),
    500: (
        "Something went wrong here",
        "The error is in the log of the bridge. Nothing was changed in Tecton.",
    ),
    503: (
        "The database cannot be reached",
        "Nothing can be shown until it answers. Pushes are refused meanwhile.",
    ),
}


def install(flask_app: Flask) -> None:
    """Answer errors of pages and of the JSON API; SCIM answers its own."""
    flask_app.before_request(_refuse_too_large)
    flask_app.register_error_handler(HTTPException, _answer_http)
    flask_app.register_error_handler(CSRFError, _answer_csrf)
    flask_app.register_error_handler(AccessRefused, _answer_refused)
    flask_app.register_error_handler(StoreError, _answer_store)
    flask_app.register_error_handler(PolicyError, _answer_policy)
    flask_app.register_error_handler(CredentialError, _answer_credential)


def _refuse_too_large() -> None:
    """Answer 413 before a large body is read; SCIM has limits of its own."""
    if not request.path.startswith("/scim/"):
        request.max_content_length = MAX_BODY_BYTES  # for a body that does not say its length
        if (request.content_length or 0) > MAX_BODY_BYTES:
            abort(413)


def refuse_impossible_names() -> None:
    """Answer 404 for a name in the path that nothing can have: PostgreSQL cannot even be asked for it."""
    if any("\0" in str(part) for part in (request.view_args or {}).values()):
        abort(404)


def _is_for_machines() -> bool:
    return request.path.startswith(("/api/", "/metrics", "/healthz", "/readyz"))


def _answer_http(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if request.path.startswith("/scim/") or status < 400:
        return error.get_response()
    if _is_for_machines():
        return problem(status, _CODES.get(status, "error"), _message(error, status), _kept_headers(error))
    return _page(status, _kept_headers(error))


def _message(error: HTTPException, status: int) -> str:
    return "an error that the log explains" if status >= 500 else error.description or error.name


def _kept_headers(error: HTTPException) -> dict[str, str]:
    """Return the headers that the status asks for, such as Allow of a 405."""
    return {name: value for name, value in error.get_headers() if name not in {"Content-Type", "Content-Length"}}


def problem(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    """Return a JSON answer that says what is wrong."""
    response = jsonify({"error": {"code": code, "message": message}})
    response.status_code = status
    response.headers.update(headers or {})
    return response


def _answer_csrf(error: CSRFError) -> ResponseReturnValue:
    title = "This form is too old"
    return _page(400, {}, (title, "Go back, load the page again and send the form once more. Nothing was changed."))


def _answer_refused(error: AccessRefused) -> ResponseReturnValue:
    if not _is_for_machines():
        wanted = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("signin.show", next=wanted if wanted != "/" else None))
    headers = {"WWW-Authenticate": 'Bearer realm="admin"'} if error.status == 401 else {}
    return problem(error.status, _CODES[error.status], str(error), headers)


def _answer_store(error: StoreError) -> ResponseReturnValue:
    if request.path.startswith("/scim/"):
        raise error
    # The message may name hosts and paths: it is for the log, not for whoever asks.
    current_app.logger.error("%s", error)
    if _is_for_machines():
        return problem(503, "database_unavailable", "the database cannot be used: the log of the bridge says why")
    return _page(503, {})


def _answer_policy(error: PolicyError) -> ResponseReturnValue:
    """Say what is wrong with the policy: whoever gets here has signed in, or has a token."""
    if _is_for_machines():
        return problem(503, "policy_unusable", str(error))
    return _page(503, {}, ("The policy cannot be used", str(error)))


def _answer_credential(error: CredentialError) -> ResponseReturnValue:
    status = 404 if isinstance(error, UnknownAccount) else 409
    if _is_for_machines():
        return problem(status, _CODES[status], str(error))
    return _page(status, {}, ("This cannot be done", as_sentence(error)))


def as_sentence(error: Exception) -> str:
    """Return the message of an error as a page says it."""
    return capitalize_first(f"{error}.")


def _page(status: int, headers: dict[str, str], words: tuple[str, str] | None = None) -> ResponseReturnValue:
    title, text = words or _WORDS.get(status, ("This did not work", f"The answer is {status}."))
    return render_template("error.html", status=status, title=title, text=text), status, headers
