"""Fields that several services' APIs have."""

from typing import Any

import pytest
from marshmallow import Schema, ValidationError

from shared.web.fields import DivisionCode
from shared.web.problems import invalid_input_of


class Place(Schema):
    division = DivisionCode(allow_none=True)


@pytest.mark.parametrize("code", ["430802", "430802001", None])
def test_an_existing_division_is_accepted(code: str | None) -> None:
    assert Place().load({"division": code}) == {"division": code}


@pytest.mark.parametrize("code", ["", "430899", "4308", "430802 ", "430802999999", "永定区"])
def test_any_other_is_unknown(code: str) -> None:
    with pytest.raises(ValidationError) as complaint:
        Place().load({"division": code})
    refusal = invalid_input_of(complaint.value)
    assert refusal.code == "division.unknown"
    assert [fault.pointer for fault in refusal.fields] == ["/division"]


@pytest.mark.parametrize("code", [430802, ["430802"], {}])
def test_a_code_is_a_text(code: Any) -> None:
    with pytest.raises(ValidationError) as complaint:
        Place().load({"division": code})
    assert invalid_input_of(complaint.value).fields[0].code == "type"
