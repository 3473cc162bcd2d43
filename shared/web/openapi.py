"""Completing the OpenAPI document with what is true of every operation: authority, idempotency, problems."""

import re
from typing import Any

from flask import Flask

from shared.web.operation import Declaration, declaration_of
from shared.web.problems import CONTENT_TYPE, TITLES

_SIGNED_IN = (401, 403, 503)


def complete(document: dict[str, Any], app: Flask) -> dict[str, Any]:
    """The document with security, the Idempotency-Key header and the problems of each operation."""
    components = document.setdefault("components", {})
    components.setdefault("securitySchemes", {})["bearer"] = {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
    }
    components["responses"] = {f"Problem{status}": _problem(title) for status, title in TITLES.items()}
    declared = _declarations(app)
    for path, operations in document.get("paths", {}).items():
        for method, described in operations.items():
            if isinstance(described, dict) and (method, path) in declared:
                _complete_operation(described, declared[method, path], path)
    return document


def _declarations(app: Flask) -> dict[tuple[str, str], Declaration]:
    found = {}
    for rule in app.url_map.iter_rules():
        view_class = getattr(app.view_functions[rule.endpoint], "view_class", None)
        for method in rule.methods or ():
            declaration = declaration_of(getattr(view_class, method.lower(), None))
            if declaration is not None:
                found[method.lower(), re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule)] = declaration
    return found


def _complete_operation(described: dict[str, Any], declaration: Declaration, path: str) -> None:
    described["security"] = [{"bearer": []}]
    described["x-roles"] = sorted(role.value for role in declaration.roles)
    if declaration.creates:
        described.setdefault("parameters", []).append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": True,
                "description": "New for every new act, the same when it is tried again",
                "schema": {"type": "string", "minLength": 1, "maxLength": 200},
            }
        )
    responses = described.setdefault("responses", {})
    for kept in ("default", "422"):
        responses.pop(kept, None)
    for status in sorted(_possible(described, declaration, path)):
        responses[str(status)] = {"$ref": f"#/components/responses/Problem{status}"}


def _possible(described: dict[str, Any], declaration: Declaration, path: str) -> set[int]:
    possible = {*_SIGNED_IN}
    if "requestBody" in described:
        possible |= {400, 409, 413, 415, 422}
    if declaration.creates:
        possible |= {400, 409, 422}
    if "{" in path:
        possible.add(404)
    if described.get("parameters"):
        possible.add(422)
    return possible


def _problem(title: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Error"}
    return {"description": title, "content": {CONTENT_TYPE: {"schema": schema}}}
