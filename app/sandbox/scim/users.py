"""SCIM users. Tecton knows no inactive user: `active: false` deletes for good (reference)."""

from dataclasses import dataclass, replace

from app.sandbox.bodies import flag, items, json_body, section, text
from app.sandbox.call import Call
from app.sandbox.guard import guarded
from app.sandbox.naming import check_email
from app.sandbox.replies import ApiError, Json, Reply, scim_reply
from app.sandbox.scim.filters import Equality
from app.sandbox.scim.listing import Collection, list_reply
from app.sandbox.scim.resources import (
    USER_SCHEMA,
    meta,
    scim_user_id,
    shown_groups,
    user_by_scim_id,
)
from app.sandbox.scim.roles import shown_roles, write_roles
from app.sandbox.world.edits import add_user, delete_user
from app.sandbox.world.records import Principal, User
from app.sandbox.world.world import Transaction


@dataclass(frozen=True)
class _Input:
    """A user as a client wrote it."""

    user_name: str
    given: str
    family: str
    email: str
    email_type: str
    active: bool


def list_users(call: Call) -> Reply:
    """GET /Users: entries without roles and groups."""
    return list_reply(call, _COLLECTION)


def create_user(call: Call) -> Reply:
    """POST /Users; 409 when the userName is taken."""
    body = json_body(call)
    wanted = _read(body)
    behaviour = call.tx.knobs["user_post_inactive"]
    if not wanted.active and behaviour == "reject":
        raise ApiError(400, "a user cannot be created inactive", name="invalidValue")
    _insist_free(call.tx, wanted.user_name, 409)
    user = _add(call.tx, wanted)
    write_roles(call, Principal("user", user.id), body, is_new=True)
    _note_invitation(call, user)
    shown = _full(call.tx, user)
    if not wanted.active and behaviour == "create_and_delete":
        delete_user(call.tx, user)
        shown["active"] = False
    return scim_reply(call.tx.knobs, shown, 201)


def get_user(call: Call) -> Reply:
    """GET /Users/{id}, with groups and direct roles."""
    return scim_reply(call.tx.knobs, _full(call.tx, _found(call)))


def replace_user(call: Call) -> Reply:
    """PUT /Users/{id}: what it omits is cleared; `active: false` deletes."""
    user = _found(call)
    body = json_body(call)
    wanted = _read(body)
    if not wanted.active:
        return _delete_by_put(call, user)
    renamed = _renamed(call.tx, user, wanted.user_name)
    guarded(call, lambda: _replace(call, renamed, wanted, body))
    return scim_reply(call.tx.knobs, _full(call.tx, _found(call)))


def remove_user(call: Call) -> Reply:
    """DELETE /Users/{id}."""
    user = _found(call)
    guarded(call, lambda: delete_user(call.tx, user))
    return scim_reply(call.tx.knobs, None, 204)


def full_user(tx: Transaction, user: User) -> Json:
    """Return a user as GET shows it."""
    return _full(tx, user)


def find_by_name(tx: Transaction, user_name: str) -> list[User]:
    """Return the users whose userName collides with this one (row 12)."""
    alike = tx.tables.users.find("name", user_name.casefold())
    if tx.knobs["user_name_case"] == "sensitive":
        return [user for user in alike if user.user_name == user_name]
    return alike


def _read(body: Json) -> _Input:
    name = section(body, "name")
    email, email_type = _primary(items(body, "emails"))
    return _Input(
        user_name=check_email(text(body, "userName")),
        given=text(name, "givenName"),
        family=text(name, "familyName"),
        email=email,
        email_type=email_type,
        active=flag(body, "active") is not False,
    )


def _primary(emails: list[object]) -> tuple[str, str]:
    """Return value and type of the one e-mail that is kept; the others are ignored (reference)."""
    entries = [entry for entry in emails if isinstance(entry, dict)]
    if len(entries) != len(emails):
        raise ApiError(400, "emails must be a list of objects", name="invalidValue")
    chosen: Json = next((e for e in entries if e.get("primary") is True), entries[0] if entries else {})
    return text(chosen, "value"), text(chosen, "type", "work")


def _insist_free(tx: Transaction, user_name: str, status: int, but: str = "") -> None:
    if any(user.id != but for user in find_by_name(tx, user_name)):
        raise ApiError(status, f"userName {user_name!r} is already taken", name="uniqueness")


