"""What goes in and out of drug_testing's API."""

from marshmallow import RAISE, Schema, fields, post_load, validate

from services.drug_testing.domain import Collector, Ground, Result, SampleType, State
from shared.web import CursorQuery, page_schema
from shared.web.fields import DivisionCode

_name = validate.Length(1, 100)


class _Input(Schema):
    class Meta:
        unknown = RAISE


class TestOrderIn(_Input):
    """A test to be done."""

    __test__ = False

    person_id = fields.UUID(required=True)
    division = DivisionCode(required=True)
    ground = fields.Enum(Ground, by_value=True, required=True)
    ground_detail = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=500))


class CollectorIn(_Input):
    """An officer who collects."""

    officer = fields.String(required=True, validate=_name)
    sex = fields.String(required=True, validate=validate.OneOf(["male", "female"]))

    @post_load
    def _collector(self, data: dict[str, str], **_: object) -> Collector:
        return Collector(**data)


class CollectionIn(_Input):
    """A sample collected."""

    sample_type = fields.Enum(SampleType, by_value=True, required=True)
    collectors = fields.List(fields.Nested(CollectorIn), required=True, validate=validate.Length(1, 10))
    collected_at = fields.AwareDateTime(load_default=None, allow_none=True)


class ResultIn(_Input):
    """An on-site result."""

    result = fields.Enum(Result, by_value=True, required=True)
    tester = fields.String(required=True, validate=_name)
    reagent_lot = fields.String(required=True, validate=_name)
    substances = fields.List(fields.String(validate=_name), load_default=list, validate=validate.Length(max=20))
    sample_a = fields.String(load_default=None, allow_none=True, validate=_name)
    sample_b = fields.String(load_default=None, allow_none=True, validate=_name)


class TellingIn(_Input):
    """How the person was told."""

    signed = fields.Boolean(required=True)
    told_at = fields.AwareDateTime(load_default=None, allow_none=True)
    refusal_note = fields.String(load_default=None, allow_none=True, validate=validate.Length(1, 500))


class WaiverIn(_Input):
    """A signed waiver."""

    signed_at = fields.AwareDateTime(load_default=None, allow_none=True)


class TestOrderQuery(CursorQuery):
    """Which test orders to list."""

    __test__ = False

    station = fields.String()
    state = fields.Enum(State, by_value=True)
    person_id = fields.UUID()


class CollectorOut(Schema):
    """An officer who collected."""

    officer = fields.String()
    sex = fields.String()


class TestOrderOut(Schema):
    """A test order."""

    __test__ = False

    id = fields.UUID()
    version = fields.Integer()
    person_id = fields.UUID()
    station = fields.String()
    division = fields.String()
    ground = fields.Enum(Ground, by_value=True)
    ground_detail = fields.String(allow_none=True)
    state = fields.Enum(State, by_value=True)
    ordered_at = fields.AwareDateTime()
    collect_due_at = fields.AwareDateTime()
    collected_at = fields.AwareDateTime(allow_none=True)
    sample_type = fields.Enum(SampleType, by_value=True, allow_none=True)
    collectors = fields.List(fields.Nested(CollectorOut))
    result = fields.Enum(Result, by_value=True, allow_none=True)
    resulted_at = fields.AwareDateTime(allow_none=True)
    substances = fields.List(fields.String())
    tester = fields.String(allow_none=True)
    reagent_lot = fields.String(allow_none=True)
    sample_a = fields.String(allow_none=True)
    sample_b = fields.String(allow_none=True)
    told_at = fields.AwareDateTime(allow_none=True)
    signed = fields.Boolean(allow_none=True)
    refusal_note = fields.String(allow_none=True)
    objection_due_at = fields.AwareDateTime(allow_none=True)
    settled_at = fields.AwareDateTime(allow_none=True)
    settled_by = fields.String(allow_none=True)


TestOrderPage = page_schema(TestOrderOut)
