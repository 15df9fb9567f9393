"""What `doctor` is told of a Tecton."""

from __future__ import annotations

import pytest

from app.tecton import TectonConfig, TectonService, open_tecton
from tests.tecton.conftest import KEY, Sandbox, Time, config_for


def oks(service: TectonService) -> list[bool | None]:
    return [check.ok for _, check in service.probe()]


def test_all_is_well(service: TectonService) -> None:
    found = service.probe()
    assert found.ok
    assert [check.ok for _, check in found] == [True] * 5
    assert "scim-bridge" in found.key.sentence


def test_nobody_there(time: Time) -> None:
    config = TectonConfig("", KEY, clock=time, sleep=time.sleep)
    found = open_tecton(config).probe()
    assert not found.ok
    assert [check.ok for _, check in found] == [False, None, None, None, None]
    assert "TECTON_URL" in found.reachable.sentence


def test_a_wrong_key(sandbox: Sandbox, time: Time) -> None:
    service = open_tecton(config_for(sandbox.app, time, api_key="wrong"))
    assert oks(service) == [True, False, None, None, False]
    sandbox.set(invalid_key_answer="403")
    assert oks(service) == [True, False, None, None, False]
    assert "TECTON_API_KEY" in service.probe().key.sentence


def test_no_key_at_all(sandbox: Sandbox, time: Time) -> None:
    found = open_tecton(config_for(sandbox.app, time, api_key="")).probe()
    assert found.key.ok is False
    assert "TECTON_API_KEY" in found.key.sentence


def test_a_key_of_one_who_is_not_admin(sandbox: Sandbox, time: Time) -> None:
    sandbox.account("ci", secret="plain-key")
    found = open_tecton(config_for(sandbox.app, time, api_key="plain-key")).probe()
    assert found.key.ok is False
    assert "ci" in found.key.sentence
    assert "is not admin; check TECTON_API_KEY" in found.key.sentence


@pytest.mark.parametrize("status", ["403", "401", "404"])
def test_such_a_key_is_found_out_whatever_scim_answers(sandbox: Sandbox, time: Time, status: str) -> None:
    sandbox.set(scim_non_admin_status=status)
    sandbox.account("ci", secret="plain-key")
    found = open_tecton(config_for(sandbox.app, time, api_key="plain-key")).probe()
    assert "is not admin; check TECTON_API_KEY" in found.key.sentence
    assert found.scim.ok is None


@pytest.mark.parametrize("status", ["404", "403", "501"])
def test_scim_switched_off(sandbox: Sandbox, service: TectonService, status: str) -> None:
    sandbox.set(scim_enabled="off", scim_disabled_status=status)
    assert oks(service) == [True, True, False, False, True]
    assert "Tecton support" in service.probe().scim.sentence


def test_a_scheme_that_scim_does_not_take_is_told_with_the_one_that_it_takes(sandbox: Sandbox, time: Time) -> None:
    sandbox.set(scim_auth_schemes="bearer")
    found = open_tecton(config_for(sandbox.app, time)).probe()
    assert (found.key.ok, found.scim.ok, found.ok) == (True, False, False)
    assert "set BRIDGE_TECTON_SCIM_AUTH=Bearer" in found.scim.sentence
    assert open_tecton(config_for(sandbox.app, time, scim_auth_scheme="Bearer")).probe().ok
    sandbox.set(scim_auth_schemes="tecton_key")
    found = open_tecton(config_for(sandbox.app, time, scim_auth_scheme="Bearer")).probe()
    assert "set BRIDGE_TECTON_SCIM_AUTH=Tecton-key" in found.scim.sentence


def test_a_scim_that_takes_no_good_key_at_all_is_a_fault(sandbox: Sandbox, service: TectonService) -> None:
    sandbox.fault("status", path="/scim/", times=0, status=401)
    found = service.probe()
    assert found.scim.ok is False
    assert "SCIM refuses the key that everything else takes" in found.scim.sentence


def test_service_accounts_elsewhere(sandbox: Sandbox, service: TectonService) -> None:
    sandbox.set(scim_service_accounts_path="/Robots")
    assert oks(service) == [True, True, True, False, True]
    assert "BRIDGE_TECTON_SERVICE_ACCOUNTS_PATH" in service.probe().service_accounts.sentence


@pytest.mark.parametrize("status", ["400", "403", "501"])
def test_secrets_switched_off_is_no_fault(sandbox: Sandbox, service: TectonService, status: str) -> None:
    sandbox.set(secrets_enabled="off", secrets_disabled_status=status)
    assert oks(service) == [True, True, True, True, None]
    assert service.probe().ok


def test_a_sign_in_page_is_not_tecton(sandbox: Sandbox, service: TectonService) -> None:
    sandbox.fault("html", times=0)
    found = service.probe()
    assert found.reachable.ok is False
    assert "text/html" in found.reachable.sentence


def test_without_the_internal_route_the_key_is_judged_by_what_it_can_do(
    sandbox: Sandbox, service: TectonService
) -> None:
    sandbox.fault("status", path="introspect", times=0, status=404)
    found = service.probe()
    assert (found.key.ok, found.key.sentence) == (True, "the key is accepted")
