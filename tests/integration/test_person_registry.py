"""person_registry: one person, one file; personal data stays here."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from deploy.local.identity_numbers import invented_identity_number
from services.person_registry.domain import Sex, check_character, identity_number_fault
from services.person_registry.service import SERVICE
from shared.web import Role
from tests.support.service import ServiceUnderTest, service_under_test

TODAY = date(2026, 11, 23)
NUMBER = "11010519491231002X"


@pytest.fixture
def service(database_url: str) -> Iterator[ServiceUnderTest]:
    with service_under_test(SERVICE, database_url) as opened:
        yield opened


def person(**changes: Any) -> dict[str, Any]:
    body = {
        "full_name": "示例某",
        "sex": "female",
        "identity_number": NUMBER,
        "phone": "17000000001",
        "registered_division": "430822",
        "residence_division": "430802001",
        "residence_detail": "某路一号",
    }
    return body | changes


@pytest.mark.parametrize("number", [NUMBER, "440524188001010014"])
def test_known_numbers_are_right(number: str) -> None:
    assert identity_number_fault(number, Sex.UNKNOWN, TODAY) is None


@pytest.mark.parametrize(
    ("number", "sex", "code"),
    [
        ("110105194912310021", Sex.UNKNOWN, "checksum"),
        ("11010519491231002", Sex.UNKNOWN, "length"),
        ("11010519491231002XX", Sex.UNKNOWN, "length"),
        ("11010519491331002X", Sex.UNKNOWN, "date"),
        ("110105202612010027", Sex.UNKNOWN, "date"),
        ("1101051949123100AX", Sex.UNKNOWN, "characters"),
        ("１１010519491231002X", Sex.UNKNOWN, "characters"),
        (NUMBER, Sex.MALE, "sex"),
    ],
)
def test_wrong_numbers_are_named(number: str, sex: Sex, code: str) -> None:
    fault = identity_number_fault(number, sex, TODAY)
    assert fault is not None
    assert (fault.pointer, fault.code) == ("/identity_number", f"identity_number.{code}")


@given(st.dates(date(1930, 1, 1), date(2010, 12, 31)), st.integers(0, 499), st.booleans(), st.integers(0, 16))
def test_one_mistyped_digit_is_always_noticed(born: date, serial: int, female: bool, place: int) -> None:
    number = invented_identity_number(born, serial, female=female)
    assert identity_number_fault(number, Sex.FEMALE if female else Sex.MALE, TODAY) is None
    assert check_character(number[:17]) == number[17]
    wrong = number[:place] + str((int(number[place]) + 1) % 10) + number[place + 1 :]
    assert identity_number_fault(wrong, Sex.UNKNOWN, TODAY) is not None


def test_a_person_is_registered_found_and_moves(service: ServiceUnderTest) -> None:
    officer = Role.STATION_OFFICER
    made = service.client.post("/persons", person(identity_number=NUMBER.lower()), as_=officer)
    assert made.status_code == 201
    person_id = made.get_json()["id"]
    found = service.client.post("/persons/search", {"identity_number": NUMBER}, as_=officer)
    assert found.get_json()["id"] == person_id
    looked_up = service.client.post("/persons/lookup", {"ids": [person_id]}, as_=officer).get_json()["items"]
    assert [one["full_name"] for one in looked_up] == ["示例某"]
    moved = service.client.put(f"/persons/{person_id}/residence", {"residence_division": "430822228"}, as_=officer)
    assert (moved.status_code, moved.get_json()["version"]) == (200, 2)
    assert [(e.type, e.data["residence_division"]) for e in service.events()] == [
        ("person.registered.v1", "430802001"),
        ("person.changed.v1", "430822228"),
    ]


def test_one_number_has_one_file(service: ServiceUnderTest) -> None:
    first = service.client.post("/persons", person(), as_=Role.STATION_OFFICER).get_json()
    again = service.client.post("/persons", person(full_name="另一人"), as_=Role.CENTRE_CLERK)
    assert (again.status_code, again.get_json()["code"]) == (409, "person.already_registered")
    assert again.get_json()["person_id"] == first["id"]
    assert len(service.events()) == 1


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"identity_number": "110105194912310021", "sex": "unknown"}, "/identity_number", "identity_number.checksum"),
        ({"identity_number": None}, "/identity_number", "identity_number.required"),
        ({"residence_division": "430899"}, "/residence_division", "division.unknown"),
        ({"phone": "12345"}, "/phone", "phone.shape"),
        ({"full_name": ""}, "/full_name", None),
        ({"sex": "x"}, "/sex", "choice"),
    ],
)
def test_a_wrong_field_is_named(service: ServiceUnderTest, change: Any, pointer: str, code: str | None) -> None:
    answer = service.client.post("/persons", person(**change), as_=Role.STATION_OFFICER)
    assert answer.status_code == 422
    fault = answer.get_json()["errors"][0]
    assert fault["pointer"] == pointer
    assert code is None or fault["code"] == code
    assert service.events() == []


def test_somebody_without_papers_is_registered_too(service: ServiceUnderTest) -> None:
    body = person(identity_kind="none", identity_number=None)
    answer = service.client.post("/persons", body, as_=Role.STATION_OFFICER)
    assert (answer.status_code, answer.get_json()["identity_status"]) == (201, "provisional")


def test_personal_data_is_in_no_event_audit_row_or_log(
    service: ServiceUnderTest, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = person()
    service.client.post("/persons", secret, as_=Role.STATION_OFFICER)
    service.client.post("/persons", secret, as_=Role.STATION_OFFICER)
    service.client.post("/persons", secret | {"sex": "male"}, as_=Role.STATION_OFFICER)
    with service.storage.engine.connect() as connection:
        kept = [
            str(row) for table in ("event_log", "audit") for row in connection.execute(text(f"select * from {table}"))
        ]
    said = capsys.readouterr()
    for name in ("full_name", "identity_number", "phone", "residence_detail"):
        assert not [row for row in kept if secret[name] in row]
        assert secret[name] not in said.out + said.err
