"""The SCIM root as a Flask blueprint: lets clients in, reads the request, sends the reply."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

from flask import Blueprint, Response, request
from flask.sansio.blueprints import BlueprintSetupState
from scim2_models import PayloadTooLargeException
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.utils import get_current_url

from app.scim.authentication import let_in
from app.scim.errors import error_reply
from app.scim.http import MEDIA_TYPE, Call, Reply
from app.scim.routes import OPEN_PATH, find_handler
from app.scim.throttle import Throttle, TooManyFailures
from app.scim.token_endpoint import TokenServer, failed_authentication
from app.store.database import Database
from app.store.sql import DriverPool
from app.store.tokens import TokenRecord

MAX_BODY_BYTES = 32 * 1024 * 1024  # a group of 100,000 members, with room

MAX_FORM_BYTES = 64 * 1024  # of a request for a token, which anybody may send

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_WITHOUT_BODY = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})
_JSON = {"Content-Type": "application/json", "Cache-Control": "no-store"}
_ANYONE = TokenRecord("", "scim", datetime.min)  # noqa: DTZ901 - nobody looks at it


def create_blueprint(database: Database, *, clock: Callable[[], datetime], coalesce_window: timedelta) -> Blueprint:
    """Return the blueprint that serves SCIM; register it under the SCIM root, such as `/scim/v2`.

    Take the database, the clock, and how long pushes that remove no access wait for others. The OAuth
    token endpoint is below it, at `oauth/token`.
    """
    blueprint = Blueprint("scim", __name__)
    root = _Root(DriverPool(database), clock, coalesce_window)
    tokens = _Tokens(TokenServer(database, clock), clock, root.throttle)
    blueprint.add_url_rule("/oauth/token", "token", tokens.issue, methods=["POST"])
    blueprint.add_url_rule("/oauth/revoke", "revoke", tokens.revoke, methods=["POST"])
    for rule, endpoint in (("/", "root"), ("/<path:path>", "serve")):
        blueprint.add_url_rule(rule, endpoint, root.serve, methods=_METHODS, provide_automatic_options=False)
    blueprint.record_once(root.serve_unrouted)
    return blueprint


@dataclass(slots=True)
class _Root:
    """Everything below the SCIM root."""

    pool: DriverPool
    clock: Callable[[], datetime]
    window: timedelta
    throttle: Throttle = field(default_factory=Throttle)

    def serve(self, path: str = "") -> Response:
        """Answer one request; what fails inside is answered in SCIM's own form."""
        with ExitStack() as stack:
            try:
                reply = self._answer(stack, path)
            except Exception as error:  # the edge of the application
                reply = error_reply(error)
            return _respond(reply, stack)

    def serve_unrouted(self, state: BlueprintSetupState) -> None:
        """Serve the requests below the root that Flask would answer in HTML, too.

        A base URL that ends with a slash doubles one, and no client follows a redirect with its POST; a
        method that only HTTP knows is refused in SCIM's own form.
        """
        prefix = state.url_prefix or ""

        def serve() -> Response | None:
            if request.routing_exception is None or not f"{request.path}/".startswith(f"{prefix}/"):
                return None
            return self.serve(request.path.removeprefix(prefix).lstrip("/"))

        state.app.before_request(serve)

    def _answer(self, stack: ExitStack, path: str) -> Reply:
        segments = [segment for segment in path.split("/") if segment]
        now = self.clock()
        session = stack.enter_context(self.pool.session())
        token = _ANYONE
        if not (len(segments) == 1 and segments[0].lower() == OPEN_PATH):
            sent = request.headers.get("Authorization", "")
            token = let_in(session, sent, request.remote_addr or "", now, self.throttle)
        handler = find_handler(request.method, segments)
        return handler(
            Call(
                method=request.method,
                args=request.args,
                headers=request.headers,
                raw=_read_body(),
                base=_base(path),
                now=now,
                window=self.window,
                session=session,
                token=token,
            )
        )


@dataclass(slots=True)
class _Tokens:
    """The OAuth endpoints. Their errors have OAuth's own form (RFC 6749 section 5.2)."""

    server: TokenServer
    clock: Callable[[], datetime]
    throttle: Throttle

    def issue(self) -> Response:
        """Answer a client that asks for an access token."""
        return self._refuse_too_large() or self._throttled(self.server.create_token_response())

    def revoke(self) -> Response:
        """Answer a client that gives an access token back."""
        return self._refuse_too_large() or self._throttled(self.server.create_endpoint_response("revocation"))

    def _refuse_too_large(self) -> Response | None:
        """Return the refusal of a form that is too large, None when it could be read."""
        request.max_content_length = MAX_FORM_BYTES
        try:
            request.form  # noqa: B018 - it is read when it is looked at
        except RequestEntityTooLarge:
            what = f"the form may be {MAX_FORM_BYTES} bytes long"
            return self.server.handle_response(413, {"error": "invalid_request", "error_description": what}, _JSON)
        return None

    def _throttled(self, response: Response) -> Response:
        if failed_authentication(response):
            try:
                self.throttle.count(request.remote_addr or "", self.clock())
            except TooManyFailures as error:
                return _respond(error_reply(error), ExitStack())
        return response


def _read_body() -> bytes:
    if request.method in _WITHOUT_BODY:
        return b""
    raw = b""
    if (request.content_length or 0) <= MAX_BODY_BYTES:
        raw = request.stream.read(MAX_BODY_BYTES + 1)
    if (request.content_length or len(raw)) > MAX_BODY_BYTES:
        raise PayloadTooLargeException(detail=f"a body may be {MAX_BODY_BYTES} bytes long")
    return raw


def _base(path: str) -> str:
    """Return the URL of the SCIM root, as the client sees it."""
    below = request.path.removesuffix(path).rstrip("/")
    return _root_url(request.scheme, request.host, request.root_path) + below


@lru_cache(maxsize=64)
def _root_url(scheme: str, host: str, root_path: str) -> str:
    return get_current_url(scheme, host, root_path).rstrip("/")


def _respond(reply: Reply, stack: ExitStack) -> Response:
    body: bytes | Iterator[bytes] = reply.body
    if not isinstance(body, bytes):
        body = _streamed(body, stack.pop_all())
    response = Response(body, reply.status, reply.headers, content_type=MEDIA_TYPE)
    if reply.status in {204, 304}:
        del response.headers["Content-Type"]
    return response


def _streamed(pieces: Iterator[bytes], stack: ExitStack) -> Iterator[bytes]:
    """Yield the pieces of a body; the connection goes back when the last one is sent."""
    with stack:
        yield from pieces
