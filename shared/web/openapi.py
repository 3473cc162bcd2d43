"""Completing the OpenAPI document with what is true of every operation: authority, idempotency, problems."""

import re
from http import HTTPStatus
from typing import Any

from flask import Flask
from flask_smorest import Api
from werkzeug.routing import Rule

from shared.web.idempotency import HEADER, LONGEST_KEY, REPLAYED
from shared.web.operation import Declaration, declaration_of
from shared.web.problems import CONTENT_TYPE, TITLES, ProblemSchema

_RETRIED = (503, 422, 429)
_VERBS = ("get", "put", "post", "patch", "delete")


class ServiceApi(Api):  # type: ignore[misc]
    """flask-smorest's extension, without its own error handling and its own description of errors."""

    DEFAULT_ERROR_RESPONSE_NAME = None
    ERROR_SCHEMA = ProblemSchema

    def _register_error_handlers(self) -> None:
        """`shared.web.problems` renders errors."""


def openapi_document(api: ServiceApi, app: Flask) -> dict[str, Any]:
    """The whole OpenAPI 3.1 document of an application."""
    if "Problem" not in api.spec.components.schemas:
        api.spec.components.schema("Problem", schema=ProblemSchema)
    document: dict[str, Any] = api.spec.to_dict()
    components = document.setdefault("components", {})
    components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    components["responses"] = {f"Problem{status}": _problem_response(status) for status in TITLES}
    declared = _declarations(app)
    limit = app.config["MAX_CONTENT_LENGTH"]
    components["responses"]["Problem413"]["description"] += f": a body has at most {limit} bytes"
    for path, operations in document.get("paths", {}).items():
        for verb in _VERBS:
            if verb in operations:
                _complete(operations, declared.get((verb, path)), verb, path)
    return document


def _declarations(app: Flask) -> dict[tuple[str, str], Declaration]:
    found = {}
    for rule in app.url_map.iter_rules():
        for verb in _VERBS:
            declaration = declaration_of(_view_of(app, rule, verb))
            if declaration is not None:
                found[verb, re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule)] = declaration
    return found


def _view_of(app: Flask, rule: Rule, verb: str) -> Any:
    view = app.view_functions[rule.endpoint]
    view_class = getattr(view, "view_class", None)
    if view_class is not None:
        return getattr(view_class, verb, None)
    return view if verb.upper() in (rule.methods or ()) else None


def _complete(item: dict[str, Any], declaration: Declaration | None, verb: str, path: str) -> None:
    described = item[verb]
    described["operationId"] = f"{verb}_{re.sub(r'[^a-z0-9]+', '_', path.lower()).strip('_')}"
    if declaration is None:
        return
    described["security"] = [{"bearer": []}]
    described["x-roles"] = sorted(role.value for role in declaration.roles)
    responses = described.setdefault("responses", {})
    if verb != "get" and not declaration.looks:
        described.setdefault("parameters", []).append(_key_parameter(required=declaration.creates))
        _tell_of_replay(responses)
    for status in sorted(_possible_problems(described, verb, _path_parameters(described, item))):
        responses[str(status)] = {"$ref": f"#/components/responses/Problem{status}"}


def _path_parameters(described: dict[str, Any], item: dict[str, Any]) -> list[dict[str, Any]]:
    parameters = (*item.get("parameters", ()), *described.get("parameters", ()))
    return [parameter for parameter in parameters if parameter.get("in") == "path"]


def _possible_problems(described: dict[str, Any], verb: str, in_path: list[dict[str, Any]]) -> set[int]:
    possible = {400, 401, 403, 413, 429, 500, 503}  # also a GET's body is read, and refused when it cannot be
    if in_path:
        possible.add(404)
    if any(_is_plain_text(parameter["schema"]) for parameter in in_path):
        possible.add(422)  # a text may be none that is known
    if verb != "get":
        possible |= {409, 422}
    if "requestBody" in described:
        possible.add(415)
    if any(parameter.get("in") == "query" for parameter in described.get("parameters", ())):
        possible.add(422)
    return possible


def _is_plain_text(schema: dict[str, Any]) -> bool:
    return schema.get("type") == "string" and not schema.keys() & {"format", "enum"}


def _key_parameter(*, required: bool) -> dict[str, Any]:
    return {
        "name": HEADER,
        "in": "header",
        "required": required,
        "description": "New for every new act, the same when it is tried again",
        "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[\\x21-\\x7e]+$"},
    }


def _tell_of_replay(responses: dict[str, Any]) -> None:
    for status, response in responses.items():
        if status.startswith("2"):
            description = "true when this is the answer that the same request got before"
            response.setdefault("headers", {})[REPLAYED] = {
                "description": description,
                "schema": {"type": "string", "enum": ["true"]},
            }


def _problem_response(status: int) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    response: dict[str, Any] = {
        "description": f"{HTTPStatus(status).phrase}: {TITLES[status]}",
        "content": {CONTENT_TYPE: {"schema": schema}},
    }
    if status == 429:
        response["description"] += ": come again after as many seconds as Retry-After says; nothing was changed"
    if status in _RETRIED:
        seconds = {"description": "Seconds; only when trying again helps", "schema": {"type": "integer"}}
        response["headers"] = {"Retry-After": seconds}
    if status == 401:
        response["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    return response
