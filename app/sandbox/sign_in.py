"""A SAML sign-in: just-in-time users, names overwritten, group mappings applied (product docs)."""

from dataclasses import replace

from app.sandbox.bodies import text, texts
from app.sandbox.naming import check_email
from app.sandbox.replies import Json
from app.sandbox.world.edits import add_user, set_members
from app.sandbox.world.records import Group, Member, User
from app.sandbox.world.world import Transaction


def sign_in(tx: Transaction, body: Json) -> User:
    """Sign a user in: {user, saml_groups?, givenName?, familyName?}; raises ApiError 400.

    The user is matched by e-mail and created when there is none. Names given overwrite the ones
    that are there. Then every group's idpMappingNames are held against `saml_groups`.
    """
    user = _matched(tx, check_email(text(body, "user")))
    signed_in = replace(
        user,
        given_name=text(body, "givenName", user.given_name),
        family_name=text(body, "familyName", user.family_name),
        last_login=tx.now,
    )
    tx.tables.users.put(signed_in)
    _apply_mappings(tx, signed_in, set(texts(body, "saml_groups")))
    return signed_in


def _matched(tx: Transaction, user_name: str) -> User:
    alike = tx.tables.users.find("name", user_name.casefold())
    exact = [user for user in alike if user.user_name == user_name]
    return next(iter(exact or alike), None) or add_user(tx, user_name, email=user_name)


def _apply_mappings(tx: Transaction, user: User, saml_groups: set[str]) -> None:
    """Look at groups that have mappings and at those the user is in, no others."""
    mapped = tx.tables.groups.find("mapped", True)
    member_of = tx.tables.groups.find("member", user.id)
    for group in {g.id: g for g in (*mapped, *member_of)}.values():
        _apply_mapping(tx, group, user, bool(saml_groups & set(group.idp_names)))


def _apply_mapping(tx: Transaction, group: Group, user: User, matches: bool) -> None:
    """Any match adds, or makes a membership IdP-managed; a match that is gone removes."""
    membership = next((m for m in group.members if m.id == user.id), None)
    others = tuple(m for m in group.members if m.id != user.id)
    if matches and membership != Member("user", user.id, True):
        set_members(tx, group, (*others, Member("user", user.id, True)))
    elif not matches and membership and membership.from_idp:
        set_members(tx, group, others)
