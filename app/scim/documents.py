"""From what a client sends as a resource to the document that is stored."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from scim2_models import InvalidPathException, InvalidValueException
from scim2_models.path import AttrPath

from app.core.attributes import Extension, Resolved, ResourceSchema
from app.core.comparison import fold
from app.scim.values import Coerce, clean, coercer

Document = dict[str, Any]

# Longer names cannot be indexed, and nobody has one.
MAX_NAME_BYTES = 1000

# `members` are rows of their own, `schemas` follows from what is there.
_APART = frozenset({"schemas", "members"})


def read_document(schema: ResourceSchema, payload: Mapping[str, Any]) -> Document:
    """Return the document to store for a resource that a client sent, without `schemas` and `id`.

    Attributes that the client cannot write (id, meta, groups, password) are passed over, and so are
    those that no schema has; data under an unknown extension URN is kept. Raise
    InvalidValueException for a value that its attribute cannot hold, or a missing name.
    """
    readers = _readers(schema)
    document: Document = {}
    for key, raw in payload.items():
        reader = readers.get(key) or readers.get(key.lower())
        if reader is None:
            _read_other(schema, document, key, raw)
        elif (value := reader[1](raw)) is not None:
            document[reader[0]] = value
    return document


@cache
def _readers(schema: ResourceSchema) -> dict[str, tuple[str, Coerce]]:
    """Return how the value under each key is read, by the attribute's own spelling and in lower case."""
    readers: dict[str, tuple[str, Coerce]] = {}
    for attribute in schema.attributes.values():
        is_written = attribute.mutability == "readWrite" and attribute.name not in _APART
        reader = (attribute.name, coercer(attribute) if is_written else _pass_over)
        readers |= {attribute.name: reader, attribute.name.lower(): reader}
    for extension in schema.extensions.values():
        reader = (extension.urn, _extension_reader(extension))
        readers |= {extension.urn: reader, extension.urn.lower(): reader}
    return readers


def _pass_over(_: Any) -> None:
    return None


def _extension_reader(extension: Extension) -> Coerce:
    readers = {name: (attribute.name, coercer(attribute)) for name, attribute in extension.attributes.items()}

    def read(value: Any) -> dict[str, Any] | None:
        if value is None or value in ("", []):
            return None
        if not isinstance(value, dict):
            raise InvalidValueException(detail=f"'{extension.urn}' must be an object")
        found = {}
        for key, raw in value.items():
            reader = readers.get(key.lower())
            if reader and (item := reader[1](raw)) is not None:
                found[reader[0]] = item
        return found or None

    return read


def _read_other(schema: ResourceSchema, document: Document, key: str, raw: Any) -> None:
    """Read a key that is no attribute's name: an unknown extension, or a path such as `name.givenName`."""
    is_urn = key.lower().startswith("urn:")
    if is_urn and isinstance(raw, dict):
        if (value := clean(raw)) is not None and key.lower() != schema.urn.lower():
            document[key] = value
        return
    resolved = resolve_key(schema, key)
    if resolved is None or resolved.target.is_read_only:
        return
    # Entra names extension attributes at the top, as nulls: they must not undo what the extension holds.
    if (value := coercer(resolved.target)(raw)) is not None:
        assign(document, resolved, value)


def resolve_key(schema: ResourceSchema, key: str) -> Resolved | None:
    """Return what a key of a body names, None when it names nothing: bodies are read leniently."""
    uri, _, rest = key.rpartition(":")
    attr, _, sub = rest.partition(".")
    try:
        return schema.resolve(AttrPath(attr, sub or None, uri or None))
    except (ValueError, InvalidPathException):
        return None


def assign(document: Document, resolved: Resolved, value: Any) -> None:
    """Set the single value that a path names, or remove it when it is None."""
    holder = document
    parts = [part for part in (resolved.extension, resolved.attribute.name) if part]
    if resolved.sub is not None:
        parts.append(resolved.sub.name)
    for part in parts[:-1]:
        if part not in holder and value is None:
            return
        holder = holder.setdefault(part, {})
    if value is None:
        holder.pop(parts[-1], None)
    else:
        holder[parts[-1]] = value


def finish(schema: ResourceSchema, document: Document, id_: str | None = None) -> Document:
    """Return a document as it is stored: with `schemas`, its id, and nothing empty.

    Raise InvalidValueException when it lacks the name that its type requires, or the name cannot be
    indexed.
    """
    extensions = [key for key, value in document.items() if key.lower().startswith("urn:") and value]
    head: Document = {"schemas": [schema.urn, *extensions]}
    if id_ is not None:
        head["id"] = id_
    _require_name(schema, document)
    return head | {key: value for key, value in document.items() if key not in ("schemas", "id") and value != {}}


def _require_name(schema: ResourceSchema, document: Document) -> None:
    name = document.get(schema.name_attribute)
    if not isinstance(name, str) or not name.strip():
        raise InvalidValueException(detail=f"'{schema.name_attribute}' is required")
    for text in (fold(name), document.get("externalId") or ""):
        if len(text.encode()) > MAX_NAME_BYTES:
            raise InvalidValueException(detail=f"a name of more than {MAX_NAME_BYTES} bytes cannot be stored")
