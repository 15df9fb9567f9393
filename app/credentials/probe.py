"""Running access probes: with the account's own key, on schedule and after changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

import structlog

from app.core.credentials import Credential
from app.core.policy import Policy
from app.core.policy_probes import Probe
from app.core.probes import Answer, Expected, ProbeResult, expected_of, is_due, judge
from app.credentials.ports import Asker, CredentialError, ProbeStore, Standing

log = structlog.get_logger("probes")

Asked = tuple[Answer, str]


class Prober:
    """Runs the probes of the policy, and those of accounts that left it, which prove the off-boarding."""

    def __init__(
        self, store: ProbeStore, asker: Asker, policy: Callable[[], Policy], clock: Callable[[], datetime]
    ) -> None:
        self.store, self.asker, self.policy, self.clock = store, asker, policy, clock

    def tick(self) -> None:
        """Run the probes that are due."""
        policy, now = self.policy(), self.clock()
        results = self.store.load_results()
        if not policy.probes and not results:
            return
        last_change, wait = self.store.last_change(), policy.credentials.propagation
        for probe in self._probes(policy, results):
            known = results.get(probe.name)
            checked_at = known.checked_at if known and known.probe == probe else None
            if is_due(probe, checked_at, last_change, now, wait):
                self._run(probe, known, policy)

    def run_all(self) -> None:
        """Run every probe now."""
        policy, results = self.policy(), self.store.load_results()
        for probe in self._probes(policy, results):
            self._run(probe, results.get(probe.name), policy)

    def _probes(self, policy: Policy, results: dict[str, ProbeResult]) -> Iterable[Probe]:
        """Return the policy's probes, and those it had of accounts that are not desired any more."""
        named = {probe.name for probe in policy.probes}
        left = [result for name, result in results.items() if name not in named]
        over = [r.probe.name for r in left if self.store.standing(policy, r.probe.service_account).is_desired]
        if over:
            self.store.drop_results(over)
        return [*policy.probes, *(result.probe for result in left if result.probe.name not in over)]

    # ---------------------------------------------------------------- one probe

    def _run(self, probe: Probe, known: ProbeResult | None, policy: Policy) -> None:
        standing = self.store.standing(policy, probe.service_account)
        if not self._has_spread(standing, policy):
            return
        expected = expected_of(probe, is_off_boarded=not standing.is_desired)
        has_key = standing.credential is not None and _is_usable(standing.credential)
        if known and known.is_proof and expected is Expected.REVOKED and not has_key:
            return  # proven for good, and the copy of the key is gone: nothing can be found out any more
        result = self._result(probe, expected, self._ask(probe, standing), known)
        self.store.save_result(result)
        self._note(result, known)
        if result.is_proof and not standing.is_there and standing.credential and has_key:
            self.store.wipe(standing.credential, "the account is deleted, and its key is proven to open nothing")

    def _has_spread(self, standing: Standing, policy: Policy) -> bool:
        """Tell whether a new key, or the end of an old one, is known everywhere by now."""
        moments = (standing.credential.created_at if standing.credential else None, standing.inactive_since)
        spread = self.clock() - policy.credentials.propagation
        return all(moment is None or moment <= spread for moment in moments)

    def _ask(self, probe: Probe, standing: Standing) -> Asked:
        credential = standing.credential
        if credential is None:
            return Answer.NOT_TRIED, _why_no_key(standing)
        if not _is_usable(credential):
            return Answer.NOT_TRIED, "no copy of its key is kept for probes; write `keep_for_probes: true`"
        return self._ask_with(credential, probe)

    def _ask_with(self, credential: Credential, probe: Probe) -> Asked:
        try:
            value = self.store.unseal(credential)
        except CredentialError as error:
            return Answer.NOT_TRIED, str(error)
        return self.asker.ask(credential, value, probe.ability)

    def _result(self, probe: Probe, expected: Expected, asked: Asked, known: ProbeResult | None) -> ProbeResult:
        answer, words = asked
        verdict, now = judge(probe, expected, answer, words), self.clock()
        result = ProbeResult(probe, expected, answer, verdict.is_as_expected, verdict.sentence, now, now)
        if known is None or not result.is_like(known):
            return result
        return ProbeResult(probe, expected, answer, verdict.is_as_expected, verdict.sentence, known.since, now)

    def _note(self, result: ProbeResult, known: ProbeResult | None) -> None:
        """Say what changed; what is not as expected is looked into by a sweep at once, not at the next."""
        if result.is_like(known):
            return
        if result.is_as_expected is False:
            log.warning("probe is not as expected", probe=result.probe.name, found=result.sentence)
            self.store.ask_for_sweep(f"probe {result.probe.name}")
        elif known is not None:
            log.info("probe", probe=result.probe.name, found=result.sentence)


def _is_usable(credential: Credential) -> bool:
    """Tell whether there is a copy of a key, and the policy has said that probes may use it."""
    return credential.is_sealed and credential.is_kept


def _why_no_key(standing: Standing) -> str:
    return "no key of it is kept here" if standing.is_there else "it is not in Tecton"
