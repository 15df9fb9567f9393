"""Laws of pushes, for any values: what a client may rely on whatever it sends, and however often."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.scim.conftest import ENTERPRISE, Client, Json

LAW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

words = st.sampled_from(["Auditor", "auditor", "Écoute", "x", "a b", '"quoted"'])
mails = st.builds(
    lambda name, type_, primary: {"value": f"{name}@acme.com", "type": type_, "primary": primary},
    st.sampled_from("abc"),
    st.sampled_from(["work", "home"]),
    st.booleans(),
)
roles = st.builds(lambda value: {"value": value, "type": "workspace_prod"}, st.sampled_from(["viewer", "editor"]))
mail_lists = st.lists(mails, max_size=3, unique_by=lambda mail: mail["value"])
role_lists = st.lists(roles, max_size=2, unique_by=lambda role: role["value"])
names = st.fixed_dictionaries({}, optional={"givenName": words, "familyName": words})

attributes = st.fixed_dictionaries(
    {}, optional={"title": words, "emails": mail_lists, "roles": role_lists, "name": names, "active": st.booleans()}
)


def replaced(path: str, value: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    return value.map(lambda item: {"op": "replace", "path": path, "value": item})


replacements = st.one_of(
    replaced("title", words),
    replaced("active", st.booleans() | st.sampled_from(["True", "False"])),
    replaced("name", names),
    replaced("name.familyName", words),
    replaced("emails", mail_lists),
    replaced('emails[type eq "work"].value', st.just("z@acme.com")),
    replaced("roles", role_lists),
    replaced(f"{ENTERPRISE}:department", words),
    replaced(f"{ENTERPRISE}:manager", st.sampled_from(["1", "2"])),
    attributes.map(lambda value: {"op": "replace", "value": value}),
)


def read(client: Client, resource: Json, *, meta: bool = True) -> Json:
    document = client.get(f"{'/Groups' if 'displayName' in resource else '/Users'}/{resource['id']}")
    if not meta:
        del document["meta"]
    return document


def forget(client: Client, *resources: Json) -> None:
    for resource in resources:
        client.send("DELETE", f"{'/Groups' if 'displayName' in resource else '/Users'}/{resource['id']}")


@LAW
@given(attributes, replacements)
def test_replacing_twice_is_replacing_once(client: Client, start: Json, operation: Json) -> None:
    """Not even the version moves: Okta and Entra send everything again when they are not sure."""
    user = client.user(**start)
    first = client.send("PATCH", f"/Users/{user['id']}", {"Operations": [operation]})
    once = read(client, user)
    client.clock.move(hours=1)
    client.forget_dirty()
    assert client.send("PATCH", f"/Users/{user['id']}", {"Operations": [operation]}).status_code == first.status_code
    assert read(client, user) == once
    assert client.dirty() == {}
    forget(client, user)


@LAW
@given(st.sets(st.integers(0, 3)), st.sets(st.integers(0, 3)))
def test_members_that_are_added_and_removed_again_leave_the_group_as_it_was(
    client: Client, before: set[int], added: set[int]
) -> None:
    people = [client.user(f"user{number}@acme.com") for number in range(4)]
    ids = [user["id"] for user in people]
    group = client.group(members=[ids[number] for number in before])
    was = client.members(group)
    new = [{"value": ids[number]} for number in sorted(added - before)]
    client.patch(f"/Groups/{group['id']}", {"op": "add", "path": "members", "value": new})
    assert client.members(group) == was | {member["value"] for member in new}
    for member in new:
        client.patch(f"/Groups/{group['id']}", {"op": "remove", "path": f'members[value eq "{member["value"]}"]'})
    assert client.members(group) == was
    forget(client, group, *people)


@LAW
@given(attributes, st.sampled_from(["title", "department", "emails"]))
def test_what_is_added_and_removed_again_leaves_the_user_as_it_was(client: Client, start: Json, what: str) -> None:
    user = client.user(**{key: value for key, value in start.items() if key != "title"})
    was = read(client, user, meta=False)
    add, remove = {
        "title": ({"path": "title", "value": "Boss"}, {"path": "title"}),
        "department": (
            {"path": f"{ENTERPRISE}:department", "value": "Risk"},
            {"path": f"{ENTERPRISE}:department"},
        ),
        "emails": (
            {"path": "emails", "value": [{"value": "new@acme.com"}]},
            {"path": 'emails[value eq "new@acme.com"]'},
        ),
    }[what]
    client.patch(f"/Users/{user['id']}", {"op": "add", **add})
    assert read(client, user, meta=False) != was
    client.patch(f"/Users/{user['id']}", {"op": "remove", **remove})
    assert read(client, user, meta=False) == was
    forget(client, user)


# ---------------------------------------------------------------- pushes to different keys

USERS, GROUPS = ("ana", "ben"), ("fraud", "risk")
user_pushes = st.one_of(
    replaced("title", words), replaced("active", st.booleans()), replaced("roles", role_lists), replaced("name", names)
)
some_users = st.lists(st.sampled_from(USERS), unique=True)
member_pushes = st.one_of(
    some_users.map(lambda who: {"op": "add", "path": "members", "value": who}),
    some_users.map(lambda who: {"op": "replace", "path": "members", "value": who}),
    st.sampled_from(USERS).map(lambda who: {"op": "remove", "path": "members", "value": [who]}),
)
pushes = st.one_of(
    st.tuples(st.sampled_from(USERS), user_pushes),
    st.tuples(st.sampled_from(GROUPS), member_pushes),
    st.tuples(st.just("fraud"), replaced("displayName", st.sampled_from(["tecton-a", "tecton-b"]))),
)
histories = st.lists(pushes, max_size=8)


@LAW
@given(histories, st.randoms(use_true_random=False))
def test_pushes_to_different_resources_commute(client: Client, history: list[tuple[str, Json]], order: Any) -> None:
    """In whatever order they come, as long as those to one resource keep theirs: the directory and the queue agree."""
    turns = [key for key, _ in history]
    order.shuffle(turns)
    waiting = {key: [push for of, push in history if of == key] for key in turns}
    shuffled = [(key, waiting[key].pop(0)) for key in turns]
    assert _pushed(client, history) == _pushed(client, shuffled)


def _pushed(client: Client, history: list[tuple[str, Json]]) -> Any:
    """Return what the directory holds after these pushes, and who is dirty, by name."""
    made = {name: client.user(f"{name}@acme.com") for name in USERS}
    made |= {name: client.group(f"tecton-{name}") for name in GROUPS}
    ids = {name: resource["id"] for name, resource in made.items()}
    named = {id_: name for name, id_ in ids.items()}
    client.forget_dirty()
    for key, push in history:
        is_of_members = push["path"] == "members"
        value = [{"value": ids[name]} for name in push["value"]] if is_of_members else push["value"]
        client.patch(f"{'/Users' if key in USERS else '/Groups'}/{ids[key]}", {**push, "value": value})
    documents = {name: read(client, resource, meta=False) for name, resource in made.items()}
    for document in documents.values():
        document["id"] = ""
        for part in ("members", "groups"):
            document[part] = sorted(named[item["value"]] for item in document.get(part, ()))
    dirty = {named[id_]: due for (_, id_), due in client.dirty().items()}
    forget(client, *made.values())
    return documents, dirty
