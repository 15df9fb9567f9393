"""The one place that wires everything: nothing is built when a module is imported."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from cryptography.fernet import Fernet, MultiFernet
from werkzeug.middleware.proxy_fix import ProxyFix

from app.core.policy import Policy
from app.core.policy_text import Fault, PolicyError, parse_policy
from app.credentials.keeper import Keeper
from app.credentials.probe import Prober
from app.delivery import DeliveryPlaces, Vault
from app.jobs import AuditSeal, LeadersChore, Learner, PolicyWatch, Retention, Schedule, Worker
from app.reconcile.reconciler import Reconciler
from app.reconcile.report import Budget
from app.settings import Settings, SettingsError, find_unknown_names
from app.store import facts, migrate
from app.store.database import Database
from app.store.key_store import SqlKeyStore
from app.store.probes import SqlProbeStore
from app.store.reconciler_store import ReconcilerStore
from app.tecton import TectonConfig, TectonService, open_tecton
from app.tecton.probing import ProbeAsker, ingest_url_of
from app.tecton.rotating import RotatedSecrets

if TYPE_CHECKING:
    from flask import Flask

Clock = Callable[[], datetime]

log = structlog.get_logger("settings")


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def warn_of_unknown_names() -> None:
    """Log each variable that is named like a setting and is none: misspelt, it would go unnoticed."""
    for sentence in find_unknown_names():
        log.warning("settings", what=sentence)


def open_database(settings: Settings) -> Database:
    """Return the database, migrated when it is empty.

    Raise `StoreError` when it cannot be used, or has an older schema: upgrading what holds data is for
    a person to say.
    """
    database = Database(settings.database_url)
    if database.is_empty():
        migrate.upgrade(database)
    migrate.require_newest(database)
    return database


def open_kept_database(settings: Settings) -> Database:
    """Return a database that is there already, with its tables: for whoever has nothing to put into an empty one.

    Raise `StoreError` when there is none, or it cannot be used: an empty one would answer as if all were well.
    """
    database = Database(settings.database_url)
    database.require_there()
    migrate.require_newest(database)
    return database


_SET_POLICY = "set BRIDGE_POLICY to a policy file"


def read_policy(path: Path, setting: str = _SET_POLICY) -> Policy:
    """Return the policy in a file. Raise `PolicyError` with every fault, or why it cannot be read.

    `setting` is what to do where the file cannot be read.
    """
    return parse_policy(_read_text(path, setting), str(path))


def _read_text(path: Path, setting: str = _SET_POLICY) -> str:
    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        fault = Fault(1, 1, "", f"cannot be read ({reason}): {setting}")
        raise PolicyError(str(path), [fault]) from error


def last_good_policy(database: Database) -> Policy | None:
    """Return the policy that was last in force, None when none is known, or this version does not take it."""
    with database.read() as connection:
        known = facts.read_fact(connection, facts.POLICY_TEXT)
    try:
        return parse_policy(known["text"], known["path"]) if known else None
    except PolicyError:
        return None


def read_policy_in_force(path: Path, database: Database) -> tuple[Policy, PolicyError | None]:
    """Return the policy in a file or, while that does not load, the last good one, with what is wrong with the file.

    Raise that `PolicyError` when no good one is known.
    """
    try:
        return read_policy(path), None
    except PolicyError as error:
        if (known := last_good_policy(database)) is None:
            raise
        return known, error


def make_sealer(secret_key: str) -> MultiFernet | None:
    """Return what encrypts one-time keys: the first of the comma-separated keys, all of them decrypt.

    None without a key. Each may be any text: a Fernet key is derived from it.
    """
    keys = [part.strip() for part in secret_key.split(",") if part.strip()]
    derived = [base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest()) for key in keys]
    return MultiFernet([Fernet(key) for key in derived]) if derived else None


def create_app(settings: Settings, database: Database, clock: Clock = utc_now) -> Flask:
    """Return the web application: SCIM, the admin API and pages."""
    # Imported here, since it is a third of what there is to import, and most commands serve nothing.
    from flask import Flask  # noqa: PLC0415

    from app import scim, web  # noqa: PLC0415

    flask_app = Flask("app", static_folder=None)
    _trust_proxies(flask_app, settings.trusted_proxies)
    flask_app.register_blueprint(
        scim.create_blueprint(database, clock=clock, coalesce_window=settings.coalesce_window), url_prefix="/scim/v2"
    )
    web.register(
        flask_app,
        database,
        clock=clock,
        mode=settings.mode,
        tecton_url=settings.tecton_url,
        secret_key=settings.secret_key.get_secret_value() or None,
        sweep_interval=settings.sweep_interval,
        policy=_opened_when_asked(settings.policy, database),
        sealer=make_sealer(settings.secret_key.get_secret_value()),
    )
    return flask_app


def _trust_proxies(flask_app: Flask, number: int) -> None:
    """Believe this many proxies in front what they say of the client's address, the scheme and the host.

    Without any, the X-Forwarded headers are whatever the client writes, and are not looked at.
    """
    if number:
        trusted = ProxyFix(flask_app.wsgi_app, x_for=number, x_proto=number, x_host=number)
        flask_app.wsgi_app = trusted  # type: ignore[method-assign]


def _opened_when_asked(path: Path, database: Database) -> Callable[[], Policy]:
    """Return what reads the policy when it is first asked for: pushes are taken without one, too.

    A file that does not load then leaves the policy that was last in force to tell of.
    """
    source = cache(PolicySource)

    def policy() -> Policy:
        return source(path, database)()

    return policy


def require_tecton(settings: Settings) -> None:
    """Raise `SettingsError` unless the settings say where Tecton is and with which key."""
    missing = [
        f"{name}: is not set ({what})"
        for name, value, what in (
            ("TECTON_URL", settings.tecton_url, "such as https://acme.tecton.ai"),
            ("TECTON_API_KEY", settings.tecton_api_key.get_secret_value(), "the API key of an admin service account"),
        )
        if not value
    ]
    if missing:
        raise SettingsError("\n".join(missing))


@dataclass(slots=True)
class Engine:
    """What reconciles: a worker, beside it the chores of the leader, and the schedule that drives them."""

    worker: Worker
    keeper: LeadersChore
    prober: LeadersChore
    policy_watch: LeadersChore
    retention: LeadersChore
    audit_seal: LeadersChore
    learner: LeadersChore
    schedule: Schedule
    tecton: TectonService
    vault: Vault
    executor: ThreadPoolExecutor

    def close(self) -> None:
        """Let go of threads and connections."""
        self.executor.shutdown(wait=True)
        self.vault.close()


def build_engine(
    settings: Settings,
    database: Database,
    clock: Clock = utc_now,
    tecton: TectonService | None = None,
    vault: Vault | None = None,
) -> Engine:
    """Return the reconciling half of the bridge, not started yet.

    Raise `SettingsError` without a Tecton, `PolicyError` for a policy that does not load.
    """
    require_tecton(settings)
    policy = PolicySource(settings.policy)
    service = tecton or open_tecton(TectonConfig.from_settings(settings))
    # More threads than calls at once: while some make sense of an answer, others have the calls under way.
    threads = settings.tecton_concurrency + settings.tecton_concurrency // 4
    executor = ThreadPoolExecutor(threads, thread_name_prefix="tecton")
    sealer = make_sealer(settings.secret_key.get_secret_value())
    own_account = OwnAccount(settings, database, service, clock)

    def make_reconciler(fence: int) -> Reconciler:
        return Reconciler(
            ReconcilerStore(database, clock, fence, sealer, settings.tecton_url),
            policy,
            clock,
            executor,
            own_account=own_account,
            mode=settings.mode,
            threads=threads,
            interval=settings.sweep_interval,
        )

    def put_in_scope(scope: str, key: str, value: str) -> None:
        service.for_run().scopes.put_key(scope, key, value)

    vault = vault or Vault(settings.vault_token.get_secret_value())
    places = DeliveryPlaces(put_in_scope, vault)

    def make_keeper(fence: int) -> Keeper:
        return Keeper(
            SqlKeyStore(database, clock, fence, sealer),
            policy,
            clock,
            places=places,
            secrets=lambda: RotatedSecrets(service.for_run().client_secrets),
            mode=settings.mode,
        )

    worker = Worker(
        database, make_reconciler, service.for_run, clock, Budget(settings.sweep_calls, settings.sweep_interval)
    )
    keeper = LeadersChore(worker, make_keeper)
    prober = LeadersChore(worker, lambda _: make_prober(settings, database, service, policy, clock))
    watch = LeadersChore(worker, lambda _: PolicyWatch(database, policy, clock, settings.mode))
    retention = LeadersChore(worker, lambda fence: Retention(database, policy, clock, fence, keep=settings.retention))
    audit_seal = LeadersChore(worker, lambda fence: AuditSeal(database, clock, fence))
    learner = LeadersChore(worker, lambda fence: Learner(database, service, settings.tecton_url, clock, fence))
    chores = [keeper.tick, prober.tick, watch.tick, retention.tick, audit_seal.tick, learner.tick]
    schedule = Schedule(worker, database, clock, settings.sweep_interval, chores=chores)
    return Engine(worker, keeper, prober, watch, retention, audit_seal, learner, schedule, service, vault, executor)


def make_prober(
    settings: Settings, database: Database, tecton: TectonService, policy: Callable[[], Policy], clock: Clock = utc_now
) -> Prober:
    """Return what runs the access probes."""
    sealer = make_sealer(settings.secret_key.get_secret_value())
    ingest_url = settings.tecton_ingest_url or ingest_url_of(settings.tecton_url)
    return Prober(SqlProbeStore(database, clock, sealer), ProbeAsker(tecton, ingest_url), policy, clock)


class PolicySource:
    """The policy in force: read at the start, and again when the file changes.

    One that does not load any more never replaces a good one; with a `database`, also not at the start.
    """

    def __init__(self, path: Path, database: Database | None = None) -> None:
        self.path = path
        self.error: PolicyError | None = None
        self.text = ""
        self._stamp = self._now()
        if database is None:
            self._policy = self._read()
        else:
            self._policy, self.error = read_policy_in_force(path, database)

    @property
    def about(self) -> dict[str, str]:
        """Which file it is, and the digest of the text in force."""
        return {"path": str(self.path), "digest": hashlib.sha256(self.text.encode()).hexdigest()}

    def __call__(self) -> Policy:
        """Return the newest policy that loads."""
        stamp = self._now()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._policy, self.error = self._read(), None
            except PolicyError as error:
                self.error = error
        return self._policy

    def _read(self) -> Policy:
        text = _read_text(self.path)
        policy = parse_policy(text, str(self.path))
        self.text = text
        return policy

    def _now(self) -> tuple[int, int] | None:
        try:
            stat = self.path.stat()
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_size


class OwnAccount:
    """The Tecton id of the service account whose key the bridge uses: asked once per key, then kept.

    That Tecton does not tell is kept for a day: it may learn to.
    """

    ASK_AGAIN = timedelta(days=1)

    def __init__(self, settings: Settings, database: Database, tecton: TectonService, clock: Clock) -> None:
        self.database, self.tecton, self.clock = database, tecton, clock
        secret = settings.tecton_api_key.get_secret_value()
        # Which key the answer was for, without keeping anything of the key.
        self.key_digest = hashlib.sha256(f"{settings.tecton_url} {secret}".encode()).hexdigest()

    def __call__(self) -> str | None:
        """Return the id, None when this Tecton does not tell. Raise TectonError when it cannot be asked."""
        with self.database.read() as connection:
            known = facts.read_fact(connection, facts.OWN_ACCOUNT)
            if known and known["id"] is None:
                known = facts.read_fact(connection, facts.OWN_ACCOUNT, since=self.clock() - self.ASK_AGAIN)
        if known and known["key"] == self.key_digest:
            return None if known["id"] is None else str(known["id"])
        account_id = self.tecton.for_run().own_account_id()
        with self.database.write() as connection:
            facts.note_fact(connection, facts.OWN_ACCOUNT, {"key": self.key_digest, "id": account_id}, self.clock())
        return account_id
