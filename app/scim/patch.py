"""Applying PATCH operations to a document (RFC 7644 section 3.5.2).

The document is a copy that nobody else holds: it is changed in place, and stored only when every
operation succeeded.
"""

from __future__ import annotations

from typing import Any

from scim2_models import InvalidValueException, MutabilityException, NoTargetException
from scim2_models.path import CompareOperator, Comparison, FilterNode, LogicalExpr, LogicalOperator

from app.core.attributes import Attribute, Resolved, ResourceSchema
from app.core.comparison import comparable
from app.core.selectors import compile_value_filter
from app.scim.documents import Document, assign
from app.scim.patch_request import Change, Target
from app.scim.values import coercer, identity, single_coercer

Entry = dict[str, Any]

# What says nothing by itself: an entry with no more than these is no value.
_LABELS = frozenset({"type", "primary"})


def apply_change(schema: ResourceSchema, document: Document, change: Change) -> None:
    """Apply one operation to a document.

    Raise InvalidValueException for a value that the attribute cannot hold, MutabilityException when a
    required attribute would be removed, NoTargetException when a filter finds nothing to replace.
    """
    target = change.target
    if target.extension is not None:
        _apply_extension(schema, document, change)
    elif target.resolved is not None:
        _apply_attribute(document, target.resolved, change)


def _apply_extension(schema: ResourceSchema, document: Document, change: Change) -> None:
    urn = change.target.extension or ""
    if change.op == "remove" or change.value in (None, "", {}):
        document.pop(urn, None)
        return
    if not isinstance(change.value, dict):
        raise InvalidValueException(detail=f"'{urn}' must be an object")
    attributes = schema.extensions[urn.lower()].attributes
    for key, value in change.value.items():
        if attribute := attributes.get(key.lower()):
            target = Target(Resolved(urn, attribute))
            apply_change(schema, document, change._replace(target=target, value=value))


def _apply_attribute(document: Document, resolved: Resolved, change: Change) -> None:
    if resolved.attribute.mutability == "writeOnly":
        return  # a password: accepted, never kept
    resolved = _as_spelled(document, resolved)
    if resolved.attribute.multi_valued:
        _apply_many(document, resolved, change)
    elif resolved.attribute.is_complex and resolved.sub is None:
        _apply_complex(document, resolved, change)
    else:
        _apply_single(document, resolved, change)


def _as_spelled(document: Document, resolved: Resolved) -> Resolved:
    """Return the path with an unknown extension's URN as the document spells it."""
    if resolved.attribute.type != "any" or resolved.extension in document:
        return resolved
    urn = (resolved.extension or "").lower()
    return resolved._replace(extension=next((key for key in document if key.lower() == urn), resolved.extension))


def _apply_single(document: Document, resolved: Resolved, change: Change) -> None:
    value = None if change.op == "remove" else coercer(resolved.target)(_bare(resolved.target, change.value))
    if value is None and resolved.target.required:
        raise MutabilityException(detail=f"'{resolved.target.name}' is required")
    assign(document, resolved, value)
    _drop_if_empty(document, resolved)


def _bare(target: Attribute, value: Any) -> Any:
    """Return the x of `[{"$ref": null, "value": x}]`: so Microsoft's own library writes a single value."""
    if target.type == "any" or not isinstance(value, list) or len(value) != 1:
        return value
    (item,) = value
    return item["value"] if isinstance(item, dict) and {"value"} <= item.keys() <= {"value", "$ref"} else value


def _drop_if_empty(document: Document, resolved: Resolved) -> None:
    if resolved.sub is not None and _read(document, resolved._replace(sub=None)) == {}:
        assign(document, resolved._replace(sub=None), None)


def _apply_complex(document: Document, resolved: Resolved, change: Change) -> None:
    """Replace leaves the sub-attributes that the value does not name (RFC 7644 section 3.5.2.3)."""
    value = None if change.op == "remove" else coercer(resolved.attribute)(change.value)
    held = _read(document, resolved)
    if value is None or held is None:
        assign(document, resolved, value)
    elif "value" in resolved.attribute.sub and value.get("value", held.get("value")) != held.get("value"):
        assign(document, resolved, value)  # another manager: nothing of the former one stays
    else:
        held.update(value)
        _clear_nulls(held, resolved.attribute, change.value)


def _clear_nulls(held: Entry, attribute: Attribute, value: Any) -> None:
    """Remove the sub-attributes that a value names with nothing."""
    if isinstance(value, dict):
        for key, item in value.items():
            if item in (None, "", [], {}) and (sub := attribute.sub.get(key.lower())):
                held.pop(sub.name, None)


def _read(document: Document, resolved: Resolved) -> Any:
    holder = document.get(resolved.extension, {}) if resolved.extension else document
    return holder.get(resolved.attribute.name)


