"""The way of a call to Tecton: log, faults, limits, credentials, handler, spoiling, answer."""

import time
from collections.abc import Callable, Sequence
from datetime import timedelta

from app.sandbox.auth import identify
from app.sandbox.call import ANYBODY, Call, Caller, Request
from app.sandbox.calllog import CallLog
from app.sandbox.faults import ConnectionDropped, Effect, Faults
from app.sandbox.limits import RateLimit
from app.sandbox.list_faults import spoil_list
from app.sandbox.replies import TEXT, ApiError, Reply, error_reply
from app.sandbox.routes import Match, resolve
from app.sandbox.settings import Settings
from app.sandbox.world.world import Transaction, World

_HTML = "<!doctype html><html><head><title>Gateway</title></head><body><h1>Please sign in</h1></body></html>"
_DROPPED = 0


class Gateway:
    """Serves the calls to /api, /oauth2 and /ingest."""

    def __init__(
        self,
        world: World,
        faults: Faults,
        log: CallLog,
        settings: Settings,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._world = world
        self._faults = faults
        self._log = log
        self._settings = settings
        self._sleep = sleep
        self._limit = RateLimit()

    def serve(self, request: Request) -> Reply:
        """Answer a call in the time that calls take; raises ConnectionDropped when a fault wants it unanswered."""
        effects = self._draw(request)
        self._wait(sum(e.number("seconds", 1) for e in effects if e.kind == "slow"))
        began = self._world.clock()
        try:
            return self._serve(request, effects)
        finally:
            spent = request.waited + (self._world.clock() - began).total_seconds()
            self._wait(self._world.knobs.number("latency_seconds") - spent)

    def _serve(self, request: Request, effects: list[Effect]) -> Reply:
        match = resolve(request.method, request.path, self._world.knobs)
        call = Call(request, self._world.view(), ANYBODY, match.params, effects)
        status = 500  # what Flask answers should a handler have a bug
        try:
            reply = self._do(call, match)
            status = reply.status
            return reply
        except ConnectionDropped:
            status = _DROPPED
            raise
        finally:
            self._log.append(self._line(call, match, status))

    def _draw(self, request: Request) -> list[Effect]:
        effects = self._faults.draw(request.method, request.path)
        if self._faults.unsaved:
            self._settings.save_faults()
        return effects

    def _do(self, call: Call, match: Match) -> Reply:
        if call.effect("reset"):
            raise ConnectionDropped(done=False)
        reply = _ready_answer(call.effects, match, self._world) or self._answer(call, match)
        if call.effect("lost_reply"):
            raise ConnectionDropped(done=True)
        for effect in call.effects:
            spoil_list(reply, effect)
        return reply

    def _wait(self, seconds: float) -> None:
        if seconds > 0:
            self._sleep(seconds)

    def _answer(self, call: Call, match: Match) -> Reply:
        if match.operation is None and match.error is None:
            return Reply(match.status, "Not Found\n", TEXT)
        try:
            self._limit.check(self._world.knobs, self._world.clock())
            with self._world.transaction() as tx:
                return self._perform(call, match, tx)
        except ApiError as error:
            return error_reply(match.service, error, self._world.knobs)

    def _perform(self, call: Call, match: Match, tx: Transaction) -> Reply:
        call.tx = tx
        if match.operation is None or not match.operation.public:
            call.caller = identify(tx, call.request.headers, match.service)
            _check_service(match, tx, call.caller)
        if match.operation is None:
            raise match.error or ApiError(404, "not found")
        if match.operation.kind == "read" and not match.operation.public:
            call.tx = self._seen_by(call, tx)
        return match.operation.handler(call)

    def _seen_by(self, call: Call, live: Transaction) -> Transaction:
        """Return the world a read sees: row 46, or the fault, may hold newer writes back."""
        stale = call.effect("stale")
        if stale and "seconds" not in stale.settings:
            return self._world.before_last_write(live)
        seconds = stale.number("seconds", 0) if stale else live.knobs.number("read_delay_ms") / 1000
        return self._world.lagging(live, timedelta(seconds=seconds)) if seconds else live

    def _line(self, call: Call, match: Match, status: int) -> dict[str, object]:
        request = call.request
        line: dict[str, object] = {
            "at": call.now.isoformat(),
            "method": request.method,
            "path": request.path,
            "query": dict(request.query),
            "status": status,
            "kind": match.kind,
            "operation": match.operation.name if match.operation else "",
            "principal": call.caller.name or None,
        }
        if call.effects:
            line["fault"] = ", ".join(effect.label for effect in call.effects)
        if call.notes:
            line["notes"] = list(call.notes)
        return line


def _check_service(match: Match, tx: Transaction, caller: Caller) -> None:
    """Row 5 and the rule that SCIM needs an admin's key; raises ApiError."""
    if match.service != "scim":
        return
    if not tx.knobs.on("scim_enabled"):
        raise ApiError(int(tx.knobs["scim_disabled_status"]), "SCIM is not enabled for this account")
    if not caller.is_admin(tx.tables):
        message = f"serviceAccount {caller.account_id} not authorized to perform action manage_scim"
        raise ApiError(int(tx.knobs["scim_non_admin_status"]), message, code=7)


def _ready_answer(effects: Sequence[Effect], match: Match, world: World) -> Reply | None:
    """Return the answer of a fault that replaces the call, if there is one."""
    for effect in effects:
        if effect.kind == "html":
            return Reply(int(effect.number("status", 200)), _HTML, "text/html; charset=utf-8")
        if effect.kind == "status":
            return _refused(effect, match, world)
    return None


def _refused(effect: Effect, match: Match, world: World) -> Reply:
    error = ApiError(int(effect.number("status", 503)), "fault made on purpose by the sandbox")
    if "retry_after" in effect.settings:
        error.headers["Retry-After"] = str(effect.settings["retry_after"])
    return error_reply(match.service, error, world.knobs)
