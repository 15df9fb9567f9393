"""The SCIM root as a Flask blueprint: lets clients in, reads the request, sends the reply."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta

from flask import Blueprint, Response, request
from scim2_models import ForbiddenException, SCIMException, UnauthorizedException

from app.scim.errors import PayloadTooLarge, error_reply
from app.scim.http import MEDIA_TYPE, Call, Reply
from app.scim.routes import OPEN_PATH, find_handler
from app.store.database import Database
from app.store.sql import Session, connect
from app.store.tokens import TokenRecord, authenticate_in

MAX_BODY_BYTES = 32 * 1024 * 1024  # a group of 100,000 members, with room

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def create_blueprint(database: Database, *, clock: Callable[[], datetime], coalesce_window: timedelta) -> Blueprint:
    """Return the blueprint that serves SCIM; register it under the SCIM root, such as `/scim/v2`.

    Take the database, the clock, and how long pushes that remove no access wait for others.
    """
    blueprint = Blueprint("scim", __name__)

    def serve(path: str = "") -> Response:
        with ExitStack() as stack:
            try:
                reply = _answer(stack, path)
            except Exception as error:  # the edge: whatever fails inside is answered in SCIM's own form
                stack.close()
                reply = error_reply(error)
            return _respond(reply, stack)

    def _answer(stack: ExitStack, path: str) -> Reply:
        segments = [segment for segment in path.split("/") if segment]
        now = clock()
        is_open = len(segments) == 1 and segments[0].lower() == OPEN_PATH
        session = stack.enter_context(connect(database))
        token = _ANYONE if is_open else _let_in(session, now)
        handler = find_handler(request.method, segments)
        call = Call(
            method=request.method,
            args=request.args,
            headers=request.headers,
            raw=_read_body(),
            base=_base(path),
            now=now,
            window=coalesce_window,
            session=session,
            token=token,
        )
        return handler(call)

    blueprint.add_url_rule("/", "root", serve, methods=_METHODS, provide_automatic_options=False)
    blueprint.add_url_rule("/<path:path>", "serve", serve, methods=_METHODS, provide_automatic_options=False)
    return blueprint


_ANYONE = TokenRecord("", "scim", datetime.min)  # noqa: DTZ901 - nobody looks at it


def _let_in(session: Session, now: datetime) -> TokenRecord:
    """Return the token of the request. Raise UnauthorizedException or ForbiddenException."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise UnauthorizedException(detail="a bearer token is needed")
    token = authenticate_in(session, secret.strip(), now)
    if token is None:
        raise UnauthorizedException(detail="the token is unknown, expired or revoked")
    if token.scope != "scim":
        raise ForbiddenException(detail="this token is not for SCIM")
    return token


def _read_body() -> bytes:
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise _too_large()
    raw = request.stream.read(MAX_BODY_BYTES + 1)
    if len(raw) > MAX_BODY_BYTES:
        raise _too_large()
    return raw


def _too_large() -> SCIMException:
    return PayloadTooLarge(detail=f"the body is larger than {MAX_BODY_BYTES} bytes")


def _base(path: str) -> str:
    """Return the URL of the SCIM root, as the client sees it."""
    below = request.path.removesuffix(path).rstrip("/")
    return f"{request.root_url.rstrip('/')}{below}"


def _respond(reply: Reply, stack: ExitStack) -> Response:
    body: bytes | Iterator[bytes] = reply.body
    if not isinstance(body, bytes):
        body = _streamed(body, stack.pop_all())
    response = Response(body, reply.status, reply.headers, mimetype=None, content_type=MEDIA_TYPE)
    if reply.status in {204, 304}:
        del response.headers["Content-Type"]
    return response


def _streamed(pieces: Iterator[bytes], stack: ExitStack) -> Iterator[bytes]:
    """Yield the pieces of a body; the connection goes back when the last one is sent."""
    with stack:
        yield from pieces
