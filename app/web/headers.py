"""Security headers of pages and admin answers."""

from __future__ import annotations

from flask import Flask, Response, request

# No script at all. `data:` is for the images inside Bootstrap's own style sheet.
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


def install(flask_app: Flask) -> None:
    """Add the headers to everything but SCIM answers, which no browser shows."""
    flask_app.after_request(_add_headers)


def _add_headers(response: Response) -> Response:
    if request.path.startswith("/scim/"):
        return response
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Frame-Options"] = "DENY"
    # Not `no-referrer`: the CSRF check of forms sent over https compares the referrer.
    response.headers["Referrer-Policy"] = "same-origin"
    if not (request.endpoint or "").endswith("static"):
        response.headers["Cache-Control"] = "no-store"
    return response
