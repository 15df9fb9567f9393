"""`python -m app doctor`: is everything there that the bridge needs?"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass

import click

from app.bootstrap import open_database, read_policy, require_tecton, utc_now
from app.cli.common import console, json_option, print_json
from app.cli.policy_warnings import list_warnings
from app.core.abilities import Abilities, Ability
from app.core.policy_text import PolicyError
from app.logs import configure_logs
from app.reconcile.ports import TectonError
from app.settings import Settings, SettingsError, find_unknown_names, read_settings
from app.store.abilities import note_abilities, read_abilities
from app.store.database import StoreError
from app.tecton import TectonConfig, TectonService, open_tecton

KEY_LENGTH = 32  # characters of a BRIDGE_SECRET_KEY: what encrypts is derived from nothing else


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `what` says how it is or, when it is not fine, what to do.

    A warning is fine as far as the bridge can tell, and worth a look.
    """

    name: str
    ok: bool
    what: str
    warning: bool = False

    @property
    def mark(self) -> str:
        """How it begins, in a column."""
        return "BAD" if not self.ok else "?? " if self.warning else "ok "


@click.command("doctor")
@json_option
def command(as_json: bool) -> None:
    """Check settings, database, policy and Tecton, and say what to do about what is not fine."""
    settings = read_settings()
    configure_logs("error")
    findings = [finding for look in (_names, _database, _policy, _secret_key, _tecton) for finding in look(settings)]
    if as_json:
        print_json({"ok": all(f.ok for f in findings), "checks": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            console().print(f"{finding.mark} {finding.name}: {finding.what}", soft_wrap=True)
    sys.exit(0 if all(finding.ok for finding in findings) else 1)


Look = Callable[[Settings], list[Finding]]


def _names(_: Settings) -> list[Finding]:
    return [Finding("settings", True, sentence, warning=True) for sentence in find_unknown_names()]


def _database(settings: Settings) -> list[Finding]:
    try:
        database = open_database(settings)
        with database.write():
            return [Finding("database", True, f"{database.name} can be read and written")]
    except StoreError as error:
        return [Finding("database", False, str(error))]


def _policy(settings: Settings) -> list[Finding]:
    try:
        policy = read_policy(settings.policy)
    except PolicyError as error:
        return [Finding("policy", False, line) for line in error.lines()]
    warnings = [
        Finding("policy", True, f"{settings.policy}:{w.line}: {w.field} {w.message}", warning=True)
        for w in list_warnings(policy, settings.policy)
    ]
    return [Finding("policy", True, f"{settings.policy} loads: {len(policy.grants)} grants"), *warnings]


def _secret_key(settings: Settings) -> list[Finding]:
    newest = settings.secret_key.get_secret_value().split(",")[0].strip()
    if len(newest) >= KEY_LENGTH:
        return [Finding("secret key", True, "one-time keys of service accounts can be kept")]
    fault = "is so short that it can be guessed" if newest else "is not set"
    what = f"BRIDGE_SECRET_KEY {fault}: set it to {KEY_LENGTH} random characters before service accounts are created"
    return [Finding("secret key", False, what)]


def _tecton(settings: Settings) -> list[Finding]:
    try:
        require_tecton(settings)
        config = TectonConfig.from_settings(settings)
    except SettingsError as error:
        return [Finding("tecton", False, str(error).replace("\n", "; "))]
    with open_tecton(config) as tecton:
        preflight = tecton.probe()
        # None: it could not be found out, which some other finding explains.
        found = [Finding(f"tecton {name}", check.ok is not False, check.sentence) for name, check in preflight]
        return [*found, *(_abilities(settings, tecton) if preflight.ok else [])]


def _abilities(settings: Settings, tecton: TectonService) -> list[Finding]:
    """Find out what this Tecton can do, and keep it, as a worker does when it starts. None of it is a fault."""
    try:
        found = tecton.learn(settings.tecton_url, utc_now())
        found = _keep(settings, found)
    except (TectonError, StoreError) as error:
        return [Finding("tecton abilities", False, str(error))]
    findings = [Finding(f"tecton {_words(of.ability)}", True, of.sentence) for of in found.findings]
    return [*findings, Finding("tecton read plan", True, found.plan())]


def _keep(settings: Settings, found: Abilities) -> Abilities:
    database = open_database(settings)
    try:
        with database.write() as connection:
            found = found.keeping(read_abilities(connection, settings.tecton_url))
            note_abilities(connection, found)
    finally:
        database.dispose()
    return found


def _words(ability: Ability) -> str:
    return ability.value.replace("_", " ")
