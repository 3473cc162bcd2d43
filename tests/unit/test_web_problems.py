"""Every refusal and every fault is one problem document, with its status, a stable code and the place."""

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError, fields
from sqlalchemy.exc import DataError, OperationalError, TimeoutError

from shared.kernel.errors import Conflict, FieldProblem, InvalidInput
from shared.web.body import parse_json
from shared.web.problems import invalid_input_of, problem_of
from shared.web.refusals import BadRequest, field_error
from tests.support.notebook import Notebook, happenings, notebook


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Notebook]:
    with notebook(f"sqlite:///{tmp_path}/notebook.sqlite3") as opened:
        yield opened


def post_raw(book: Notebook, body: bytes, content_type: str | None = "application/json", **options: Any) -> Any:
    return book.http.post("/notes", data=body, content_type=content_type, headers=book.headers(key="key-1"), **options)


def problem_in(response: Any, status: int, code: str) -> dict[str, Any]:
    assert (response.status_code, response.json["code"]) == (status, code)
    assert response.content_type == "application/problem+json"
    assert response.json["type"] == f"urn:baton:problem:{code}"
    assert response.json["status"] == status
    assert response.json["title"]
    assert response.json["detail"]
    assert response.json["request_id"] == response.headers["X-Request-Id"]
    document: dict[str, Any] = response.json
    return document


def test_each_wrong_field_is_named_with_its_pointer_code_and_reason(book: Notebook) -> None:
    body = {"rank": 10, "until": "soon", "colours": ["red", "green"], "a/b~c": 1, "place": None}
    told = problem_in(book.write(body), 422, "validation.failed")
    assert {(e["location"], e["pointer"], e["code"]) for e in told["errors"]} == {
        ("body", "/text", "required"),
        ("body", "/rank", "range"),
        ("body", "/until", "type"),
        ("body", "/colours/1", "choice"),
        ("body", "/a~1b~0c", "unknown_field"),
        ("body", "/place", "null"),
    }
    assert all(e["detail"] for e in told["errors"])
    assert book.texts() == []


@pytest.mark.parametrize(("text", "code"), [("", "length"), ("x" * 101, "length"), (7, "type"), ({"a": 1}, "type")])
def test_a_text_of_the_wrong_length_or_kind_is_refused(book: Notebook, text: Any, code: str) -> None:
    told = problem_in(book.write({"text": text}), 422, "validation.failed")
    assert [(e["pointer"], e["code"]) for e in told["errors"]] == [("/text", code)]


def test_a_validators_own_code_is_the_code_of_the_problem(book: Notebook) -> None:
    told = problem_in(book.write({"text": "a", "place": "there"}), 422, "place.unknown")
    fault = {"pointer": "/place", "location": "body", "code": "place.unknown"}
    assert told["errors"] == [fault | {"detail": "there is no such place"}]


def test_an_own_code_beside_other_faults_does_not_name_the_whole(book: Notebook) -> None:
    told = problem_in(book.write({"place": "there"}), 422, "validation.failed")
    assert {e["code"] for e in told["errors"]} == {"required", "place.unknown"}


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"7", b"null"])
def test_a_body_that_is_no_object_is_refused(book: Notebook, body: bytes) -> None:
    problem_in(post_raw(book, body), 422, "validation.failed")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["text", "rank", "until", "colours", "place"]) | st.text(), inner)
        ),
        max_leaves=8,
    )
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_json_whatever_is_a_fault_of_ours(book: Notebook, body: Any) -> None:
    response = book.write(body)
    assert response.status_code in (201, 409, 400, 422)
    if response.status_code != 201:
        problem_in(response, response.status_code, response.json["code"])


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_whatever_are_a_fault_of_ours(book: Notebook, body: bytes) -> None:
    assert post_raw(book, body).status_code in (400, 422)


def test_a_wrong_query_parameter_is_placed_in_the_query(book: Notebook) -> None:
    told = problem_in(book.read("/notes?limit=201"), 422, "validation.failed")
    assert [(e["location"], e["pointer"]) for e in told["errors"]] == [("query", "/limit")]


def test_a_misspelt_query_parameter_is_refused_and_not_taken_for_none(book: Notebook) -> None:
    told = problem_in(book.read("/notes?limt=1"), 422, "validation.failed")
    assert [(e["location"], e["pointer"], e["code"]) for e in told["errors"]] == [("query", "/limt", "unknown_field")]


def test_an_empty_cursor_asks_for_the_first_page(book: Notebook) -> None:
    book.write({"text": "a"})
    assert [item["text"] for item in book.read("/notes?cursor=").json["items"]] == ["a"]


