"""Every key that Tecton handed out in a run is looked for everywhere the bridge writes: found nowhere in clear."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from structlog.testing import capture_logs

from app.store import admins
from tests.credentials.cli import call as call_here
from tests.credentials.conftest import MakeKeyRig
from tests.credentials.rig import SCOPE, VAULT_URL, KeyRig
from tests.credentials.tecton_server import NotingTecton, serving_tecton
from tests.process.processes import call, running, scim, wait_for
from tests.rig import ADMIN_KEY, POLICY

FEATURES = "{read_features: {workspace: prod, feature_service: fraud_detection_feature_service}}"
PASSWORD = "correct horse battery staple"


def policy(vault: str = "") -> str:
    """Return a policy with a key of every kind, going every way."""
    return f"""{POLICY}
service_accounts:
  - {{name: to-scope, deliver_to: {{secret_scope: {SCOPE}, key: api}}, keep_for_probes: true}}
  - {{name: to-claim}}
  - {{name: to-rotate, credentials: oauth, keep_for_probes: true, deliver_to: {{secret_scope: {SCOPE}, key: oauth}}}}
  - {{name: nowhere, deliver_to: {{secret_scope: no-such-scope, key: x}}}}
  {f"- {{name: to-vault, deliver_to: {{vault: {{url: '{vault}', path: a}}}}}}" if vault else ""}
probes:
  - {{name: reading, service_account: to-scope, can: {FEATURES}, every: 1s}}
  - {{name: not reading, service_account: to-rotate, cannot: {FEATURES}, every: 1s}}