def _apply_many(document: Document, resolved: Resolved, change: Change) -> None:
    entries: list[Any] = list(_read(document, resolved) or ())
    primary = {id(entry) for entry in entries if _is_primary(entry)}
    changed = _changed_entries(entries, resolved, change)
    if not changed and resolved.attribute.required:
        raise MutabilityException(detail=f"'{resolved.attribute.name}' is required")
    _settle_primary(changed, primary)
    assign(document, resolved._replace(sub=None), changed or None)


def _changed_entries(entries: list[Any], resolved: Resolved, change: Change) -> list[Any]:
    if change.target.filter is not None or resolved.sub is not None:
        return _change_selected(entries, resolved, change)
    if change.op == "remove":
        return [] if change.value is None else _without(entries, resolved.attribute, change.value)
    given = coercer(resolved.attribute)(change.value) or []
    if change.op == "replace":
        return list(given)
    there = {identity(entry) for entry in entries}
    return entries + [entry for entry in given if identity(entry) not in there]


def _without(entries: list[Any], attribute: Attribute, value: Any) -> list[Any]:
    """Return the entries but those that a value lists: Entra's default client removes so."""
    listed = [single_coercer(attribute)(item) for item in (value if isinstance(value, list) else [value])]
    return [entry for entry in entries if not any(_agrees(attribute, entry, item) for item in listed if item)]


def _agrees(attribute: Attribute, entry: Any, item: Any) -> bool:
    if not isinstance(item, dict):
        return bool(comparable(attribute, entry) == comparable(attribute, item))
    subs = attribute.sub
    return all(
        comparable(subs[name.lower()], entry.get(name)) == comparable(subs[name.lower()], value)
        for name, value in item.items()
    )


def _change_selected(entries: list[Any], resolved: Resolved, change: Change) -> list[Any]:
    selected = _selected(entries, resolved.attribute, change.target.filter)
    written = None if change.op == "remove" else _written(resolved, change.value)
    if written is None:
        return _remove_selected(entries, selected, resolved)
    if not selected:
        return [*entries, _created(resolved, change, written)]
    for entry in selected:
        entry.update(written)
    return entries


def _written(resolved: Resolved, value: Any) -> Entry | None:
    """Return the sub-attributes that a value sets in the entries that a path selects, None for no value."""
    if not resolved.attribute.is_complex:
        raise InvalidValueException(detail=f"the values of '{resolved.attribute.name}' are replaced as a whole")
    if resolved.sub is None:
        one = value[0] if isinstance(value, list) and len(value) == 1 else value
        return single_coercer(resolved.attribute)(one)  # type: ignore[no-any-return]
    read = coercer(resolved.sub)(_bare(resolved.sub, value))
    return None if read is None else {resolved.sub.name: read}


def _selected(entries: list[Any], attribute: Attribute, node: FilterNode | None) -> list[Any]:
    if node is None:
        return entries
    return list(filter(compile_value_filter(node, attribute), entries))


def _remove_selected(entries: list[Any], selected: list[Any], resolved: Resolved) -> list[Any]:
    chosen = {id(entry) for entry in selected}
    if resolved.sub is None:
        return [entry for entry in entries if id(entry) not in chosen]
    for entry in selected:
        entry.pop(resolved.sub.name, None)
    return [entry for entry in entries if id(entry) not in chosen or not entry.keys() <= _LABELS]


def _created(resolved: Resolved, change: Change, written: Entry) -> Entry:
    """Return the entry that a filter describes and the value completes: Entra adds so."""
    node = change.target.filter
    described = {} if node is None else _described(resolved.attribute, node)
    if described is None or (node is not None and not change.creates):
        raise NoTargetException(detail=f"no value of '{resolved.attribute.name}' matches the filter")
    return {**described, **written}


def _described(attribute: Attribute, node: FilterNode) -> Entry | None:
    """Return the sub-attributes that comparisons with `eq`, joined by `and`, set; None for any other filter."""
    joined = isinstance(node, LogicalExpr) and node.op == LogicalOperator.and_
    entry: Entry = {}
    for term in node.terms if joined and isinstance(node, LogicalExpr) else (node,):
        if not isinstance(term, Comparison) or term.op != CompareOperator.eq:
            return None
        sub = attribute.sub[term.attr_path.attr.lower()]
        entry[sub.name] = coercer(sub)(term.value)
    return {name: value for name, value in entry.items() if value is not None}


def _is_primary(entry: Any) -> bool:
    return isinstance(entry, dict) and entry.get("primary") is True


def _settle_primary(entries: list[Any], before: set[int]) -> None:
    """Let the value just marked primary be the only one (RFC 7644 section 3.5.2)."""
    primary = [entry for entry in entries if _is_primary(entry)]
    chosen = next((entry for entry in primary if id(entry) not in before), primary[0] if primary else None)
    for entry in primary:
        if entry is not chosen:
            entry["primary"] = False
