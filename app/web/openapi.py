"""Operations of the JSON API: each is declared once, and routed and described from that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

from flask import Blueprint, Response, request
from pydantic import BaseModel, ValidationError
from pydantic.json_schema import models_json_schema
from werkzeug.exceptions import BadRequest

from app import __version__
from app.web.models import ErrorAnswer

Query = TypeVar("Query", bound=BaseModel)

_REFS = "#/components/schemas/{model}"
_ERRORS = {
    "400": "A parameter cannot be used.",
    "401": "No token, or one that is unknown, expired or revoked.",
    "403": "The token is not of scope admin.",
    "404": "There is nothing of that name.",
    "503": "The database, or the policy, cannot be used.",
}
_REFUSED = {"409": "It cannot be done as things are; the message says why."}


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the API: its path below the blueprint, what it takes and what it gives.

    One that changes something is a POST without a body.
    """

    path: str
    name: str
    summary: str
    query: type[BaseModel]
    answer: type[BaseModel]
    method: str = "GET"


def serve_operation(blueprint: Blueprint, operation: Operation, view: Callable[..., BaseModel]) -> None:
    """Route the operation to `view(query, **path_parameters)` and answer what it returns as JSON."""

    @wraps(view)
    def answer(**path_parameters: str) -> Response:
        report = view(read_query(operation.query), **path_parameters)
        return Response(report.model_dump_json(by_alias=True), mimetype="application/json")

    blueprint.add_url_rule(operation.path, operation.name, answer, methods=[operation.method])


def read_query(model: type[Query]) -> Query:
    """Return the parameters of the request at hand; one that is empty, as forms send it, is not given.

    Raise BadRequest naming every one that cannot be used.
    """
    given = {name: value for name, value in request.args.items() if value}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise BadRequest("; ".join(f"{_place(e['loc'])}: {e['msg']}" for e in error.errors())) from None


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location)


def describe(operations: list[Operation], prefix: str) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of the operations below `prefix`."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tecton SCIM Bridge: admin API", "version": __version__},
        "paths": _paths(operations, prefix),
        "security": [{"admin_token": []}],
        "components": {
            "schemas": _schemas([of.answer for of in operations]),
            "securitySchemes": {"admin_token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _paths(operations: list[Operation], prefix: str) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for of in operations:
        paths.setdefault(prefix + _braced(of.path), {})[of.method.lower()] = _describe_operation(of)
    return paths


def _schemas(answers: list[type[BaseModel]]) -> dict[str, Any]:
    described: list[type[BaseModel]] = [*answers, ErrorAnswer]
    models: list[tuple[type[BaseModel], Any]] = [(model, "serialization") for model in described]
    schemas: dict[str, Any] = models_json_schema(models, ref_template=_REFS)[1]["$defs"]
    return schemas


def _braced(path: str) -> str:
    return path.replace("<", "{").replace(">", "}")


def _describe_operation(operation: Operation) -> dict[str, Any]:
    answers = {"200": _json_answer(operation.summary, operation.answer)}
    errors = _ERRORS if operation.method == "GET" else _ERRORS | _REFUSED
    answers |= {status: _json_answer(meaning, ErrorAnswer) for status, meaning in errors.items()}
    return {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": [*_path_parameters(operation.path), *_query_parameters(operation.query)],
        "responses": answers,
    }


def _json_answer(meaning: str, model: type[BaseModel]) -> dict[str, Any]:
    schema = {"$ref": _REFS.format(model=model.__name__)}
    return {"description": meaning, "content": {"application/json": {"schema": schema}}}


def _path_parameters(path: str) -> list[dict[str, Any]]:
    names = [part.strip("<>") for part in path.split("/") if part.startswith("<")]
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _query_parameters(model: type[BaseModel]) -> list[dict[str, Any]]:
    schema = model.model_json_schema(by_alias=True)
    shared = schema.get("$defs", {})
    return [
        {"name": name, "in": "query", "required": False, "schema": _inlined(of, shared)}
        for name, of in schema.get("properties", {}).items()
    ]


def _inlined(schema: Any, shared: dict[str, Any]) -> Any:
    """Return a schema without references: those of a query are small, and live in no component."""
    if isinstance(schema, list):
        return [_inlined(part, shared) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return shared[schema["$ref"].rpartition("/")[2]]
    return {name: _inlined(part, shared) for name, part in schema.items()}