@pytest.mark.parametrize("cursor", ["x", "é", "W10", "bnVsbA", "eyJhIjoxfQ", "%20", "W1tdXQ", "MQ"])
def test_a_broken_cursor_is_refused(book: Notebook, cursor: str) -> None:
    told = problem_in(book.read(f"/notes?cursor={cursor}"), 422, "cursor.broken")
    assert [(e["location"], e["pointer"]) for e in told["errors"]] == [("query", "/cursor")]


@pytest.mark.parametrize(
    ("body", "position"),
    [
        (b"text=a", 0),
        (b'{"text": ', 9),
        (b'{"text": "a",}', 12),
        (b"\xff\xfe", 0),
        (b'{"text": "\\ud800"}', 10),
        (b'{"rank": NaN}', 9),
        (b'{"text": "a\x00b"}', 11),
        (b"[" * 100_000, 1025),
    ],
)
def test_a_body_that_is_not_json_is_refused_with_its_place(book: Notebook, body: bytes, position: int) -> None:
    told = problem_in(post_raw(book, body), 400, "body.not_json")
    assert abs(told["position"] - position) <= 3
    assert "line 1, column" in told["detail"]


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        (rb'{"text": "a\u0000b"}', "/text", "text.nul_character"),
        (rb'{"text": "a", "x": {"y": ["\u0000"]}}', "/x/y/0", "text.nul_character"),
        (rb'{"te\u0000xt": "a"}', "", "text.nul_character"),
        (b'{"rank": 9223372036854775808}', "/rank", "number.out_of_range"),
        (b'{"rank": -1e300}', "/rank", "number.out_of_range"),
    ],
)
def test_what_no_database_could_store_is_refused(book: Notebook, body: bytes, pointer: str, code: str) -> None:
    told = problem_in(post_raw(book, body), 422, "body.not_storable")
    assert [(e["pointer"], e["code"]) for e in told["errors"]] == [(pointer, code)]


def test_an_escaped_backslash_before_u0000_is_no_nul_character(book: Notebook) -> None:
    assert post_raw(book, rb'{"text": "a\\u0000"}').status_code == 201
    assert book.texts() == ["a\\u0000"]


def test_a_nul_character_in_the_query_or_the_path_is_refused(book: Notebook) -> None:
    told = problem_in(book.read("/notes?cursor=%00"), 422, "text.nul_character")
    assert told["errors"][0]["pointer"] == "/cursor"
    problem_in(book.read("/notes/named/a%00b"), 404, "route.not_found")


def test_a_path_and_a_query_of_invalid_unicode_are_no_fault_of_ours(book: Notebook) -> None:
    problem_in(book.read("/notes/named/%ff%fe"), 422, "note.unknown")
    problem_in(book.read("/notes?limit=%ff"), 422, "validation.failed")


@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/x-www-form-urlencoded", "application/json; charset=gbk"]
)
def test_a_wrong_content_type_is_refused(book: Notebook, content_type: str | None) -> None:
    problem_in(post_raw(book, b'{"text": "a"}', content_type), 415, "body.content_type")


def test_json_with_its_charset_is_read(book: Notebook) -> None:
    assert post_raw(book, '{"text": "中"}'.encode(), "application/json; charset=UTF-8").status_code == 201


def test_an_empty_body_lacks_the_required_fields(book: Notebook) -> None:
    told = problem_in(post_raw(book, b"", None), 422, "validation.failed")
    assert [(e["pointer"], e["code"]) for e in told["errors"]] == [("/text", "required")]


def test_a_body_over_the_limit_is_refused_and_the_connection_closed(book: Notebook) -> None:
    response = post_raw(book, b'{"text": "' + b"a" * 10_000_000 + b'"}')
    told = problem_in(response, 413, "body.too_large")
    assert told["limit_bytes"] == 1024 * 1024
    assert response.headers["Connection"] == "close"


def test_a_chunked_body_over_the_limit_is_refused_too(book: Notebook) -> None:
    response = book.http.post(
        "/notes",
        input_stream=BytesIO(b'{"text": "' + b"a" * 2_000_000 + b'"}'),
        content_type="application/json",
        headers=book.headers(key="key-1") | {"Transfer-Encoding": "chunked"},
    )
    problem_in(response, 413, "body.too_large")


def test_a_chunked_body_is_read(book: Notebook) -> None:
    response = book.http.post(
        "/notes",
        input_stream=BytesIO(b'{"text": "in chunks"}'),
        content_type="application/json",
        headers=book.headers(key="key-1") | {"Transfer-Encoding": "chunked"},
    )
    assert response.status_code == 201
    assert book.texts() == ["in chunks"]


