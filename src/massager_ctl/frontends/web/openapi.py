"""Builds the OpenAPI document from the table of routes and their types."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from massager_ctl.frontends.web.api import REQUESTS, ROUTES, Route, Stamped
from massager_ctl.frontends.web.problems import MEDIA_TYPE, Problem
from massager_ctl.model.request_document import ALL_ZONES
from massager_ctl.model.units import ZONES

_REF: Final = "#/components/schemas/{name}"

_PERCENT: Final = {"type": "number", "minimum": 0, "maximum": 100}
_AS_READ: Final[Mapping[str, dict[str, Any]]] = {
    "percent": _PERCENT,
    "points": {**_PERCENT, "default": 5},
    "cap": {"type": ["number", "null"], "minimum": 0, "maximum": 100, "default": None},
    "zone": {"enum": [*(zone.value for zone in ZONES), ALL_ZONES], "default": ALL_ZONES},
    "profile": {"type": ["string", "null"], "default": None},
}
"""Keys that requests take in another form than the type has."""


def document() -> dict[str, Any]:
    """The whole API in OpenAPI 3.1."""
    kinds = list(dict.fromkeys(kind for route in ROUTES for kind in _kinds(route)))
    schemas, components = msgspec.json.schema_components([*kinds, Problem], ref_template=_REF)
    named = dict(zip([*kinds, Problem], schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, named)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "massager-ctl",
            "version": "1",
            "description": "Every request is remote (R18): a stop needs nothing, a start or raise needs a stamp.",
        },
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "massager_8137"},
            },
        },
    }


def _kinds(route: Route) -> list[type[Struct]]:
    kinds = [route.gives, None if route.takes in REQUESTS else route.takes]
    return [kind for kind in kinds if kind is not None and not isinstance(kind, str)]


def _operation(route: Route, named: Mapping[Any, dict[str, Any]]) -> dict[str, Any]:
    if isinstance(route.gives, str):
        content: dict[str, Any] = {route.gives: {}}
    else:
        content = {"application/json": {"schema": named[route.gives]}}
    operation: dict[str, Any] = {
        "summary": route.says,
        "operationId": f"{route.method.lower()}_{re.sub(r'[^a-z0-9]+', '_', route.path).strip('_')}",
        "responses": {
            "200": {"description": "Done.", "content": content},
            "default": {
                "description": "What failed, and what to do about it (RFC 9457).",
                "content": {MEDIA_TYPE: {"schema": named[Problem]}},
            },
        },
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", route.path)
    ]
    parameters += [
        {"name": name, "in": "query", "description": says, "schema": msgspec.json.schema(kind)}
        for name, kind, says in route.query
    ]
    if parameters:
        operation["parameters"] = parameters
    if route.takes is not None:
        schema = request_schema(route.takes) if route.takes in REQUESTS else named[route.takes]
        operation["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    operation["security"] = [{"bearer": []}, {"cookie": []}] if route.session else []
    return operation


def request_schema(kind: type[Struct]) -> dict[str, Any]:
    """The schema of a request's body: its own keys and those of the stamp; its name is in the path."""
    own = _plain(kind)
    stamp = _plain(Stamped)["properties"]
    properties = {key: _AS_READ.get(key, value) for key, value in own["properties"].items()}
    properties.pop("request", None)
    needed = [key for key in own.get("required", ()) if key != "request"]
    if kind.__struct_config__.tag == "set":
        needed.append("zone")
    schema: dict[str, Any] = {
        "type": "object",
        "properties": properties | stamp,
        "additionalProperties": False,
    }
    return schema | ({"required": needed} if needed else {})


def _plain(kind: type[Struct]) -> dict[str, Any]:
    """The schema of one type with its references resolved."""
    schema = msgspec.json.schema(kind)
    definitions = schema.get("$defs", {})

    def resolved(value: Any) -> Any:
        if isinstance(value, dict):
            reference = value.get("$ref")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
            if isinstance(reference, str):
                return resolved(definitions[reference.rpartition("/")[2]])
            return {key: resolved(inner) for key, inner in value.items()}  # pyright: ignore[reportUnknownVariableType]
        if isinstance(value, list):
            return [resolved(inner) for inner in value]  # pyright: ignore[reportUnknownVariableType]
        return value

    return resolved({"$ref": schema["$ref"]})


def main(path: str) -> None:
    """Write the document, for docs/reference."""
    text = json.dumps(document(), indent=2, ensure_ascii=False)
    Path(path).write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
