"""What goes in and out of person_registry's API."""

import re

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from services.person_registry.domain import IdentityKind, Sex
from services.person_registry.need_to_know import OpeningState
from shared.web import CursorQuery, field_error, page_schema
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


class GroundIn(Schema):
    """On what ground a record is closed: a law, a decision, its number."""

    class Meta:
        unknown = RAISE

    ground = fields.String(required=True, validate=validate.Length(1, 500))


class ReasonIn(Schema):
    """Why somebody without a duty has to know."""

    class Meta:
        unknown = RAISE

    reason = fields.String(required=True, validate=validate.Length(10, 500))


class AnswerIn(Schema):
    """Whether the reason was a good one."""

    class Meta:
        unknown = RAISE

    approved = fields.Boolean(required=True)


class PersonRefOut(Schema):
    """A person's file without the identity: what an act answers, and what is kept of the answer."""

    id = fields.UUID()
    version = fields.Integer()
    identity_status = fields.String()
    state = fields.String()
    merged_into = fields.UUID(allow_none=True, metadata={"description": "The file that remains, if this was given up"})


class PersonOut(Schema):
    """A person's file, for who has a duty toward the person."""

    id = fields.UUID()
    version = fields.Integer()
    identity_kind = fields.Enum(IdentityKind, by_value=True)
    identity_number = fields.String(allow_none=True)
    identity_status = fields.String()
    full_name = fields.String(allow_none=True)
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


class OpeningOut(Schema):
    """An identity opened without a duty."""

    id = fields.UUID()
    person_id = fields.UUID()
    subject = fields.String()
    role = fields.String()
    organisation = fields.String()
    reason = fields.String()
    state = fields.Enum(OpeningState, by_value=True)
    opened_at = fields.AwareDateTime()
    until = fields.AwareDateTime()
    decided_by = fields.String(allow_none=True)
    decided_at = fields.AwareDateTime(allow_none=True)
    due_rule = fields.String(allow_none=True)
    due_at = fields.AwareDateTime(allow_none=True)


class OpeningQuery(CursorQuery):
    """Which openings to list."""

    state = fields.Enum(OpeningState, by_value=True)


class DutyOut(Schema):
    """Who has, or had, something to do for the person."""

    kind = fields.String()
    organisation = fields.String(allow_none=True)
    division = fields.String(allow_none=True)
    until = fields.AwareDateTime(allow_none=True, metadata={"description": "None while it lasts"})


class LookOut(Schema):
    """Somebody looked."""

    at = fields.AwareDateTime()
    actor = fields.String()
    role = fields.String()
    organisation = fields.String()
    action = fields.String()


class DisclosureOut(Schema):
    """Everything that the registry holds on one person, and who looked (个人信息保护法 arts 44, 45)."""

    made_at = fields.AwareDateTime()
    person = fields.Nested(PersonOut)
    files = fields.List(fields.UUID())
    duties = fields.List(fields.Nested(DutyOut))
    openings = fields.List(fields.Nested(OpeningOut))
    looks = fields.List(fields.Nested(LookOut))


OpeningPage = page_schema(OpeningOut)