def _add(tx: Transaction, wanted: _Input) -> User:
    return add_user(
        tx,
        wanted.user_name,
        wanted.given,
        wanted.family,
        email=wanted.email,
        email_type=wanted.email_type,
    )


def _note_invitation(call: Call, user: User) -> None:
    if call.tx.knobs["invitation_mail"] == "logged":
        call.notes.append(f"invitation mail to user {user.id}")


def _renamed(tx: Transaction, user: User, user_name: str) -> User:
    """Return the user under the name a PUT gives (row 11); raises ApiError."""
    behaviour = tx.knobs["user_name_change"]
    if user_name == user.user_name or behaviour == "ignore":
        return user
    if behaviour == "reject":
        raise ApiError(400, "userName cannot be changed", name="mutability")
    _insist_free(tx, user_name, int(tx.knobs["put_duplicate_name_status"]), but=user.id)
    return replace(user, user_name=user_name)


def _replace(call: Call, user: User, wanted: _Input, body: Json) -> None:
    call.tx.tables.users.put(
        replace(
            user,
            given_name=wanted.given,
            family_name=wanted.family,
            email=wanted.email,
            email_type=wanted.email_type,
            modified=call.now,
        )
    )
    write_roles(call, Principal("user", user.id), body, is_new=False)


def _delete_by_put(call: Call, user: User) -> Reply:
    """Row 9: nobody knows what the PUT that deletes a user answers."""
    guarded(call, lambda: delete_user(call.tx, user))
    answer = call.tx.knobs["user_put_inactive_answer"]
    if answer == "no_content":
        return scim_reply(call.tx.knobs, None, 204)
    gone = {**_entry(call.tx, user), "active": False, "groups": [], "roles": []}
    return scim_reply(call.tx.knobs, {} if answer == "empty" else gone)


def _found(call: Call) -> User:
    user = user_by_scim_id(call.tx, call.params["id"])
    if user is None:
        raise ApiError(404, f"User {call.params['id']} not found")
    return user


def _entry(tx: Transaction, user: User) -> Json:
    email = {"type": user.email_type, "primary": True, "value": user.email}
    return {
        "schemas": [USER_SCHEMA],
        "id": scim_user_id(tx, user),
        "userName": user.user_name,
        "name": {"givenName": user.given_name, "familyName": user.family_name},
        "active": True,
        "emails": [email] if user.email else [],
        "meta": meta("User", user.created, user.modified),
    }


def _full(tx: Transaction, user: User) -> Json:
    principal = Principal("user", user.id)
    groups, roles = shown_groups(tx, principal), shown_roles(tx, principal)
    return {**_entry(tx, user), "groups": groups, "roles": roles}


def _find(tx: Transaction, wanted: Equality) -> list[User] | None:
    """Row 25: userName for certain; what else can be filtered by is not known."""
    allowed = tx.knobs["user_filter_attributes"]
    if wanted.attribute == "username" and isinstance(wanted.value, str):
        return _named(tx, wanted.value)
    if wanted.attribute == "id" and isinstance(wanted.value, str):
        user = user_by_scim_id(tx, wanted.value)
        return [user] if user else []
    if wanted.attribute in ("emails", "emails.value") and allowed in ("emails", "emails_active"):
        return tx.tables.users.find("email", wanted.value)
    if wanted.attribute == "active" and allowed in ("active", "emails_active"):
        return list(tx.tables.users) if wanted.value is True else []
    return None


def _named(tx: Transaction, user_name: str) -> list[User]:
    alike = tx.tables.users.find("name", user_name.casefold())
    if tx.knobs["user_name_case"] == "insensitive":
        return alike
    return [user for user in alike if user.user_name == user_name]


_COLLECTION = Collection[User](
    rows=lambda tx: list(tx.tables.users),
    find=_find,
    entry=_entry,
    whole=_full,
    sort_keys={
        "username": lambda u: u.user_name,
        "id": lambda u: u.id,
        "name.givenname": lambda u: u.given_name,
        "name.familyname": lambda u: u.family_name,
        "meta.created": lambda u: u.created.isoformat(),
        "meta.lastmodified": lambda u: u.modified.isoformat(),
    },
)
