"""Every alternative of every knob of the sandbox, and how the README says to set up the bridge for it.

`BRIDGE_KNOBS="name=value,…"` sets knobs for every bridge that a test makes; `BRIDGE_KNOBS=all` has the
tests of the reconciler run once for each alternative (`make matrix`), `all:REGEX` for those alone.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterator
from typing import Any

import pytest

from app.sandbox.knob_table import KNOBS
from tests.knob_limits import is_partly, why_not

# What stands for "any": a value that differs from the default in a way that the bridge can feel.
SAMPLES: dict[str, tuple[str, ...]] = {
    "scim_service_accounts_path": ("/Robots",),
    "service_accounts_v1_paths": (
        '{"create": "/api/v1/own/new", "search": "/api/v1/own/find", "update": "/api/v1/own/change",'
        ' "delete": "/api/v1/own/drop", "create_secret": "/api/v1/own/new-secret", "list_secrets":'
        ' "/api/v1/own/secrets", "activate_secret": "/api/v1/own/on", "deactivate_secret": "/api/v1/own/off",'
        ' "delete_secret": "/api/v1/own/drop-secret"}',
    ),
    "list_count_cap": ("2", "100", "1000"),
    "revocation_delay_seconds": ("60",),
    "rate_limit_per_second": ("20",),
    "read_delay_ms": ("500",),
    "name_pattern": ("[A-Za-z0-9 _.@-]+",),
    "latency_seconds": ("0.5",),
}
# Knobs that show only together with another one.
COMPANIONS: dict[str, dict[str, str]] = {
    "scim_disabled_status": {"scim_enabled": "off"},
    "secrets_disabled_status": {"secrets_enabled": "off"},
    "roles_management_off_effect": {
        "roles_management_users": "off",
        "roles_management_groups": "off",
        "roles_management_service_accounts": "off",
    },
    "unsorted_order": {"list_count_cap": "2"},
    "rate_limit_retry_after": {"rate_limit_per_second": "20"},
}
# The bridge's name of the path of each operation of the Service Accounts API.
PATHS = {
    "create": "create_account", "search": "get_accounts", "update": "update_account", "delete": "delete_account",
    "create_secret": "create_client_secret", "list_secrets": "list_client_secrets",
    "activate_secret": "activate_client_secret", "deactivate_secret": "deactivate_client_secret",
    "delete_secret": "delete_client_secret",
}  # fmt: skip

Knobs = dict[str, str]


def cases(rows: Collection[int] = range(51)) -> Iterator[tuple[str, Knobs]]:
    """Yield every alternative of every knob of these rows as `name=value` with the knobs to set."""
    for knob in (one for one in KNOBS if one.row in rows):
        for value in SAMPLES[knob.name] if knob.check else knob.alternatives:
            yield (
                f"{knob.name}={value if len(value) < 40 else '…'}",
                {**COMPANIONS.get(knob.name, {}), knob.name: value},
            )


def parse_case(text: str) -> Knobs:
    """Read `name=value,name=value`; a value may hold commas."""
    parts = re.split(r",(?=[a-z_0-9]+=)", text) if text and not text.startswith("all") else []
    return dict(part.split("=", 1) for part in parts)  # type: ignore[misc]


def case_text(knobs: Knobs) -> str:
    """Write knobs as `parse_case` reads them."""
    return ",".join(f"{name}={value}" for name, value in knobs.items())


def settings_for(knobs: Knobs) -> dict[str, Any]:
    """Return the settings that the README says to make for a Tecton like this."""
    settings: dict[str, Any] = {}
    if path := knobs.get("scim_service_accounts_path"):
        settings["tecton_service_accounts_path"] = path
    if knobs.get("scim_auth_schemes") == "bearer":
        settings["tecton_scim_auth"] = "Bearer"
    if paths := _paths(knobs):
        settings["tecton_paths"] = ", ".join(f"{name}={path}" for name, path in paths.items())
    return settings


def _paths(knobs: Knobs) -> dict[str, str]:
    own = json.loads(knobs.get("service_accounts_v1_paths", "{}"))
    paths = {PATHS[name]: path for name, path in own.items()}
    if knobs.get("service_accounts_v1_verbs") == "rest":
        metadata, secrets = "/api/v1/metadata-service", "/api/v1/service-accounts-service"
        paths |= {
            "update_account": f"PUT {metadata}/update-service-account",
            "delete_account": f"DELETE {metadata}/delete-service-account",
            "delete_client_secret": f"DELETE {secrets}/delete-service-account-secret",
        }
    return paths


CASES = dict(cases())
# Nothing can be done under these, and the bridge says so: `tests/reconcile/test_knobs.py` looks at that.
REFUSED = {name for name, knobs in CASES.items() if knobs.get("scim_enabled") == "off"}


# ---------------------------------------------------------------- the matrix


def parametrize(metafunc: pytest.Metafunc, rows: Collection[int] = range(51)) -> None:
    """With BRIDGE_KNOBS=all, or all:REGEX, have a test that makes bridges run once for each (such) alternative."""
    which, _, chosen = os.environ.get("BRIDGE_KNOBS", "").partition(":")
    if which == "all" and "make_rig" in metafunc.fixturenames:
        names = [name for name, _ in cases(rows) if name not in REFUSED and re.search(chosen, name)]
        metafunc.parametrize("knob_case", names, ids=names, indirect=True)


def enter_case(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the knobs of this run of a test; expect to fail what cannot hold under them."""
    if not hasattr(request, "param"):
        return
    monkeypatch.setenv("BRIDGE_KNOBS", case_text(CASES[request.param]))
    test = request.function.__name__
    if reason := why_not(test, request.param):
        request.applymarker(pytest.mark.xfail(reason=reason, strict=not is_partly(test, request.param)))
