"""What goes in and out of person_registry's API."""

import re

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from services.person_registry.domain import IdentityKind, Sex
from shared.web import field_error
from shared.web.fields import DivisionCode

_TELEPHONE = re.compile(r"1[3-9]\d{9}|0\d{2,3}-?\d{7,8}")


def _telephone(value: str) -> None:
    if not _TELEPHONE.fullmatch(value):
        raise field_error("phone.shape", "not a telephone number of the mainland")


class PersonIn(Schema):
    """A person to register."""

    class Meta:
        unknown = RAISE

    identity_kind = fields.Enum(IdentityKind, by_value=True, load_default=IdentityKind.RESIDENT_ID)
    identity_number = fields.String(load_default=None, allow_none=True, validate=validate.Length(1, 40))
    full_name = fields.String(required=True, validate=validate.Length(1, 100))
    sex = fields.Enum(Sex, by_value=True, required=True)
    phone = fields.String(load_default=None, allow_none=True, validate=_telephone)
    registered_division = DivisionCode(load_default=None, allow_none=True)
    residence_division = DivisionCode(load_default=None, allow_none=True)
    residence_detail = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=300))

    @validates_schema
    def _number_when_needed(self, data: dict[str, object], **_: object) -> None:
        if data.get("identity_kind") is IdentityKind.RESIDENT_ID and not data.get("identity_number"):
            fault = field_error("identity_number.required", "a resident identity has a number")
            raise ValidationError({"identity_number": fault.messages})


class ResidenceIn(Schema):
    """Where a person lives."""

    class Meta:
        unknown = RAISE

    residence_division = DivisionCode(required=True, allow_none=True)
    residence_detail = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=300))
    phone = fields.String(load_default=None, allow_none=True, validate=_telephone)


class MergeIn(Schema):
    """Which file remains, and how it was found that both are one person's."""

    class Meta:
        unknown = RAISE

    into = fields.UUID(required=True)
    reason = fields.String(required=True, validate=validate.Length(1, 500))


class PersonSearchIn(Schema):
    """A search by identity number; in a body, so that the number is in no address and no log."""

    class Meta:
        unknown = RAISE

    identity_number = fields.String(required=True, validate=validate.Length(1, 40))


class PersonLookupIn(Schema):
    """Whose files a page wants to show."""

    class Meta:
        unknown = RAISE

    ids = fields.List(fields.UUID(), required=True, validate=validate.Length(1, 200))


class PersonOut(Schema):
    """A person's file."""

    id = fields.UUID()
    version = fields.Integer()
    identity_kind = fields.Enum(IdentityKind, by_value=True)
    identity_number = fields.String(allow_none=True)
    identity_status = fields.String()
    full_name = fields.String()
    sex = fields.Enum(Sex, by_value=True)
    phone = fields.String(allow_none=True)
    registered_division = fields.String(allow_none=True)
    residence_division = fields.String(allow_none=True)
    residence_detail = fields.String(allow_none=True)
    state = fields.String()
    merged_into = fields.UUID(allow_none=True, metadata={"description": "The file that remains, if this was given up"})


class PersonsOut(Schema):
    """Several persons' files."""

    items = fields.List(fields.Nested(PersonOut))
