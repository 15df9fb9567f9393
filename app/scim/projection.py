"""`attributes` and `excludedAttributes`: which part of a resource an answer holds (RFC 7644 section 3.9)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from scim2_models import InvalidPathException, Path
from scim2_models.path import AttrPath

from app.core.attributes import ResourceSchema

# Names by lower case; an empty tree is the whole attribute.
Tree = dict[str, "Tree"]

_ALWAYS = frozenset({"schemas", "id"})


@dataclass(frozen=True, slots=True)
class Projection:
    """What of a resource is sent: everything, what `included` names, less what `excluded` names."""

    included: Tree | None = None
    excluded: Tree = field(default_factory=dict)

    def keeps(self, name: str) -> bool:
        """Tell whether anything of an attribute is sent."""
        is_included = self.included is None or name.lower() in self.included
        return is_included and self.excluded.get(name.lower()) != {}

    def without(self, name: str) -> Projection | None:
        """Return what is left to do when an attribute is not there anyway, None when that is nothing."""
        excluded = {key: tree for key, tree in self.excluded.items() if key != name}
        return None if self.included is None and not excluded else Projection(self.included, excluded)

    def apply(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return the part of a resource that is sent."""
        always = {key: value for key, value in document.items() if key in _ALWAYS}
        kept = document if self.included is None else {**always, **_included(document, self.included)}
        return {**always, **_excluded(kept, self.excluded)}

    def apply_within(self, name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
        """Return the part of one entry of a multi-valued attribute that is sent."""
        included = (self.included or {}).get(name) or None
        kept = entry if included is None else _included(entry, included)
        return _excluded(kept, self.excluded.get(name, {}))


def _included(document: Mapping[str, Any], tree: Tree) -> dict[str, Any]:
    found = {}
    for key, value in document.items():
        branch = tree.get(key.lower())
        if branch is not None:
            found[key] = value if not branch else _each(value, _included, branch)
    return found


def _excluded(document: Mapping[str, Any], tree: Tree) -> dict[str, Any]:
    found = {}
    for key, value in document.items():
        branch = tree.get(key.lower())
        if branch != {}:
            found[key] = value if branch is None else _each(value, _excluded, branch)
    return found


def _each(value: Any, part: Any, tree: Tree) -> Any:
    if isinstance(value, list):
        return [part(item, tree) if isinstance(item, dict) else item for item in value]
    return part(value, tree) if isinstance(value, dict) else value


def read_projection(
    schemas: Iterable[ResourceSchema], attributes: str | None, excluded: str | None
) -> Projection | None:
    """Return the projection that the two parameters ask for, None when they ask for nothing.

    Names that no schema has are passed over. Raise InvalidPathException for what is no name at all.
    """
    if not attributes and not excluded:
        return None
    return _read(tuple(schemas), attributes or "", excluded or "")


@lru_cache(maxsize=256)
def _read(schemas: tuple[ResourceSchema, ...], attributes: str, excluded: str) -> Projection | None:
    included = _tree(schemas, attributes) if attributes.strip(", ") else None
    left_out = _tree(schemas, excluded)
    return None if included is None and not left_out else Projection(included, left_out)


def _tree(schemas: tuple[ResourceSchema, ...], names: str) -> Tree:
    tree: Tree = {}
    for name in filter(None, (part.strip() for part in names.split(","))):
        for schema in schemas:
            _grow(tree, _steps(schema, name))
    return tree


def _grow(tree: Tree, steps: list[str]) -> None:
    """Add one name: the whole of an attribute wins over a part of it."""
    for step in steps[:-1]:
        if tree.get(step) == {}:
            return
        tree = tree.setdefault(step, {})
    if steps:
        tree[steps[-1]] = {}


def _steps(schema: ResourceSchema, name: str) -> list[str]:
    if name.lower() in schema.extensions:
        return [name.lower()]
    path = Path[Any](name).ast
    if not isinstance(path, AttrPath):
        raise InvalidPathException(detail=f"'{name}' is not the name of an attribute")
    resolved = schema.resolve(path)
    if resolved is None:
        return []
    parts = (resolved.extension, resolved.attribute.name, resolved.sub.name if resolved.sub else None)
    return [part.lower() for part in parts if part]
