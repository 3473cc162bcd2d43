"""Ten thousand requests with something wrong in them: each is answered as the OpenAPI document says, none by a fault.

``INPUTS`` says how many, over all services; ``SEED`` which.
"""

import io
import os
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
from sqlalchemy import event as sqlalchemy_event
from werkzeug.test import TestResponse, run_wsgi_app
from werkzeug.wrappers import Request

from deploy.docs import definition_of
from deploy.local.stack import SERVICES
from shared.contracts.catalogue import CATALOGUE
from shared.kernel.ids import new_id
from shared.messaging.subscriptions import SUBSCRIPTIONS
from shared.web import Role
from tests.support.builders import event
from tests.support.described import description_of
from tests.support.hostile import Hostile, HostileRequests
from tests.support.service import ServiceUnderTest, principal_of, service_under_test

EACH = int(os.environ.get("INPUTS", "10000")) // len(SERVICES) + 1
RARELY = "/workbook"
_ENDS = ("person.merged.v1", "person.sealed.v1", "person.erased.v1")  # after them little can be done with a person
SEED = int(os.environ.get("SEED", "1"))


def seeded(service: ServiceUnderTest) -> list[str]:
    """Let the service hear of three persons, and of each whatever it subscribes to; the ids there are."""
    known: list[str] = []
    types = [name for name in SUBSCRIPTIONS[service.definition.name] if name not in _ENDS]
    for person in (new_id(), new_id(), new_id()):
        for event_type in sorted(types, key=lambda name: not name.startswith("person.")):
            contract = CATALOGUE[event_type]
            about = {"person_id": person} if "person_id" in contract.keys else {}
            said = event(event_type, **about)
            if not service.react(said):
                known.append(str(said.subject))
    return known


class Askers:
    """Somebody in each role, who signs in once."""

    def __init__(self, service: ServiceUnderTest) -> None:
        self._headers = {role.value: service.client.headers(principal_of(role)) for role in Role}

    def one_of(self, roles: Sequence[str], number: int) -> dict[str, str]:
        """The headers of somebody in one of the roles."""
        known = [role for role in roles if role != Role.ANYONE_SIGNED_IN.value] or [Role.OPERATOR.value]
        return self._headers[known[number % len(known)]]


def send(service: ServiceUnderTest, one: Hostile, signed: dict[str, str]) -> TestResponse:
    """Send it as it is, also where no client would; without a client, which costs as much as the service."""
    path, _, query = one.path.partition("?")
    headers = signed | one.headers
    environ = {
        "REQUEST_METHOD": one.method,
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "CONTENT_TYPE": headers.pop("Content-Type", ""),
        "CONTENT_LENGTH": headers.pop("Content-Length", str(len(one.body or b""))),
        "REMOTE_ADDR": "192.0.2.1",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(one.body or b""),
        "wsgi.errors": io.StringIO(),
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()},
    }
    body, status, answered = run_wsgi_app(service.app, environ, buffered=True)
    return TestResponse(body, status, answered, request=Request(environ))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", SERVICES)
def test_no_input_causes_a_fault(name: str, tmp_path: Path) -> None:
    statuses: Counter[int] = Counter()
    with service_under_test(definition_of(name), f"sqlite:///{tmp_path}/test.sqlite3") as service:
        sqlalchemy_event.listen(
            service.storage.engine, "connect", lambda db, _record: db.execute("PRAGMA synchronous=OFF") and None
        )
        description, known, askers = description_of(service.app), seeded(service), Askers(service)
        for number, one in enumerate(islice(HostileRequests(description.document, SEED, known, RARELY), EACH)):
            answer = send(service, one, askers.one_of(one.roles, number))
            statuses[answer.status_code] += 1
            assert answer.status_code < 500, f"{one}: {answer.get_data(as_text=True)}"
            description.check(answer)
            if answer.status_code == 201 and "id" in (answer.get_json() or {}):
                known.append(answer.get_json()["id"])
    assert statuses.total() == EACH
    assert {200, 404, 422} <= statuses.keys()
