"""The description of the API is true: authority, idempotency and problems of every operation."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.support.notebook import Notebook, notebook

PROBLEM = "application/problem+json"


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Notebook]:
    with notebook(f"sqlite:///{tmp_path}/notebook.sqlite3") as opened:
        yield opened


@pytest.fixture
def document(book: Notebook) -> dict[str, Any]:
    found: dict[str, Any] = book.http.get("/openapi.json").json
    return found


def resolved(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        target: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for inner in node.values():
            yield from references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from references(inner)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for verb in ("get", "put", "post", "delete"):
            if verb in item:
                yield verb, path, item[verb]


def test_it_is_openapi_3_1_with_every_reference_resolved(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    assert document["info"] == {"title": "Notebook", "version": "1"}
    assert [tag["name"] for tag in document["tags"]] == ["notes", "ops", "audit"]
    assert document["tags"][0]["description"] == "Notes"
    for reference in references(document):
        resolved(document, {"$ref": reference})
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_operation_has_an_id_of_its_own_a_summary_and_a_tag(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(ids)) == len(ids)
    assert "post_notes" in ids
    assert "get_notes_note_id" in ids
    for _, path, operation in operations(document):
        assert operation["summary"]
        assert operation["tags"] == [path.split("/")[1]]


def test_every_operation_says_that_it_needs_a_token_and_who_may(document: dict[str, Any]) -> None:
    scheme = document["components"]["securitySchemes"]["bearer"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert all(operation["security"] == [{"bearer": []}] for _, _, operation in operations(document))
    assert document["paths"]["/notes"]["get"]["x-roles"] == ["auditor", "community_officer"]


def test_the_key_is_a_required_header_where_something_is_created(document: dict[str, Any]) -> None:
    required = {}
    for verb, path, operation in operations(document):
        headers = {p["name"]: p for p in operation.get("parameters", []) if p.get("in") == "header"}
        required[verb, path] = headers["Idempotency-Key"]["required"] if headers else None
    assert required["post", "/notes"] is True
    assert required["put", "/notes/{note_id}"] is False
    assert required["get", "/notes"] is None


def test_every_error_is_described_as_a_problem_document(document: dict[str, Any]) -> None:
    for _, _, operation in operations(document):
        for status, response in operation["responses"].items():
            assert status.isdigit(), "no default response: each error is named"
            if status >= "400":
                content = resolved(document, response)["content"]
                assert list(content) == [PROBLEM]
                problem = resolved(document, content[PROBLEM]["schema"])
                assert {"type", "title", "status", "code", "detail"} <= set(problem["required"])


def test_each_operation_names_the_errors_it_can_give(document: dict[str, Any]) -> None:
    statuses = {(v, p): {int(s) for s in o["responses"]} for v, p, o in operations(document)}
    assert statuses["post", "/notes"] == {201, 400, 401, 403, 409, 413, 415, 422, 429, 500, 503}
    assert statuses["get", "/notes"] == {200, 400, 401, 403, 413, 422, 429, 500, 503}
    assert statuses["get", "/notes/{note_id}"] == {200, 400, 401, 403, 413, 404, 429, 500, 503}
    assert statuses["get", "/notes/asker"] == {200, 400, 401, 403, 413, 429, 500, 503}


def test_a_problem_given_is_as_described(book: Notebook, document: dict[str, Any]) -> None:
    schema = document["components"]["schemas"]["Problem"] | {"components": document["components"]}
    for response in (book.write({"text": "", "x": 1}), book.http.get("/notes"), book.read("/no")):
        Draft202012Validator(schema).validate(response.json)


def test_an_answer_given_is_as_described(book: Notebook, document: dict[str, Any]) -> None:
    book.write({"text": "a"})
    described = document["paths"]["/notes"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    schema = resolved(document, described) | {"components": document["components"]}
    Draft202012Validator(schema).validate(book.read("/notes").json)


def test_the_document_is_the_same_each_time_and_for_each_application(book: Notebook, tmp_path: Path) -> None:
    first = book.http.get("/openapi.json").get_data()
    with notebook(f"sqlite:///{tmp_path}/other.sqlite3") as other:
        assert other.http.get("/openapi.json").get_data() == first
    assert book.http.get("/openapi.json").get_data() == first