credentials: {{propagation: 0s}}
"""


def assert_nowhere(keys: set[str], places: Mapping[str, str]) -> None:
    """Look for every key, whole or most of it, in every place."""
    assert len(keys) >= 6
    assert all(len(key) >= 32 for key in keys)
    found = [place for place, text in places.items() for key in keys if key in text or key[:24] in text]
    assert found == []


# ---------------------------------------------------------------- the product's own processes


def test_no_process_writes_a_key_anywhere(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(policy())
    with serving_tecton() as tecton:
        environment = {
            "BRIDGE_DATABASE_URL": database_url,
            "BRIDGE_POLICY": str(tmp_path / "policy.yaml"),
            "BRIDGE_MODE": "enforce",
            "BRIDGE_SECRET_KEY": "a secret for tests",
            "BRIDGE_LOG_LEVEL": "debug",
            "BRIDGE_TECTON_RATE": "1000",
            "TECTON_API_KEY": ADMIN_KEY,
            "TECTON_URL": tecton.url,
        }
        places, claimed = live(tecton, environment)
        places |= database_files(database_url)
        assert claimed in tecton.keys
        assert_nowhere(tecton.keys, places)
        assert ADMIN_KEY not in "".join(places.values())


def live(tecton: NotingTecton, environment: dict[str, str]) -> tuple[dict[str, str], str]:
    """Use the bridge as people do; return all that it said, and the one key that somebody claimed."""
    with running("serve", "--port", "0", **environment) as bridge:
        told = call("token", "create", "okta", "--scope", "scim", **environment).stdout.split()[-1]
        body = {"schemas": ["urn:ietf:params:scim:schemas:extension:tecton:1.0:ServiceAccount"], "name": "pushed"}
        answers = [scim(bridge.url, told, "POST", "/ServiceAccounts", {**body, "active": True}).text]
        wait_for("keys are in their scope", lambda: {"api", "oauth"} <= tecton.keys_in(SCOPE), 60)
        said = [call(*command, **environment) for command in COMMANDS]
        assert [process.returncode for process in said if process.returncode not in (0, 1)] == []
        claim = call("credentials", "claim", "to-claim", **environment)
        shown, _, key = claim.stdout.rstrip("\n").rpartition("\n")
        answers.append(scim(bridge.url, told, "GET", "/ServiceAccounts").text)
        bridge.stop()
        outputs = [process.stdout + process.stderr for process in said]
        lines = "\n".join([*bridge.lines, *bridge.errors])
    assert "key delivered" in lines
    places = {"serve": lines, "claim": shown + claim.stderr, "answers to the IdP": "".join(answers)}
    return places | {f"command {n}": text for n, text in enumerate(outputs)}, key


COMMANDS = [
    ("credentials", "rotate", "to-rotate"),
    ("credentials", "list", "--json"),
    ("credentials", "reseal"),
    ("credentials", "history", "--json"),
    ("credentials", "claim", "nowhere"),
    ("probes", "--run", "--json"),
    ("sweep", "--json"),
    ("drift", "--json"),
    ("runs", "--json"),
    ("doctor",),
]


def database_files(url: str) -> dict[str, str]:
    """Return every file that the database keeps, the log of its writes included, as text."""
    parts = urlsplit(url)
    path = Path(parts.path[1:]) if parts.scheme == "sqlite" else Path(parse_qs(parts.query)["host"][0])
    files = path.parent.glob(f"{path.name}*") if parts.scheme == "sqlite" else _files_below(path)
    texts = {str(file): file.read_bytes().decode("latin-1") for file in files}
    assert any("gAAAA" in text for text in texts.values()), "the sealed keys themselves are found"
    return texts


def _files_below(directory: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(directory):
        yield from (Path(folder) / name for name in names if (Path(folder) / name).is_file())


# ---------------------------------------------------------------- pages, API, rows and logs, in one process


@pytest.fixture
def lived(make_rig: MakeKeyRig, monkeypatch: pytest.MonkeyPatch) -> tuple[KeyRig, dict[str, str]]:
    """A bridge in which every kind of key went its way, and what was said on the way."""
    with capture_logs() as logs:
        rig = make_rig(policy=policy(VAULT_URL))
        rig.create_group("tecton-fraud", rig.create_user("ana@acme.com"))
        rig.run()
        for _ in range(3):
            rig.keep(seconds=1)
        rig.engine.worker.release()
        said = [call_here(rig, monkeypatch, "credentials", "rotate", "to-rotate")]
        for _ in range(50):
            rig.keep(hours=1)
            rig.engine.prober.tick()
        _trouble(rig)
        said += [call_here(rig, monkeypatch, *of) for of in (("credentials", "list", "--json"), ("probes", "--json"))]
        said.append(call_here(rig, monkeypatch, "credentials", "history", "--json"))
    outputs = {f"command {n}": of.out + of.err for n, of in enumerate(said)}
    return rig, outputs | {"logs": json.dumps(logs, default=str), "rows": rig.everything_stored()}


def _trouble(rig: KeyRig) -> None:
    """Let Tecton and Vault refuse, and repeat what they were sent."""
    rig.fault({"kind": "lost_reply"}, path_regex="create-service-account-secret", times=1)
    rig.fault({"kind": "status", "status": 500}, path_regex="/feature-services/", times=3)
    rig.vault.is_sealed = True
    rig.declare(policy(VAULT_URL).replace("to-vault", "to-vault-2").replace("nowhere", "elsewhere"))
    rig.run()
    for _ in range(4):
        rig.keep(minutes=20)
        rig.engine.prober.tick()


def test_no_page_answer_row_or_log_shows_a_key(lived: tuple[KeyRig, dict[str, str]]) -> None:
    rig, places = lived
    assert rig.vault.read("a"), "one was delivered into Vault"
    assert_nowhere(rig.keys, {**places, **_pages(rig)})


def _pages(rig: KeyRig) -> dict[str, str]:
    """Return what every page and every answer of the API says to an admin who follows every link."""
    with rig.database.write() as connection:
        admins.set_password(connection, "admin", PASSWORD, rig.clock())
    client = rig.app.test_client()
    form = client.get("/sign-in").text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form)
    fields = {"name": "admin", "password": PASSWORD, "csrf_token": token[1] if token else ""}
    assert client.post("/sign-in", data=fields).status_code == 302
    waiting = [
        "/",
        *(rule.rule for rule in rig.app.url_map.iter_rules() if "GET" in rule.methods and "<" not in rule.rule),
    ]
    return _crawled(client, waiting)


def _crawled(client: Any, waiting: list[str]) -> dict[str, str]:
    seen: dict[str, str] = {}
    while waiting and len(seen) < 300:
        path = waiting.pop()
        if path in seen or path.startswith("/sign-out"):
            continue
        with client.get(path, headers={"Accept": "text/html"}) as answer:
            seen[path] = answer.get_data().decode("latin-1")
        waiting += re.findall(r'href="(/[^"#]*)"', seen[path])
    assert len(seen) > 8
    return seen
