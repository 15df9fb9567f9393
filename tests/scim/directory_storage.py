"""The directory behind the library's storage interface, so that the library's own contract can judge it.

Requests are served from stored documents and never come this way: building models costs more than all
the rest. The statements below it are those that serve them.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from scim2_models import (
    Context,
    InvalidCursorException,
    NotFoundException,
    Resource,
    ResourceType,
    ScimProvider,
    UniquenessException,
)
from scim2_server.conditions import Conditions
from scim2_server.storage import ScimStorage, SearchPage

from app.core.attributes import RESOURCE_SCHEMAS, ResourceSchema
from app.scim import writes
from app.scim.rendering import stream_group
from app.store import directory
from app.store.database import Database
from app.store.directory import NameTaken, Stored
from app.store.search import Search, find_page
from app.store.sorting import Position
from app.store.sql import Conflict, Session, connect

_TICKS = itertools.count()


class DirectoryStorage(ScimStorage):
    """A storage of the library over the tables of the directory."""

    supports_cursors = True

    def __init__(self, database: Database, provider: ScimProvider) -> None:
        self.database = database
        self.provider = provider

    def get(self, resource_type: ResourceType, resource_id: str, *, response_parameters: Any = None) -> Resource[Any]:
        with connect(self.database) as session:
            stored = directory.load(session, _schema(resource_type), resource_id)
            if stored is None:
                raise NotFoundException
            return self._model(session, stored)

    def search(self, resource_types: list[ResourceType], search_request: Any, *, position: Any = None) -> SearchPage:
        with connect(self.database) as session:
            page = find_page(session, self._search(resource_types, search_request, position))
            resources = [self._model(session, stored) for stored in page.resources]
            return SearchPage(page.total, resources, page.next, page.previous)

    def _search(self, resource_types: list[ResourceType], request: Any, position: Any) -> Search:
        if position is not None and not isinstance(position, Position):
            raise InvalidCursorException
        return Search(
            [_schema(resource_type) for resource_type in resource_types],
            filter=request.filter.ast if request.filter else None,
            sort_by=request.sort_by.ast if request.sort_by else None,
            descending=request.sort_order == "descending",
            start=request.start_index_0 or 0,
            count=10**6 if request.count is None else request.count,
            by_position=request.cursor is not None,
            position=position,
        )

    def create(self, resource_type: ResourceType, resource: Resource[Any]) -> Resource[Any]:
        creation = writes.create(_push(), _schema(resource_type), _payload(resource))
        if getattr(resource, "active", None) is None:
            creation.document.pop("active", None)
        return self._write(creation)

    def update(
        self, resource_type: ResourceType, resource: Resource[Any], *, expected_version: str | None = None
    ) -> Resource[Any]:
        conditions = Conditions(if_match=expected_version)
        payload = _payload(resource)
        return self._write(writes.replace(_push(), _schema(resource_type), resource.id or "", payload, conditions))

    def delete(self, resource_type: ResourceType, resource_id: str, *, expected_version: str | None = None) -> None:
        conditions = Conditions(if_match=expected_version)
        with connect(self.database) as session:
            writes.Deletion(_push(), _schema(resource_type), resource_id, conditions).alone(session)

    @contextmanager
    def operation(self) -> Iterator[None]:
        yield

    def _write(self, write: writes.Write) -> Resource[Any]:
        with connect(self.database) as session:
            try:
                stored = write.alone(session)
            except (NameTaken, Conflict) as error:
                raise UniquenessException from error
            assert stored is not None
            return self._model(session, stored)

    def _model(self, session: Session, stored: Stored) -> Resource[Any]:
        base = "https://bridge.test/scim/v2"
        document = json.loads("".join(stream_group(session, stored, base, None)))
        document["meta"].pop("location")
        model = self.provider.model_for(stored.type)
        assert model is not None
        return model.model_validate(document, scim_ctx=Context.DEFAULT)  # type: ignore[return-value]


def _schema(resource_type: ResourceType) -> ResourceSchema:
    return RESOURCE_SCHEMAS[str(resource_type.name)]


def _payload(resource: Resource[Any]) -> dict[str, Any]:
    return resource.model_dump(scim_ctx=Context.DEFAULT)


def _push() -> writes.Push:
    """A push a moment after the one before: the directory lists in the order of creation."""
    now = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(milliseconds=next(_TICKS))
    return writes.Push("contract", now, timedelta(0))