@pytest.mark.parametrize("error", [OSError("unexpected end of file"), ValueError("bad chunk")])
def test_a_body_that_breaks_off_is_the_senders_fault(book: Notebook, error: Exception) -> None:
    class Broken(BytesIO):
        def read(self, _size: int | None = -1) -> bytes:
            raise error

        readinto = read  # type: ignore[assignment]

    response = book.http.post(
        "/notes",
        input_stream=Broken(),
        content_type="application/json",
        headers=book.headers(key="key-1") | {"Transfer-Encoding": "chunked"},
    )
    problem_in(response, 400, "body.unreadable")


def test_an_unknown_route_and_an_id_that_is_none_are_not_found(book: Notebook) -> None:
    problem_in(book.read("/nothing"), 404, "route.not_found")
    problem_in(book.read("/notes/7"), 404, "route.not_found")


def test_an_unknown_id_is_not_found(book: Notebook) -> None:
    problem_in(book.read("/notes/00000000-0000-7000-8000-000000000000"), 404, "note.not_found")


def test_a_method_that_a_route_lacks_is_answered_with_those_it_has(book: Notebook) -> None:
    response = book.http.delete("/notes", headers=book.headers())
    problem_in(response, 405, "route.method_not_allowed")
    assert {"GET", "POST"} <= set(response.headers["Allow"].split(", "))


def test_a_refusal_tells_what_it_adds_and_when_to_try_again(book: Notebook) -> None:
    first = book.write({"text": "a"}).json
    told = problem_in(book.write({"text": "a"}), 409, "note.already_written")
    assert told["note_id"] == first["id"]
    assert told["instance"] == "/notes"
    response = book.read("/notes/named/b")
    assert problem_in(response, 422, "note.unknown")["retry_after"] == 1
    assert response.headers["Retry-After"] == "1"


def test_what_a_refusal_adds_replaces_no_member_of_the_document() -> None:
    document = problem_of(Conflict("a.b", "why", status=200, type="x", by="officer-1"))
    assert (document["status"], document["type"], document["by"]) == (
        409,
        "urn:baton:problem:a.b",
        "officer-1",
    )


def test_an_unexpected_error_tells_nothing_but_its_request_id(book: Notebook) -> None:
    def fail(_work: Any) -> None:
        raise RuntimeError("the secret 430899199001011234")

    happenings["a"] = fail
    response = book.write({"text": "a"})
    problem_in(response, 500, "internal")
    assert "secret" not in response.get_data(as_text=True)
    assert "RuntimeError" not in response.get_data(as_text=True)
    assert book.texts() == []


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("select 1", {}, Exception("server closed the connection")),
        OperationalError("select 1", {}, Exception("gone"), connection_invalidated=True),
        TimeoutError("no connection in the pool"),
    ],
)
def test_a_database_that_is_away_is_waited_for(book: Notebook, error: Exception) -> None:
    def fail(_work: Any) -> None:
        raise error

    happenings["a"] = fail
    response = book.write({"text": "a"})
    problem_in(response, 503, "storage.unavailable")
    assert int(response.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    "error",
    [DataError("insert", {}, Exception("integer out of range")), OverflowError("date value out of range")],
)
def test_a_value_beyond_what_can_be_stored_or_reckoned_is_the_askers_fault(book: Notebook, error: Exception) -> None:
    def fail(_work: Any) -> None:
        raise error

    happenings["a"] = fail
    problem_in(book.write({"text": "a"}), 422, "value.out_of_range")


def test_marshmallows_complaint_becomes_a_refusal_outside_a_request_too() -> None:
    class Inner(Schema):
        code = fields.String(required=True)

    class Outer(Schema):
        parts = fields.List(fields.Nested(Inner), required=True)

    with pytest.raises(ValidationError) as complaint:
        Outer().load({"parts": [{"code": "a"}, {}]})
    refusal = invalid_input_of(complaint.value)
    assert refusal.code == "validation.failed"
    assert refusal.fields == (FieldProblem("/parts/1/code", "required", "Missing data for required field."),)
    assert problem_of(refusal)["errors"][0]["pointer"] == "/parts/1/code"
    assert "request_id" not in problem_of(refusal)


def test_a_coded_complaint_keeps_its_code_as_a_refusal() -> None:
    assert invalid_input_of(field_error("division.unknown", "no such division")).code == "division.unknown"


def test_json_is_parsed_strictly_outside_a_request_too() -> None:
    assert parse_json(b'{"a": 1}') == {"a": 1}
    with pytest.raises(BadRequest):
        parse_json(b"{")
    with pytest.raises(InvalidInput):
        parse_json(json.dumps("\0").encode())
