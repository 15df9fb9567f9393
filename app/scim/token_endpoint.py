"""The OAuth 2.0 token endpoint for the client credentials grant (RFC 6749 section 4.4), with Authlib.

Entra's gallery accepts nothing else: a token endpoint, a client id, several secrets at a time, tokens
of an hour. Revocation is RFC 7009.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

import orjson
from authlib.integrations.flask_oauth2.requests import FlaskOAuth2Request
from authlib.oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oauth2.rfc6749.errors import InvalidClientError
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc6749.util import extract_basic_authorization
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7009 import RevocationEndpoint
from flask import Response, request

from app.store import oauth
from app.store.database import Database

_METHODS = ["client_secret_basic", "client_secret_post"]


class TokenServer(AuthorizationServer):  # type: ignore[misc]
    """Authlib's authorization server over the bridge's own clients."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        super().__init__()
        self.database = database
        self.clock = clock
        lifetime = int(oauth.TOKEN_TIME.total_seconds())
        self.register_token_generator("default", BearerTokenGenerator(_new_token, expires_generator=lifetime))
        self.register_grant(_ClientCredentials)
        self.register_endpoint(_Revocation)

    def query_client(self, client_id: str) -> _Client | None:
        """Return the client of an id, None when there is none."""
        if "\x00" in client_id:
            return None  # no SQL database keeps such a name
        with self.database.read() as connection:
            found = oauth.find_client(connection, client_id)
        return _Client(found, self) if found else None

    def authenticate_client(self, request: Any, methods: list[str], endpoint: str = "token") -> Any:
        """Return the client that a request shows to be; raise InvalidClientError when it shows none."""
        try:
            extract_basic_authorization(request.headers)
        except ValueError as error:  # Authlib takes it for granted that the credentials are text
            raise InvalidClientError(status_code=401, description="The Authorization header is not text.") from error
        return super().authenticate_client(request, methods, endpoint)

    def save_token(self, token: dict[str, Any], request: Any) -> None:
        """Store an access token that was issued."""
        with self.database.write() as connection:
            oauth.keep_access_token(connection, token["access_token"], request.client.secret_id, self.clock())

    def create_oauth2_request(self, _: Any) -> FlaskOAuth2Request:
        """Return the request being served, as Authlib reads it."""
        return FlaskOAuth2Request(request)

    def handle_response(self, status: int, body: Any, headers: Any) -> Response:
        """Return the answer: JSON that nothing on the way may keep."""
        return Response(orjson.dumps(body), status, dict(headers))

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Tell nobody."""


def failed_authentication(response: Response) -> bool:
    """Tell whether an answer of the endpoint refuses the client's secret."""
    return (
        response.status_code >= 400 and cast(dict[str, Any], response.get_json())["error"] == InvalidClientError.error
    )


def _new_token(**_: Any) -> str:
    return oauth.ACCESS_PREFIX + secrets.token_urlsafe(32)


class _Client(ClientMixin):  # type: ignore[misc]
    """A client during one request; `secret_id` is the secret that it showed."""

    def __init__(self, client: oauth.Client, server: TokenServer) -> None:
        self.client = client
        self.server = server
        self.secret_id: str | None = None

    def get_client_id(self) -> str:
        return self.client.id

    def get_allowed_scope(self, scope: str | None) -> str:
        # Entra sends whatever scope its form holds; there is one.
        return "scim"

    def check_client_secret(self, client_secret: str) -> bool:
        with self.server.database.write() as connection:
            self.secret_id = oauth.find_secret(connection, self.client.id, client_secret, self.server.clock())
        return self.secret_id is not None

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in _METHODS

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "client_credentials"


class _ClientCredentials(ClientCredentialsGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = _METHODS


class _Revocation(RevocationEndpoint):  # type: ignore[misc]
    CLIENT_AUTH_METHODS = _METHODS

    def query_token(self, token_string: str, token_type_hint: str | None) -> _AccessToken | None:
        with self.server.database.read() as connection:
            client_id = oauth.client_of_access_token(connection, token_string)
        return _AccessToken(token_string, client_id) if client_id else None

    def revoke_token(self, token: _AccessToken, request: Any) -> None:
        with self.server.database.write() as connection:
            oauth.revoke_access_token(connection, token.text, self.server.clock())


class _AccessToken:
    def __init__(self, text: str, client_id: str) -> None:
        self.text = text
        self.client_id = client_id

    def check_client(self, client: _Client) -> bool:
        return client.get_client_id() == self.client_id
