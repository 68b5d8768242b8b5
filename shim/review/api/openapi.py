"""The description of /api/v1 as OpenAPI 3.1, made of the routes and of the nouns that they answer with."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime
from importlib.metadata import version
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from shim.review.api.routes import ROUTES, Parameter, Route

_PLAIN: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    datetime: {"type": "string", "format": "date-time"},
    date: {"type": "string", "format": "date"},
    type(None): {"type": "null"},
}
_PROBLEM = {
    "type": "object",
    "required": ["problem"],
    "additionalProperties": False,
    "properties": {"problem": {"type": "string"}},
}


def document() -> dict[str, Any]:
    """The whole description."""
    schemas: dict[str, Any] = {"Problem": _PROBLEM}
    paths: dict[str, Any] = {}
    for route in ROUTES:
        paths.setdefault(f"/api/v1{route.path}", {})[route.method.lower()] = _operation(route, schemas)
    bearer = {"type": "http", "scheme": "bearer", "description": "A token of admin.tokens: `shim admin token`."}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "SystemAPI shim",
            "version": version("systemapi-shim"),
            "description": "Integrations, operations, findings and changes of a shim. No value of any message.",
        },
        "security": [{"token": []}],
        "paths": paths,
        "components": {"schemas": dict(sorted(schemas.items())), "securitySchemes": {"token": bearer}},
    }


def _operation(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "description": f"Needs the role {route.role} or a higher one.",
        "parameters": [_parameter(each) for each in route.parameters],
        "responses": {
            "200": {"description": "What was asked for.", "content": _json(_answer(route, schemas))},
            **{
                str(code): _refusal(code)
                for code in (400, 401, 403, *((404,) if "{" in route.path else ()), 503)
            },
        },
    }
    if route.body is not None:
        described["requestBody"] = {"required": True, "content": _json(schema_of(route.body, schemas))}
    return described


def _refusal(code: int) -> dict[str, Any]:
    return {"description": _CODES[code], "content": _json({"$ref": "#/components/schemas/Problem"})}


_CODES = {
    400: "A parameter or the body cannot be read; `problem` says which.",
    401: "There is no token, or none that is known.",
    403: "The token's role may not do this.",
    404: "There is no such thing.",
    503: "The store is busy or away: try again.",
}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _answer(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    item = schema_of(route.answer, schemas)
    if not route.paged:
        return item
    whole = {"items": {"type": "array", "items": item}, "total": {"type": "integer"}}
    properties = {**whole, "next": {"type": ["string", "null"], "description": "The address of the next part."}}
    required = list(properties)
    return {"type": "object", "required": required, "additionalProperties": False, "properties": properties}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.place == "path",
        "description": parameter.about,
        "schema": parameter.schema,
    }


def schema_of(kind: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    """The JSON schema of a type; those of dataclasses stand in `schemas` under their names."""
    if kind in _PLAIN:
        return dict(_PLAIN[kind])
    if is_dataclass(kind):
        return _object(kind, schemas)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return {"type": "string", "enum": list(arguments)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [schema_of(each, schemas) for each in arguments]}
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return {"type": "array", "items": schema_of(arguments[0], schemas)}
        return {"type": "array", "prefixItems": [schema_of(each, schemas) for each in arguments]}
    if origin is Sequence:
        return {"type": "array", "items": schema_of(arguments[0], schemas)}
    if origin is not None and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": schema_of(arguments[1], schemas)}
    raise TypeError(f"no schema for {kind}")


def _object(kind: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    name = kind.__name__
    if name not in schemas:
        schemas[name] = {}  # it may hold itself
        hints = get_type_hints(kind)
        properties = fields(kind)
        schemas[name] = {
            "type": "object",
            "required": [each.name for each in properties if not _optional(kind, each)],
            "additionalProperties": False,
            "properties": {each.name: schema_of(hints[each.name], schemas) for each in properties},
        }
    return {"$ref": f"#/components/schemas/{name}"}


def _optional(kind: Any, field: Any) -> bool:
    """Answers have all of their keys; what a body may lack has a default."""
    return bool(getattr(kind, "OPTIONAL", False)) and field.default is not MISSING
