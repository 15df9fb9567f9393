"""Reading a PATCH request: operations, each with one target (RFC 7644 section 3.5.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from scim2_models import (
    InvalidPathException,
    InvalidSyntaxException,
    InvalidValueException,
    MutabilityException,
    NoTargetException,
    Path,
)
from scim2_models.path import AttrPath, Comparison, FilterNode, Present, ValuePath

from app.core.attributes import Attribute, Resolved, ResourceSchema
from app.scim.documents import resolve_key

MAX_OPERATIONS = 10_000
OPS = frozenset({"add", "replace", "remove"})

# What a client may repeat in the value of an operation without path, and cannot change by it.
_PASSED_OVER = frozenset({"schemas", "meta", "groups"})


class Target(NamedTuple):
    """What an operation acts on: an attribute (perhaps its values that a filter selects), or an extension."""

    resolved: Resolved | None
    filter: FilterNode | None = None
    extension: str | None = None

    @property
    def is_members(self) -> bool:
        """Tell whether it is the members of a group."""
        return self.resolved is not None and self.resolved.attribute.name == "members"


class Change(NamedTuple):
    """One operation with one target. `creates`: what a filter does not find is made of the filter."""

    op: str
    target: Target
    value: Any
    creates: bool


def read_changes(schema: ResourceSchema, payload: Any, own_id: str) -> list[Change]:
    """Return what a PATCH body asks for, in order.

    An operation without path becomes one per key of its value. Raise a SCIMException for a body that
    is malformed, or a path that is invalid or read-only.
    """
    return [change for operation in _operations(payload) for change in _changes(schema, operation, own_id)]


def _operations(payload: Any) -> list[Any]:
    if not isinstance(payload, dict):
        raise InvalidSyntaxException(detail="a PATCH body must be an object")
    operations = _get(payload, "operations")
    if not isinstance(operations, list) or not operations:
        raise InvalidSyntaxException(detail="'Operations' must hold one or more operations")
    if len(operations) > MAX_OPERATIONS:
        raise InvalidValueException(detail=f"a PATCH may hold {MAX_OPERATIONS} operations")
    return operations


def _get(holder: Mapping[str, Any], name: str) -> Any:
    """Return the value under a name of the message, whatever the case in which the client writes it."""
    return next((value for key, value in holder.items() if key.lower() == name), None)


def _changes(schema: ResourceSchema, operation: Any, own_id: str) -> Iterator[Change]:
    if not isinstance(operation, dict):
        raise InvalidSyntaxException(detail="an operation must be an object")
    spelled = _get(operation, "op")
    op = spelled.lower() if isinstance(spelled, str) else None
    if op not in OPS:
        raise InvalidSyntaxException(detail=f"{spelled!r} is not a PATCH operation: add, remove or replace")
    path, value = _get(operation, "path"), _get(operation, "value")
    if op != "remove" and not any(key.lower() == "value" for key in operation):
        raise InvalidValueException(detail=f"'{op}' needs a value")
    # An `add` makes what its filter does not find; RFC 7644 section 3.5.2.3 forbids it to `replace`. Entra's
    # default client, which alone capitalizes, replaces what it never added and would fail forever.
    creates = op == "add" or spelled != op
    if path is None or path == "":
        yield from _without_path(schema, op, value, own_id, creates)
    elif isinstance(path, str):
        yield Change(op, parse_target(schema, path), value, creates)
    else:
        raise InvalidPathException(detail="'path' must be a string")


def _without_path(schema: ResourceSchema, op: str, value: Any, own_id: str, creates: bool) -> Iterator[Change]:
    if op == "remove":
        raise NoTargetException(detail="'remove' needs a path")
    if not isinstance(value, dict):
        raise InvalidValueException(detail=f"'{op}' without path needs an object as its value")
    for key, item in value.items():
        if key.lower() == "id" and item != own_id:
            raise MutabilityException(detail="'id' is read-only")
        if key.lower() not in _PASSED_OVER and key.lower() != "id":
            target = _target_of_key(schema, key)
            if target is not None:
                yield Change(op, target, item, creates)


def _target_of_key(schema: ResourceSchema, key: str) -> Target | None:
    """Return what a key of a value names: a name, `name.givenName`, `urn:…:User:department`, a value path.

    None when it names nothing that a client can write: bodies are read leniently.
    """
    if key.lower() in schema.extensions:
        return Target(None, extension=schema.extensions[key.lower()].urn)
    if "[" in key:
        return parse_target(schema, key)
    resolved = resolve_key(schema, key)
    if resolved is None or resolved.target.is_read_only or resolved.attribute.is_read_only:
        return None
    return Target(resolved)


def parse_target(schema: ResourceSchema, path: str) -> Target:
    """Return what the path of an operation names.

    Raise InvalidPathException when it is malformed or names nothing, MutabilityException when it is
    read-only.
    """
    text = path.strip()
    if extension := schema.extensions.get(text.lower()):
        return Target(None, extension=extension.urn)
    target = _target_of_node(schema, _selecting(Path[Any](text).ast))
    if target is None or target.resolved is None:
        raise InvalidPathException(detail=f"'{path}' is not an attribute of {schema.name}")
    if target.resolved.attribute.is_read_only or target.resolved.target.is_read_only:
        raise MutabilityException(detail=f"'{path}' is read-only")
    return target


def _selecting(node: Any) -> Any:
    """Return a bare comparison as the value path it stands for: `emails.type eq "work"` (errata 7122)."""
    if not isinstance(node, Comparison | Present):
        return node
    inner = AttrPath(node.attr_path.sub_attr or "value")
    selected = Present(inner) if isinstance(node, Present) else Comparison(inner, node.op, node.value)
    return ValuePath(AttrPath(node.attr_path.attr, uri=node.attr_path.uri), selected)


def _target_of_node(schema: ResourceSchema, node: Any) -> Target | None:
    if isinstance(node, AttrPath):
        resolved = schema.resolve(node)
        return Target(resolved) if resolved else None
    if not isinstance(node, ValuePath):
        return None
    resolved = schema.resolve(node.attr_path)
    if resolved is None or not resolved.attribute.multi_valued:
        return None
    sub = _sub(resolved.attribute, node.sub_attr) if node.sub_attr else None
    if node.sub_attr and sub is None:
        return None
    return Target(resolved._replace(sub=sub), node.val_filter)


def _sub(attribute: Attribute, name: str) -> Attribute | None:
    return attribute.sub.get(name.lower())
