"""A database file that somebody takes away under a running bridge: nothing is accepted that would be lost with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scim.conftest import USER, Client


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_push_is_accepted_into_a_file_that_was_removed(client: Client, tmp_path: Path) -> None:
    client.user("ada@acme.com")
    path = Path(client.database.url.database or "")
    path.rename(tmp_path / "away.db")
    response = client.send("POST", "/Users", {"schemas": [USER], "userName": "bob@acme.com"})
    assert response.status_code == 503, response.text
    assert not path.exists()
