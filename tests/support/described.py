"""Whether an answer is one that the service's own OpenAPI document describes: status, content type, headers, body."""

from functools import cache
from typing import Any

import jsonschema_rs
from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

_KEPT: dict[str, "Description"] = {}


class Undescribed(AssertionError):
    """An answer that the document does not know."""


class Description:
    """The OpenAPI document of an application, to hold answers against."""

    def __init__(self, app: Flask) -> None:
        self._urls = app.url_map.bind("localhost")
        self.document: dict[str, Any] = app.test_client().get("/openapi.json").get_json()
        self._validator_of = cache(self._make_validator)

    def check(self, answer: TestResponse) -> None:
        """Do nothing if the answer is as described, or of a route that belongs to no operation.

        Raises: Undescribed.
        """
        verb, path, status = answer.request.method.lower(), self._path_of(answer), str(answer.status_code)
        operation = self.document["paths"].get(path, {}).get(verb)
        if operation is None:
            return
        described = operation["responses"].get(status)
        where = f"{verb.upper()} {path}: {status}"
        if described is None:
            raise Undescribed(f"{where} is not described: {answer.get_data(as_text=True)[:500]}")
        content = self._resolved(described).get("content", {})
        self._check_content(where, answer, content, (path, verb, status))

    def _check_content(
        self, where: str, answer: TestResponse, content: dict[str, Any], place: tuple[str, str, str]
    ) -> None:
        if not content:
            if answer.get_data():
                raise Undescribed(f"{where} has a body, and none is described")
            return
        if answer.mimetype not in content and f"{answer.mimetype.split('/')[0]}/*" not in content:
            raise Undescribed(f"{where} is {answer.mimetype}, and {list(content)} is described")
        if answer.mimetype.endswith("json"):
            error = next(self._validator_of(*place, answer.mimetype).iter_errors(answer.get_json()), None)
            if error is not None:
                raise Undescribed(f"{where} {'/'.join(map(str, error.instance_path))}: {error.message}")

    def _path_of(self, answer: TestResponse) -> str | None:
        try:
            rule, _ = self._urls.match(answer.request.path, answer.request.method, return_rule=True)
        except HTTPException:
            return None
        return "".join(f"{{{data}}}" if is_dynamic else data for is_dynamic, data in rule._trace).lstrip("|")

    def _resolved(self, node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            target: Any = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node

    def _make_validator(self, path: str, verb: str, status: str, mimetype: str) -> Any:
        response = self._resolved(self.document["paths"][path][verb]["responses"][status])
        schema = {**response["content"][mimetype].get("schema", {}), "components": self.document["components"]}
        return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


def description_of(app: Flask) -> Description:
    """The application's description; read once."""
    return _KEPT.setdefault(app.name, Description(app)) if app.name not in _KEPT else _KEPT[app.name]
