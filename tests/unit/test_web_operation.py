"""Who may do what; one transaction; one effect for each Idempotency-Key."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask, Response, request
from flask.views import MethodView
from sqlalchemy import insert

from shared.kernel.errors import Conflict
from shared.kernel.ids import new_id
from shared.storage.chassis import IDEMPOTENCY
from shared.web import Blueprint, Role, current_work, operation
from shared.web.access import Jurisdiction, Outside, undeclared_routes
from shared.web.idempotency import claim_of
from shared.web.operation import declaration_of
from shared.web.principal import Principal
from tests.support.notebook import (
    NOON,
    OFFICER,
    Notebook,
    Notes,
    happenings,
    lose_a_race_once,
    notebook,
    notes,
)

AUDITOR = Principal("auditor-1", Role.AUDITOR, "city", "4308")


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Notebook]:
    with notebook(f"sqlite:///{tmp_path}/notebook.sqlite3") as opened:
        yield opened


def test_nobody_is_let_in_without_a_token(book: Notebook) -> None:
    response = book.http.get("/notes")
    assert (response.status_code, response.json["code"]) == (401, "authority.no_token")
    assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic dTpw", "bearer"])
def test_another_kind_of_authorization_is_no_token(book: Notebook, header: str) -> None:
    response = book.http.get("/notes", headers={"Authorization": header})
    assert (response.status_code, response.json["code"]) == (401, "authority.no_token")


def test_a_bad_token_is_refused_with_the_reason_and_not_repeated(book: Notebook) -> None:
    response = book.http.get("/notes", headers={"Authorization": "Bearer nonsense"})
    assert (response.status_code, response.json["code"]) == (401, "authority.invalid_token")
    assert response.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert "nonsense" not in response.get_data(as_text=True)


def test_an_expired_token_is_refused(book: Notebook) -> None:
    headers = book.headers()
    assert book.http.get("/notes", headers=headers).status_code == 200
    book.clock.advance(timedelta(hours=1))
    response = book.http.get("/notes", headers=headers)
    assert response.status_code == 401
    assert "expired" in response.json["detail"]


def test_a_role_that_may_not_is_told_which_may(book: Notebook) -> None:
    response = book.write({"text": "a"}, asker=AUDITOR)
    assert (response.status_code, response.json["code"]) == (403, "authority.role")
    assert response.json["needed"] == ["community_officer"]
    assert book.texts() == []


def test_an_unauthorised_asker_learns_nothing_about_the_body(book: Notebook) -> None:
    response = book.http.post("/notes", data=b"{", content_type="application/json")
    assert response.status_code == 401


def test_anyone_signed_in_means_any_role(book: Notebook) -> None:
    for role in set(Role) - {Role.ANYONE_SIGNED_IN}:
        seen = book.read("/notes/asker", asker=replace(OFFICER, role=role)).json
        assert seen == {"subject": "officer-1", "role": role.value, "actor": "officer-1"}


def test_a_success_is_committed_and_a_refusal_rolled_back(book: Notebook) -> None:
    def write_then_refuse(work: Notes) -> None:
        work.connection.execute(insert(notes).values(**_row("half")))
        raise Conflict("note.no", "no")

    happenings["refused"] = write_then_refuse
    assert book.write({"text": "kept"}).status_code == 201
    assert book.write({"text": "refused"}).status_code == 409
    assert book.texts() == ["kept"]


def test_a_get_changes_nothing_even_if_its_code_would(book: Notebook) -> None:
    app = _app_with(book, lambda work: work.connection.execute(insert(notes).values(**_row("by get"))))
    assert app.test_client().get("/touch", headers=book.headers()).status_code == 200
    assert book.texts() == []


def test_a_look_is_written_down_each_time_and_its_answer_is_never_kept(book: Notebook) -> None:
    texts = iter(("once", "twice"))

    def look(work: Notes) -> None:
        work.connection.execute(insert(notes).values(**{**_row(next(texts)), "id": new_id()}))

    app = _app_with(book, look, looks=True)
    headers = {**book.headers(), "Idempotency-Key": "the same"}
    for _ in range(2):
        answer = app.test_client().get("/touch", headers=headers)
        assert (answer.status_code, "Idempotent-Replayed" in answer.headers) == (200, False)
    assert book.texts() == ["once", "twice"]
    assert book.count(IDEMPOTENCY) == 0


def test_creating_needs_a_key(book: Notebook) -> None:
    response = book.http.post("/notes", json={"text": "a"}, headers=book.headers())
    assert (response.status_code, response.json["code"]) == (400, "idempotency.key_missing")


@pytest.mark.parametrize("key", ["x" * 201, "a b", "schlüssel"])
def test_a_malformed_key_is_refused(book: Notebook, key: str) -> None:
    response = book.write({"text": "a"}, key=key)
    assert (response.status_code, response.json["code"]) == (400, "idempotency.key_malformed")


def test_the_same_request_again_has_one_effect_and_gets_the_first_answer(book: Notebook) -> None:
    first = book.write({"text": "a"}, key="key-1")
    second = book.write({"text": "a"}, key="key-1")
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.get_data() == first.get_data()
    assert second.headers["Location"] == first.headers["Location"]
    assert second.content_type == first.content_type
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert book.texts() == ["a"]


@pytest.mark.parametrize("other", [{"text": "b"}, {"text": "a", "rank": 1}])
def test_the_same_key_with_another_request_is_refused(book: Notebook, other: dict[str, Any]) -> None:
    book.write({"text": "a"}, key="key-1")
    response = book.write(other, key="key-1")
    assert (response.status_code, response.json["code"]) == (422, "idempotency.key_reused")
    assert book.texts() == ["a"]


def test_the_same_key_with_another_query_is_another_request(book: Notebook) -> None:
    book.write({"text": "a"}, key="key-1")
    response = book.http.post("/notes?x=1", json={"text": "a"}, headers=book.headers(key="key-1"))
    assert response.json["code"] == "idempotency.key_reused"


def test_a_path_of_any_length_fits_what_a_key_is_kept_under(book: Notebook) -> None:
    with book.app.test_request_context(f"/{'x' * 8000}", method="PUT", headers={"Idempotency-Key": "key-1"}):
        claim = claim_of(request, b"", OFFICER, required=True)
    assert claim is not None
    assert len(claim.scope) < 500


def test_two_askers_may_use_the_same_key(book: Notebook) -> None:
    book.write({"text": "a"}, key="key-1")
    assert book.write({"text": "b"}, key="key-1", asker=replace(OFFICER, subject="officer-2")).status_code == 201
    assert book.texts() == ["a", "b"]


def test_a_refusal_is_not_kept_so_the_key_can_be_tried_again(book: Notebook) -> None:
    happenings["a"] = _refuse
    assert book.write({"text": "a"}, key="key-1").status_code == 409
    assert book.count(IDEMPOTENCY) == 0
    happenings.clear()
    assert book.write({"text": "a"}, key="key-1").status_code == 201
    assert book.texts() == ["a"]


def test_a_fault_leaves_no_trace_and_can_be_tried_again(book: Notebook) -> None:
    happenings["a"] = lambda _work: 1 / 0
    assert book.write({"text": "a"}, key="key-1").status_code == 500
    happenings.clear()
    assert book.write({"text": "a"}, key="key-1").status_code == 201


def test_changing_honours_a_key_that_is_given_and_needs_none(book: Notebook) -> None:
    path = book.write({"text": "a"}).headers["Location"]
    assert book.http.put(path, json={"rank": 1}, headers=book.headers()).status_code == 200
    first = book.http.put(path, json={"rank": 2}, headers=book.headers(key="key-1"))
    assert book.http.put(path, json={"rank": 3}, headers=book.headers()).status_code == 200
    again = book.http.put(path, json={"rank": 2}, headers=book.headers(key="key-1"))
    assert (first.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")
    assert book.read(path).json["rank"] == 3


def test_one_that_loses_a_race_runs_again_and_succeeds(book: Notebook) -> None:
    happenings["a"] = lose_a_race_once()
    assert book.write({"text": "a"}).status_code == 201
    assert book.texts() == ["a"]


def test_one_that_lost_to_the_same_text_is_told_who_was_faster(book: Notebook) -> None:
    # The second note gets past the check, as if the first were committed right after it.
    def slip_past(work: Notes) -> None:
        if not seen:
            seen.append(1)
            work.notes.select = lambda *_where, **_options: []  # type: ignore[method-assign]

    seen: list[int] = []
    first = book.write({"text": "a"}).json
    happenings["a"] = slip_past
    response = book.write({"text": "a"})
    assert (response.status_code, response.json["code"]) == (409, "note.already_written")
    assert response.json["note_id"] == first["id"]


def test_one_that_loses_every_time_is_a_conflict(book: Notebook) -> None:
    def always_slip_past(work: Notes) -> None:
        work.notes.select = lambda *_where, **_options: []  # type: ignore[method-assign]

    book.write({"text": "a"})
    happenings["a"] = always_slip_past
    response = book.write({"text": "a"})
    assert (response.status_code, response.json["code"]) == (409, "aggregate.changed_meanwhile")
    assert book.texts() == ["a"]


def test_a_broken_rule_of_the_database_that_is_no_race_is_a_fault(book: Notebook) -> None:
    def break_not_null(work: Notes) -> None:
        work.connection.execute(insert(notes).values(**_row("b") | {"rank": None}))

    happenings["a"] = break_not_null
    response = book.write({"text": "a"})
    assert (response.status_code, response.json["code"]) == (500, "internal")


def test_the_trace_and_the_request_id_reach_the_unit_of_work(tmp_path: Path) -> None:
    opened: list[dict[str, Any]] = []
    with notebook(f"sqlite:///{tmp_path}/notebook.sqlite3") as book:

        def open_work(actor: Any = None, **options: Any) -> Any:
            opened.append({"actor": actor, **options})
            return book.storage.work(actor, **options)

        book.app.extensions["baton_gate"] = replace(book.app.extensions["baton_gate"], open_work=open_work)
        trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        for given in (trace, "nonsense"):
            headers = book.headers() | {"traceparent": given, "X-Request-Id": "request-0001"}
            assert book.http.get("/notes", headers=headers).status_code == 200
    assert [call["traceparent"] for call in opened] == [trace, None]
    assert {call["request_id"] for call in opened} == {"request-0001"}
    assert {call["read_only"] for call in opened} == {True}
    assert opened[0]["actor"].organisation == "office-1"


def test_an_operation_states_who_may_do_it() -> None:
    with pytest.raises(TypeError, match="who may do it"):
        operation(within=Jurisdiction.CITY)
    with pytest.raises(TypeError, match="within"):
        operation(Role.AUDITOR)  # type: ignore[call-arg]


def test_an_operation_states_what_is_answered_outside_of_its_jurisdiction() -> None:
    with pytest.raises(TypeError, match="outside"):
        operation(Role.AUDITOR, within=Jurisdiction.CITY, outside=Outside.REFUSED)
    with pytest.raises(TypeError, match="outside"):
        operation(Role.AUDITOR, within=Jurisdiction.AREA, outside=Outside.NOTHING)


def test_every_route_of_an_application_is_declared(book: Notebook) -> None:
    assert undeclared_routes(book.app) == []


def test_a_route_without_a_declaration_or_with_one_not_outermost_is_found(book: Notebook) -> None:
    blp = Blueprint("careless", __name__)

    @blp.route("/careless")
    class Careless(MethodView):
        def get(self) -> str:
            return ""

        @blp.response(200)
        @operation(Role.AUDITOR, within=Jurisdiction.CITY)
        def post(self) -> str:
            return ""

        @operation(Role.AUDITOR, within=Jurisdiction.CITY)
        @blp.response(200)
        def put(self) -> str:
            return ""

    book.app.register_blueprint(blp)
    assert undeclared_routes(book.app) == ["GET /careless", "POST /careless"]
    declared = declaration_of(Careless.put)
    assert declared is not None
    assert declared.roles == {Role.AUDITOR}


def _row(text: str) -> dict[str, Any]:
    return {"id": UUID(int=1), "text": text, "rank": 0, "written_at": NOON}


def _refuse(_work: Notes) -> None:
    raise Conflict("note.no", "no")


def _app_with(book: Notebook, happening: Any, *, looks: bool = False) -> Flask:
    """The application with one more route, which lets something happen."""
    blp = Blueprint("touch", __name__)

    @blp.route("/touch")
    class Touch(MethodView):
        @operation(Role.ANYONE_SIGNED_IN, within=Jurisdiction.CITY, looks=looks)
        def get(self) -> Response:
            happening(current_work())
            return Response("{}", content_type="application/json")

    book.app.register_blueprint(blp)
    return book.app
