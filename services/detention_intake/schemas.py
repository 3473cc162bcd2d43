"""What goes in and out of detention_intake's API."""

from marshmallow import RAISE, Schema, fields, validate

from services.detention_intake.domain import Custody, OrderState, StayState
from services.detention_intake.policy import DETENTION_DAYS
from shared.web import CursorQuery, page_schema
from shared.web.fields import DivisionCode

_code = validate.Length(1, 100)


class _Input(Schema):
    class Meta:
        unknown = RAISE


class DecisionIn(_Input):
    """What the deciding organ signed."""

    kind = fields.Enum(Custody, by_value=True, required=True)
    deciding_organ = fields.String(required=True, validate=_code)
    decided_on = fields.Date(required=True)
    detention_days = fields.Integer(
        load_default=None, allow_none=True, strict=True, validate=validate.Range(*DETENTION_DAYS)
    )


class OrderIn(DecisionIn):
    """A decision that did not come out of a test known here."""

    person_id = fields.UUID(required=True)
    division = DivisionCode(required=True)


class ServiceIn(_Input):
    """When the decision was served."""

    served_at = fields.AwareDateTime(load_default=None, allow_none=True)


class AdmissionIn(_Input):
    """An admission."""

    centre = fields.String(required=True, validate=_code)
    admitted_at = fields.AwareDateTime(load_default=None, allow_none=True)


class OrderQuery(CursorQuery):
    """Which orders to list."""

    state = fields.Enum(OrderState, by_value=True)
    person_id = fields.UUID()
    test_order_id = fields.UUID()


class StayQuery(CursorQuery):
    """Which stays to list."""

    centre = fields.String()
    state = fields.Enum(StayState, by_value=True)
    person_id = fields.UUID()


class OrderOut(Schema):
    """An order."""

    id = fields.UUID()
    version = fields.Integer()
    person_id = fields.UUID()
    test_order_id = fields.UUID(allow_none=True)
    division = fields.String()
    state = fields.Enum(OrderState, by_value=True)
    kind = fields.Enum(Custody, by_value=True, allow_none=True)
    deciding_organ = fields.String(allow_none=True)
    decided_on = fields.Date(allow_none=True)
    term_first_day = fields.Date(allow_none=True)
    term_last_day = fields.Date(allow_none=True)
    served_at = fields.AwareDateTime(allow_none=True)
    notify_due_at = fields.AwareDateTime(allow_none=True)
    admission_due_at = fields.AwareDateTime(allow_none=True)
    admitted_at = fields.AwareDateTime(allow_none=True)
    stay_id = fields.UUID(allow_none=True)


class StayOut(Schema):
    """A stay."""

    id = fields.UUID()
    version = fields.Integer()
    order_id = fields.UUID()
    person_id = fields.UUID()
    centre = fields.String()
    custody = fields.Enum(Custody, by_value=True)
    state = fields.Enum(StayState, by_value=True)
    admitted_at = fields.AwareDateTime()
    term_last_day = fields.Date()
    ended_at = fields.AwareDateTime(allow_none=True)
    end_kind = fields.String(allow_none=True)
    release_id = fields.UUID(allow_none=True)


OrderPage = page_schema(OrderOut)
StayPage = page_schema(StayOut)
