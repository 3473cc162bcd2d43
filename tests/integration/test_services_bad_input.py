"""Every route of every service refuses what it cannot read, with a problem document, and writes nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.routing import Rule

from deploy.docs import definition_of
from deploy.local.stack import SERVICES
from shared.kernel.ids import new_id
from shared.storage.migrations import differences
from shared.web import Role
from shared.web.access import undeclared_routes
from shared.web.operation import Declaration, declaration_of
from tests.support.service import ServiceUnderTest, principal_of, service_under_test

JSON = {"Content-Type": "application/json"}
NEEDED = {"/heard": "producer=drug_testing&since=2026-11-24T00:00:00Z&"}  # what a list does not do without


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest, database_url: str) -> Iterator[ServiceUnderTest]:
    with service_under_test(definition_of(request.param), database_url) as opened:
        yield opened


def operations(service: ServiceUnderTest) -> Iterator[tuple[str, str, Declaration]]:
    """Method, path with made-up ids, and declaration of each operation."""
    for rule in service.app.url_map.iter_rules():
        view_class = getattr(service.app.view_functions[rule.endpoint], "view_class", None)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            declaration = declaration_of(getattr(view_class, method.lower(), None))
            if declaration is not None:
                yield method, _path(rule), declaration


def _path(rule: Rule) -> str:
    made_up: dict[str, Any] = {name: new_id() for name in rule.arguments}
    made_up |= dict.fromkeys(rule.arguments & {"division", "code"}, "430802001")
    made_up |= dict.fromkeys(rule.arguments & {"year"}, 2026)
    path = rule.build(made_up)
    assert path is not None
    return path[1]


def call(service: ServiceUnderTest, method: str, path: str, **options: Any) -> Any:
    return service.client.http.open(path, method=method, **options)


def headers(service: ServiceUnderTest, declaration: Declaration) -> dict[str, str]:
    role = min(role for role in Role if role in declaration.roles or Role.ANYONE_SIGNED_IN in declaration.roles)
    role = Role.OPERATOR if role is Role.ANYONE_SIGNED_IN else role
    return service.client.headers(principal_of(role), str(new_id()))


def refused(answer: Any, status: int, code: str | None = None) -> None:
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.content_type == "application/problem+json"
    problem = answer.get_json()
    assert problem["status"] == status
    assert code is None or problem["code"] == code


def test_every_route_states_who_may_use_it(service: ServiceUnderTest) -> None:
    assert undeclared_routes(service.app) == []


def test_nobody_gets_in_without_a_token_or_with_a_wrong_role(service: ServiceUnderTest) -> None:
    for method, path, declaration in operations(service):
        refused(call(service, method, path), 401)
        if Role.ANYONE_SIGNED_IN not in declaration.roles:
            stranger = service.client.headers(principal_of(Role.LABORATORY), str(new_id()))
            refused(call(service, method, path, headers=stranger), 403, "authority.role")


def test_bodies_that_cannot_be_read_are_refused_and_nothing_is_written(service: ServiceUnderTest) -> None:
    for method, path, declaration in operations(service):
        if method == "GET":
            continue
        known = headers(service, declaration)
        refused(call(service, method, path, headers=known | JSON, data=b'{"a": '), 400, "body.not_json")
        refused(call(service, method, path, headers=known | JSON, data=b"\xff\xfe"), 400, "body.not_json")
        refused(call(service, method, path, headers=known | JSON, data=b"[1]"), 422)
        text = known | {"Content-Type": "text/plain"}
        refused(call(service, method, path, headers=text, data=b"{}"), 415, "body.content_type")
        big = b'{"a": "' + b"x" * 10_000_000 + b'"}'
        refused(call(service, method, path, headers=known | JSON, data=big), 413, "body.too_large")
        refused(call(service, method, path, headers=known | JSON, data=b'{"no_such_field": 1}'), 422)
    assert service.events() == []
    assert service.audit() == []


def test_a_creating_act_needs_an_idempotency_key(service: ServiceUnderTest) -> None:
    for method, path, declaration in operations(service):
        if declaration.creates:
            known = headers(service, declaration)
            del known["Idempotency-Key"]
            refused(call(service, method, path, headers=known | JSON, data=b"{}"), 400, "idempotency.key_missing")


def test_lists_refuse_a_broken_cursor_and_a_limit_out_of_range(service: ServiceUnderTest) -> None:
    for method, path, declaration in operations(service):
        if method != "GET" or "cursor" not in _query_of(service, path):
            continue
        known = headers(service, declaration)
        asked = f"{path}?{NEEDED.get(path, '')}"
        refused(call(service, method, f"{asked}cursor=%21", headers=known), 422)
        refused(call(service, method, f"{asked}limit=0", headers=known), 422)
        assert call(service, method, f"{asked}limit=1", headers=known).status_code == 200


def test_the_migrations_make_the_tables_that_the_code_declares(service: ServiceUnderTest) -> None:
    assert differences(service.storage.engine, service.definition.name) == []


def _query_of(service: ServiceUnderTest, path: str) -> set[str]:
    described = service.client.http.get("/openapi.json").get_json()["paths"]
    for template, operations_ in described.items():
        fixed = template.split("{")[0]
        if path.startswith(fixed) and path.count("/") == template.count("/") and "get" in operations_:
            names = {p.get("name") for p in operations_["get"].get("parameters", [])}
            if path.endswith(template.split("}")[-1]):
                return names
    return set()
