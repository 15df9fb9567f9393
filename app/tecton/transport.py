"""The one way out to Tecton: credential, timeouts, limits, repeated tries, counting, logging."""

from __future__ import annotations

import copy
import http.cookiejar
from collections.abc import Callable
from functools import cache
from typing import Any

import requests
import structlog
from requests.adapters import HTTPAdapter

from app.reconcile.ports import Unreachable
from app.tecton import failures
from app.tecton.config import TectonConfig
from app.tecton.credentials import API_KEY_SCHEME, Credential, Nobody
from app.tecton.errors import CHECK_URL, error_of, error_of_content, error_of_failure
from app.tecton.limits import CallCounter, Limits
from app.tecton.retry import parse_retry_after
from app.tecton.wire import Failure, Request, Response

log = structlog.get_logger(__name__)

_ACCEPT = "application/json, application/scim+json;q=0.9"


class Transport:
    """Makes calls for one credential. Safe for use from many threads.

    `with_credential` gives another that shares its session, its limits and its retry.
    """

    def __init__(self, config: TectonConfig) -> None:
        self.config = config
        self._credential: Callable[[], Nobody] = lambda: Credential(API_KEY_SCHEME, config.api_key)
        self._limits = Limits(config.rate, config.concurrency, config.clock, config.sleep)
        self._session = (config.session_factory or self._new_session)()
        # Tecton uses no cookies; a load balancer's would pin all calls to one server.
        self._session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        # Proxies and certificates of the environment are looked up once for each host, not at every call.
        self._session.trust_env = False
        self._surroundings = cache(_surroundings_of)

    def with_credential(self, credential: Callable[[], Nobody]) -> Transport:
        """Return a transport that calls as somebody else: `credential` is asked before every call."""
        other = copy.copy(self)
        other._credential = credential
        return other

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def call(self, request: Request, counter: CallCounter) -> Any:
        """Make a call and return the JSON of its answer, {} for an empty one.

        It is tried again where that is safe: everything but a create on no answer and on the statuses
        of the retry; a create only when Tecton surely did not do it (429, no connection). A removal
        that finds nothing on a later try did its work on an earlier one.

        Raise TectonError as `errors` says.
        """
        self._insist_on_url(request)
        # Before a slot is taken: getting a token is a call of its own.
        auth = self._credential()
        attempt, answer = 1, self._send(request, auth, counter, 1)
        while (wait := self._wait(request, answer, attempt)) is not None:
            self.config.sleep(wait)
            attempt += 1
            answer = self._send(request, auth, counter, attempt)
        return self._result(request, auth, answer, attempt)

    def _result(self, request: Request, auth: Nobody, answer: Response | Failure, attempts: int) -> Any:
        if isinstance(answer, Failure):
            raise error_of_failure(request, answer, self._url(request))
        if request.removal and answer.status == 404 and attempts > 1:
            return {}
        if not answer.is_ok:
            raise error_of(request, answer, hidden=(self.config.api_key, *auth.hidden))
        try:
            return answer.document()
        except ValueError:
            pass
        raise error_of_content(request, answer)  # outside, so that the error does not carry the body along

    def _wait(self, request: Request, answer: Response | Failure, attempt: int) -> float | None:
        """Return how long to wait before trying again, None for not at all."""
        retry = self.config.retry
        if attempt >= retry.attempts or not self._may_repeat(request, answer):
            return None
        asked = answer.retry_after if isinstance(answer, Response) else None
        wait = retry.delay(attempt, asked)
        if asked is not None or (isinstance(answer, Response) and answer.status == 429):
            self._limits.hold(wait)
        return wait

    def _may_repeat(self, request: Request, answer: Response | Failure) -> bool:
        if isinstance(answer, Failure):
            return answer.passing and not (request.create and answer.sent)
        if request.create:
            return answer.status == 429 and 429 in self.config.retry.statuses
        return answer.status in self.config.retry.statuses

    def _send(self, request: Request, auth: Nobody, counter: CallCounter, attempt: int) -> Response | Failure:
        """Make one try, in its turn; count it and log it."""
        prepared = self._prepared(request, auth)
        with self._limits.turn():
            began = self.config.clock()
            counter.add(write=request.write)
            answer = self._exchange(request, prepared)
        if isinstance(answer, Response):
            self._limits.heed(throttled=answer.status == 429)
        self._note(request, answer, attempt, self.config.clock() - began)
        return answer

    def _prepared(self, request: Request, auth: Nobody) -> requests.PreparedRequest | Failure:
        """Return what goes over the wire. It is made before a slot is taken: slots are for waiting on Tecton."""
        try:
            return self._session.prepare_request(
                requests.Request(
                    request.method,
                    self._url(request),
                    params=dict(request.query),
                    json=request.body,
                    data=request.form,
                    headers={"Accept": _ACCEPT, "User-Agent": "tecton-scim-bridge"},
                    auth=auth,
                )
            )
        except requests.RequestException as error:
            return failures.failure_of(error, self.config)

    def _exchange(self, request: Request, prepared: requests.PreparedRequest | Failure) -> Response | Failure:
        if isinstance(prepared, Failure):
            return prepared
        try:
            answer = self._session.send(
                prepared,
                timeout=(self.config.connect_timeout, self.config.read_timeout),
                allow_redirects=False,  # the key must not follow to another host
                **self._surroundings(self._base(request)),
            )
        except requests.RequestException as error:
            # A value, not a chained exception: the original holds the request with its headers.
            return failures.failure_of(error, self.config)
        wait = parse_retry_after(answer.headers.get("Retry-After"), self.config.wall_clock())
        return Response(answer.status_code, answer.headers.get("Content-Type", ""), answer.content, wait)

    def _note(self, request: Request, answer: Response | Failure, attempt: int, seconds: float) -> None:
        facts: dict[str, Any] = {
            "method": request.method,
            "path": request.path,
            "ms": round(seconds * 1000, 1),
            "attempt": attempt,
        }
        if isinstance(answer, Failure):
            log.warning("tecton did not answer", **facts, reason=answer.reason)
        elif answer.status >= 500 or answer.status in (401, 403, 429):
            log.warning("tecton refused a call", **facts, status=answer.status)
        else:
            log.debug("tecton answered", **facts, status=answer.status)

    def _url(self, request: Request) -> str:
        return self._base(request) + request.path

    def _base(self, request: Request) -> str:
        return request.base or self.config.url.rstrip("/").removesuffix("/api")

    def _insist_on_url(self, request: Request) -> None:
        if not (request.base or self.config.url):
            raise Unreachable(f"could not {request.asks}: TECTON_URL is not set; {CHECK_URL}")

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        # Tries are repeated here, where it is known what is safe to repeat: urllib3 must not.
        adapter = HTTPAdapter(pool_maxsize=self.config.concurrency, max_retries=0)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        return session


def _surroundings_of(base: str) -> dict[str, Any]:
    """Return what the environment says of calls to an address: through which proxy, trusting which certificates."""
    found = requests.Session().merge_environment_settings(base, {}, None, None, None)
    return {"proxies": found["proxies"], "verify": found["verify"]}
