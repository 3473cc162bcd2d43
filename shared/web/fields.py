"""Fields that several services' APIs have."""

from datetime import date
from typing import Any

from marshmallow import fields

from shared.kernel.errors import invalid_field
from shared.reference.divisions import divisions
from shared.web.refusals import field_error

_LENGTHS = (6, 9, 12)  # county, township, village


class DivisionCode(fields.String):
    """The code of an existing county, township or village."""

    def __init__(self, **options: Any) -> None:
        description = {"description": "Division code of 6, 9 or 12 digits", "example": "430802001"}
        super().__init__(metadata=description, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> str:
        code: str = super()._deserialize(value, attr, data, **options)
        if len(code) not in _LENGTHS or code not in divisions():
            raise field_error("division.unknown", "there is no such division")
        return code


def day_in_path(text: str) -> date:
    """The day that a path names.

    Raises: InvalidInput ``day.invalid``.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise invalid_field("/day", "day.invalid", "not a day like 2026-02-17") from None
