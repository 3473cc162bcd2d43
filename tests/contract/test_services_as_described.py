"""Whatever the OpenAPI documents allow, and what they forbid, is answered as they say, and never with a fault.

Inputs come from schemathesis: some are right by the document's schemas, some wrong in one place. Each operation is
asked in all its roles by turns. ``EXAMPLES`` says how many inputs of each sort an operation gets; the same number
gives the same inputs.
"""

import copy
import os
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from deploy.docs import definition_of
from deploy.local.stack import SERVICES
from shared.kernel.ids import new_id
from shared.web import Role
from tests.support.described import description_of
from tests.support.service import ServiceUnderTest, service_under_test

EXAMPLES = int(os.environ.get("EXAMPLES", "2"))
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
INPUTS = settings(
    max_examples=EXAMPLES,
    database=None,
    derandomize=True,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ServiceUnderTest]:
    with service_under_test(definition_of(request.param), f"sqlite:///{tmp_path}/test.sqlite3") as opened:
        yield opened


def operations(service: ServiceUnderTest) -> Iterator[Any]:
    """The operations, without their security: who asks is said by the test."""
    document = copy.deepcopy(description_of(service.app).document)
    del document["components"]["securitySchemes"]
    for item in document["paths"].values():
        for operation in item.values():
            if "security" in operation:
                del operation["security"]
    schema = schemathesis.openapi.from_dict(document)
    schema.app = service.app
    yield from (found.ok() for found in schema.get_all_operations())


def roles_of(operation: Any) -> list[Role]:
    named = [Role(name) for name in operation.definition.raw["x-roles"]]
    return [role for role in Role if role is not Role.ANYONE_SIGNED_IN] if Role.ANYONE_SIGNED_IN in named else named


def ask(service: ServiceUnderTest, operation: Any, mode: GenerationMode) -> list[int]:
    """Send the inputs of a sort; the statuses."""
    roles, statuses = cycle(roles_of(operation)), []

    @INPUTS
    @given(case=operation.as_strategy(generation_mode=mode))
    def every(case: Any) -> None:
        answer = case.call(headers=service.client.headers(next(roles), str(new_id())))
        case.validate_response(answer, checks=CHECKS)
        statuses.append(answer.status_code)

    every()
    return statuses


@pytest.mark.timeout(600)
def test_whatever_the_document_allows_is_answered_as_it_says(service: ServiceUnderTest) -> None:
    for operation in operations(service):
        assert set(ask(service, operation, GenerationMode.POSITIVE)).isdisjoint({400, 401, 413, 415}), operation.label


@pytest.mark.timeout(600)
def test_whatever_the_document_forbids_is_refused_as_it_says(service: ServiceUnderTest) -> None:
    for operation in operations(service):
        if operation.body:
            statuses = ask(service, operation, GenerationMode.NEGATIVE)
            assert min(statuses) >= 400, f"{operation.label}: {statuses}"
