"""How much of Tecton was verified when: on the page, in the API, as metrics."""

from __future__ import annotations

from datetime import timedelta

from flask.testing import FlaskClient

from app.core.abilities import Abilities, Ability, Answer, Finding
from app.store.abilities import note_abilities
from app.store.database import Database
from tests.conftest import Clock
from tests.web.conftest import Caller
from tests.web.rows import Rows
from tests.web.test_pages import words
from tests.web.test_probes import values


def sweep_in_parts(rows: Rows, *, oldest: timedelta = timedelta(minutes=50)) -> None:
    """A sweep four minutes ago that read 3 privileged and 90 others; 7 others were last read before."""
    rows.sweep(ago=timedelta(minutes=4), reads=99)
    rows.observed(3, ago=timedelta(minutes=4), privileged=True)
    rows.observed(90, ago=timedelta(minutes=4))
    rows.observed(7, ago=oldest)


def test_the_api_counts_what_was_verified_by_class(api: Caller, rows: Rows) -> None:
    sweep_in_parts(rows)
    for path in ("/api/v1/drift", "/api/v1/status"):
        answer = api.read(path)
        assert (answer["in_sync"], answer["verified_at"]) == (True, "2026-03-02T08:10:00Z")
        assert answer["freshness"] == {
            "privileged": {"total": 3, "verified": 3, "oldest_at": "2026-03-02T08:56:00Z", "limit_s": 1800},
            "others": {"total": 97, "verified": 97, "oldest_at": "2026-03-02T08:10:00Z", "limit_s": 3600},
        }


def test_metrics_tell_how_many_objects_are_verified_and_the_age_of_the_oldest(api: Caller, rows: Rows) -> None:
    sweep_in_parts(rows, oldest=timedelta(minutes=61))
    told = values(api)
    assert told['tecton_bridge_objects{class="other"}'] == 97
    assert told['tecton_bridge_objects_verified{class="other"}'] == 90
    assert told['tecton_bridge_objects_verified{class="privileged"}'] == 3
    assert told['tecton_bridge_oldest_verified_age_seconds{class="other"}'] == 61 * 60
    assert (told["tecton_bridge_evidence_age_seconds"], told["tecton_bridge_last_sweep_age_seconds"]) == (3660, 240)
    assert told["tecton_bridge_in_sync"] == 0


def test_the_page_says_what_is_verified_and_that_a_sweep_had_too_few_calls(admin: FlaskClient, rows: Rows) -> None:
    sweep_in_parts(rows)
    page = words(admin.get("/").text)
    assert "3 of 3 privileged objects were verified within 30 m, the oldest 4 m ago." in page
    assert "97 of 97 other objects were verified within 1 h, the oldest 50 m ago." in page
    assert "Last verified 50 minutes ago" in page
    assert "looked at last 4 minutes ago" in page
    assert "a sweep that had too few calls for everything" in page


def test_the_page_does_not_say_in_sync_of_what_was_read_too_long_ago(admin: FlaskClient, rows: Rows) -> None:
    sweep_in_parts(rows, oldest=timedelta(minutes=61))
    page = words(admin.get("/").text)
    assert "Not verified any more" in page
    assert "90 of 97 other objects were verified within 1 h, the oldest 1 h ago" in page


def test_objects_that_will_be_too_old_are_a_notice(admin: FlaskClient, api: Caller, rows: Rows) -> None:
    rows.sweep(late=12)
    (notice,) = [of for of in api.read("/api/v1/status")["notices"] if of["title"] == "A sweep has too few calls"]
    assert notice["text"].startswith("12 objects will be older than they should")


def learn(database: Database, clock: Clock, tecton: str) -> None:
    """Keep what was learned of a Tecton: its list of users is whole, that of groups is not."""
    findings = (
        Finding(Ability.WHOLE_USERS, Answer.YES, "yes: the list shows users as their own pages do"),
        Finding(Ability.WHOLE_GROUPS, Answer.NO, "no: the list of groups leaves them out"),
    )
    with database.write() as connection:
        note_abilities(connection, Abilities(tecton, clock(), findings))


def test_the_page_of_tecton_says_what_was_learned_and_how_it_is_read(
    admin: FlaskClient, rows: Rows, database: Database, clock: Clock
) -> None:
    sweep_in_parts(rows)
    learn(database, clock, "https://acme.tecton.ai")
    page = words(admin.get("/tecton").text)
    assert "In a sweep, users are read from their lists" in page
    assert "each of the groups and service accounts is read by itself" in page
    assert "Roles and members in the list of groups no: the list of groups leaves them out" in page
    assert "97 of 97 other objects were verified within 1 h" in page


def test_the_page_of_tecton_does_not_show_what_was_learned_of_another_one(
    admin: FlaskClient, database: Database, clock: Clock
) -> None:
    learn(database, clock, "https://other.tecton.ai")
    page = words(admin.get("/tecton").text)
    assert "Not learned yet" in page
    assert "no sweep has read all of Tecton" in page


def test_the_page_of_tecton_is_for_admins(visitor: FlaskClient) -> None:
    assert visitor.get("/tecton").status_code in (302, 401)
