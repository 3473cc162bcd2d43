"""The names on a list are asked for in as many questions as it takes."""

from collections.abc import Mapping
from typing import Any

import pytest

from services.console.clients import Refused
from services.console.pages import common
from services.person_registry.schemas import PersonLookupIn


class Registry:
    """Knows everybody, and takes no more ids at once than the registry does."""

    def post(self, _token: str, _service: str, _path: str, body: Mapping[str, Any]) -> Any:
        if PersonLookupIn().validate(body):
            raise Refused(422, {"code": "validation.failed"})
        return {"items": [{"id": one, "full_name": "someone"} for one in body["ids"]]}


@pytest.mark.parametrize("persons", [0, 1, 200, 201, 500])
def test_everybody_on_a_long_list_has_a_name(persons: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "_services", Registry)
    monkeypatch.setattr(common, "current_token", lambda: "token")
    ids = [f"00000000-0000-0000-0000-{number:012}" for number in range(persons)]
    assert set(common.names_of([*ids, *ids])) == set(ids)
