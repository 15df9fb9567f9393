"""The floor: Flask and SQLAlchemy Core doing the least durable work that a push can be answered with.

A token is looked up, a user stored as one JSON document with two index rows and one row in a queue, all
in one transaction. Nothing is validated, nothing else is SCIM.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, request
from sqlalchemy import (
    JSON,
    Column,
    DateTime,
    Engine,
    Index,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.store.database import Database

metadata = MetaData()
tokens = Table("tokens", metadata, Column("digest", String(64), primary_key=True), Column("name", String(50)))
users = Table(
    "users",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("document", JSON().with_variant(JSONB(), "postgresql"), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)
keys = Table(
    "keys",
    metadata,
    Column("user_id", String(36), primary_key=True),
    Column("name", String(20), primary_key=True),
    Column("value", String(300), nullable=False),
    Index("ix_keys_name_value", "name", "value"),
)
queue = Table("queue", metadata, Column("id", String(36), primary_key=True), Column("at", DateTime(timezone=True)))


def create_floor(engine: Engine) -> Flask:
    """Return the floor application."""
    app = Flask("floor", static_folder=None)

    def let_in(connection: Any) -> None:
        digest = hashlib.sha256(request.headers["Authorization"][7:].encode()).hexdigest()
        connection.execute(select(tokens.c.name).where(tokens.c.digest == digest)).one()

    @app.post("/scim/v2/Users")
    def create() -> Response:
        now, id_ = datetime.now(UTC), str(uuid.uuid4())
        document = {**request.get_json(force=True), "id": id_}
        names = (("userName", document["userName"].lower()), ("externalId", document.get("externalId", "")))
        with engine.begin() as connection:
            let_in(connection)
            connection.execute(insert(users), {"id": id_, "document": document, "created_at": now})
            connection.execute(insert(keys), [{"user_id": id_, "name": name, "value": value} for name, value in names])
            connection.execute(insert(queue), {"id": id_, "at": now})
        return _answer(app, document, 201)

    @app.get("/scim/v2/Users")
    def find() -> Response:
        text, start = request.args.get("filter"), int(request.args.get("startIndex", 1))
        with engine.begin() as connection:
            let_in(connection)
            if text:
                name = text.split('"')[1].lower()
                joined = users.join(keys, keys.c.user_id == users.c.id)
                wanted = (keys.c.name == "userName") & (keys.c.value == name)
                statement = select(users.c.document).select_from(joined).where(wanted)
            else:
                statement = select(users.c.document).order_by(users.c.created_at, users.c.id)
                statement = statement.offset(start - 1).limit(int(request.args.get("count", 100)))
            found = list(connection.execute(statement).scalars())
        return _answer(app, {"totalResults": len(found), "Resources": found}, 200)

    @app.patch("/scim/v2/Users/<id_>")
    def patch(id_: str) -> Response:
        with engine.begin() as connection:
            let_in(connection)
            document = connection.execute(select(users.c.document).where(users.c.id == id_)).scalar_one()
            document["active"] = False
            connection.execute(update(users).where(users.c.id == id_).values(document=document))
            connection.execute(update(queue).where(queue.c.id == id_).values(at=datetime.now(UTC)))
        return _answer(app, document, 200)

    return app


def _answer(app: Flask, body: Any, status: int) -> Response:
    return Response(app.json.dumps(body), status, content_type="application/scim+json")


def open_engine(url: str) -> Engine:
    """Return an engine like the bridge's own, without its questions whether a connection is alive."""
    engine = create_engine(Database(url).url, pool_size=10)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def configure(connection: Any, _record: Any) -> None:
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "busy_timeout = 5000"):
                connection.execute(f"PRAGMA {pragma}")

    return engine


def prepare(url: str, secret: str) -> None:
    """Make the floor's tables, empty, and one token."""
    engine = open_engine(url)
    metadata.drop_all(engine)
    metadata.create_all(engine)
    with engine.begin() as connection:
        digest = hashlib.sha256(secret.encode()).hexdigest()
        connection.execute(insert(tokens), {"digest": digest, "name": "bench"})
    engine.dispose()


def application() -> Flask:
    """Return the application for gunicorn, on the database that the environment names."""
    return create_floor(open_engine(os.environ["FLOOR_DATABASE_URL"]))
