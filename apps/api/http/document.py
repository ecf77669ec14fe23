"""The OpenAPI document: what each operation takes and gives, with examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from apps.api.http.operations import Operation
from apps.api.http.problems import KINDS, MEDIA_TYPE
from apps.api.http.schemas import Schemas
from apps.engine.routines.parameters import Parameter, as_plain

__all__ = ["document_of"]

_EVERYWHERE = (400, 401, 404, 405, 409, 421, 422, 429, 500, 503, 507)
_WITH_BODY = (408, 413, 415)

_PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457, with Interactive Brokers' own code, and each field that was wrong.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "ib_code": {"type": "integer"},
        "problems": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "required": ["type", "title", "status", "detail"],
}

_KEY_HEADER: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Names the request: asked again under the same key it gives its first answer, "
    "with `Idempotent-Replayed: true`, and sends nothing.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 100, "pattern": "^[!-~]+$"},
}


def document_of(operations: Sequence[Operation], version: str) -> dict[str, Any]:
    """Give the document of ``operations``."""
    schemas = Schemas()
    paths: dict[str, dict[str, Any]] = {}
    for each in operations:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Breakout Desk",
            "version": version,
            "description": "The routines of an account at Interactive Brokers, what it holds, and "
            "breakout watchers. Prices, money and quantities are strings, so that no digit is "
            "lost; numbers are taken as they are written. Times are the market's, in UTC.",
        },
        "paths": paths,
        "components": {
            "schemas": {"Problem": _PROBLEM, **schemas.definitions},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def _operation(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    in_body = [
        each
        for each in operation.parameters
        if operation.takes_body and each.name not in operation.places
    ]
    found: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.meaning,
        "description": operation.explanation,
        "parameters": [
            _parameter(each, operation) for each in operation.parameters if each not in in_body
        ],
        "responses": _responses(operation, schemas),
    }
    if operation.takes_key:
        found["parameters"].append(_KEY_HEADER)
    if operation.takes_body:
        found["requestBody"] = _body(in_body, operation.example)
    return found


def _parameter(each: Parameter, operation: Operation) -> dict[str, Any]:
    is_place = each.name in operation.places
    found: dict[str, Any] = {
        "name": each.name,
        "in": "path" if is_place else "query",
        "required": is_place or each.is_required,
        "description": each.meaning,
        "schema": _in_query(each),
    }
    return found


def _in_query(each: Parameter) -> dict[str, Any]:
    """Give the schema of a parameter as text: weights are words there, such as AAPL=0.4."""
    if each.kind.schema.get("type") == "object":
        return {"type": "array", "items": {"type": "string"}, "minItems": 1}
    return _schema(each)


def _schema(each: Parameter) -> dict[str, Any]:
    schema = dict(each.kind.schema)
    if not each.is_required and each.default not in (None, (), frozenset()):
        schema["default"] = as_plain(each.default)
    return schema


def _body(parameters: Sequence[Parameter], example: Mapping[str, object]) -> dict[str, Any]:
    required = [each.name for each in parameters if each.is_required]
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {
            each.name: {"description": each.meaning, **_schema(each)} for each in parameters
        },
        "additionalProperties": False,
    }
    if required:
        schema["required"] = required
    content = {"schema": schema, "example": dict(example)}
    return {"required": bool(required), "content": {"application/json": content}}


def _responses(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    content = {operation.media_type: {"schema": schemas.of(operation.answers)}}
    responses: dict[str, Any] = {"200": {"description": operation.meaning, "content": content}}
    statuses = {*_EVERYWHERE, *operation.also, *(_WITH_BODY if operation.takes_body else ())}
    problem = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for status in sorted(statuses):
        titles = [kind.title for kind in KINDS if kind.status == status]
        described = "; ".join(titles) or HTTPStatus(status).phrase
        responses[str(status)] = {"description": described, "content": problem}
    return responses
