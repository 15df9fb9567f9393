"""Access probes: how the accounts they speak of stand, and what they found."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, select

from app.core.access import ServiceAccountProfile
from app.core.credentials import Credential
from app.core.identity import Kind
from app.core.policy import Policy
from app.core.policy_probes import Probe
from app.core.probes import Answer, Expected, ProbeResult
from app.credentials.ports import Standing
from app.store import credentials, journal
from app.store.credentials import Sealer
from app.store.database import Database
from app.store.inactivity import inactive_since
from app.store.key_accounts import list_accounts
from app.store.snapshot import read_part
from app.store.tables import outcomes, probe_results, resources
from app.store.upsert import upsert


def list_probe_results(connection: Connection) -> list[ProbeResult]:
    """Return what every probe found last: what is not as expected first, then what is not known, then by name."""
    found = [_result(row) for row in connection.execute(select(probe_results))]
    return sorted(found, key=lambda r: ({False: 0, None: 1, True: 2}[r.is_as_expected], r.probe.name.casefold()))


def probe_result_as_json(result: ProbeResult) -> dict[str, Any]:
    """Return a result as JSON values."""
    return {
        "probe": result.probe.name,
        "service_account": result.probe.service_account,
        "tries_to": str(result.probe.ability),
        "expected": result.expected.value,
        "answer": result.answer.value,
        "is_as_expected": result.is_as_expected,
        "sentence": result.sentence,
        "since": result.since.isoformat(),
        "checked_at": result.checked_at.isoformat(),
        "next_at": result.next_at.isoformat(),
    }


def _result(row: Any) -> ProbeResult:
    return ProbeResult(
        Probe.model_validate(row.probe),
        Expected(row.expected),
        Answer(row.answer),
        row.is_as_expected,
        row.sentence,
        row.since,
        row.checked_at,
    )


def _probe_as_json(probe: Probe) -> dict[str, Any]:
    """Return a probe as the policy writes it."""
    values: dict[str, Any] = probe.model_dump(mode="json", exclude={"every"})
    return {**values, "every": f"{probe.every.total_seconds():.6f}s"}


class SqlProbeStore:
    """`app.credentials.ports.ProbeStore` on SQL. What probes find is written by whoever runs them."""

    def __init__(self, database: Database, clock: Callable[[], datetime], sealer: Sealer | None) -> None:
        self.database, self.clock, self.sealer = database, clock, sealer

    def load_results(self) -> dict[str, ProbeResult]:
        """Return the last result of every probe, by the probe's name."""
        with self.database.read() as connection:
            return {result.probe.name: result for result in list_probe_results(connection)}

    def last_change(self) -> datetime | None:
        """Return when access of a service account or a group was last changed, None when it never was."""
        kinds = (Kind.SERVICE_ACCOUNT.value, Kind.GROUP.value)
        changed = outcomes.c.kind.in_(kinds), outcomes.c.status.in_(("applied", "not_effective"))
        with self.database.read() as connection:
            newest: datetime | None = connection.execute(select(func.max(outcomes.c.at)).where(*changed)).scalar_one()
        return newest

    def standing(self, policy: Policy, name: str) -> Standing:
        """Return how a service account stands."""
        wanted = name.casefold()
        with self.database.read() as connection:
            account = next((a for a in list_accounts(connection) if a.name.casefold() == wanted), None)
            keys = [key for key in credentials.list_credentials(connection) if _is_of(key, account, wanted)]
            since = inactive_since(connection, account.tecton_id) if account else None
            is_desired = policy.declared(name) is not None or _is_pushed(connection, policy, wanted)
        newest = max(keys, key=lambda key: key.created_at, default=None)
        return Standing(is_desired, account is not None, newest, since)

    def unseal(self, credential: Credential) -> str:
        """Return a key's value. Raise CredentialError when there is none any more, or it cannot be opened."""
        with self.database.read() as connection:
            return credentials.unseal(connection, self.sealer, credential.tecton_id)

    def save_result(self, result: ProbeResult) -> None:
        """Store what a probe found."""
        row = {
            "name": result.probe.name,
            "service_account": result.probe.service_account,
            "probe": _probe_as_json(result.probe),
            "expected": result.expected.value,
            "answer": result.answer.value,
            "is_as_expected": result.is_as_expected,
            "sentence": result.sentence,
            "since": result.since,
            "checked_at": result.checked_at,
        }
        name, wrong = result.probe.name, result.is_as_expected is False
        with self.database.write() as connection:
            upsert(connection, probe_results, [row])
            journal.record_probe(
                connection,
                name,
                result.probe.service_account,
                result.since,
                sentence=result.sentence if wrong else "",
                policy=f"policy probe {name!r}",
            )

    def drop_results(self, names: Iterable[str]) -> None:
        """Forget what probes found."""
        forgotten = list(names)
        with self.database.write() as connection:
            connection.execute(delete(probe_results).where(probe_results.c.name.in_(forgotten)))
            for name in forgotten:
                journal.record_probe(connection, name, "", self.clock())

    def ask_for_sweep(self, requested_by: str) -> None:
        """Ask for a sweep, unless one waits or is under way."""
        with self.database.write() as connection:
            if not journal.has_open_sweep(connection):
                journal.request_run(connection, "sweep", requested_by, self.clock())

    def wipe(self, credential: Credential, reason: str) -> None:
        """Wipe the copy that was kept for probes."""
        with self.database.write() as connection:
            credentials.wipe(connection, credential, reason, self.clock())


def _is_of(key: Credential, account: Any, wanted: str) -> bool:
    """Tell whether a key is that of an account; of one that is gone, by its name."""
    return key.tecton_id == account.tecton_id if account else key.name.casefold() == wanted


def _is_pushed(connection: Connection, policy: Policy, name_key: str) -> bool:
    """Tell whether a service account of this name is pushed, and active."""
    called = select(resources.c.id).where(resources.c.name_key == name_key, resources.c.type != "Group")
    people = read_part(connection, policy, list(connection.execute(called).scalars())).people.values()
    return any(
        isinstance(person.profile, ServiceAccountProfile) and person.provisioned and person.profile.active
        for person in people
    )
