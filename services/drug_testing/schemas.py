"""What goes in and out of drug_testing's API."""

from typing import Any

from marshmallow import RAISE, Schema, fields, post_load, validate

from services.drug_testing.domain.custody import NOTED_BY_HAND
from services.drug_testing.domain.objecting import LaboratoryKind
from services.drug_testing.domain.order import (
    Collector,
    CustodyStep,
    ExemptReason,
    Finding,
    Ground,
    Opinion,
    OverturnedBy,
    Result,
    SampleType,
    SettledBy,
)
from services.drug_testing.domain.transitions import State
from shared.web import CursorQuery, page_schema
from shared.web.fields import DivisionCode

_name = validate.And(validate.Length(1, 100), validate.Regexp(r".*\S", error="Say something."))
_words = validate.And(validate.Length(1, 500), validate.Regexp(r"(?s).*\S", error="Say something."))
_names = validate.Length(max=20)


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
    declared_medicines = fields.List(
        fields.String(validate=_name),
        load_default=list,
        validate=_names,
        metadata={"description": "Medicines and maintenance treatment that the person names before the test"},
    )


class RefusalIn(_Input):
    """When the person refused."""

    refused_at = fields.AwareDateTime(load_default=None, allow_none=True)


class ForceIn(_Input):
    """Who approved the forced test."""

    approver = fields.String(
        required=True, validate=_name, metadata={"description": "The head of the county organ or of its station"}
    )


class UntestedIn(_Input):
    """Why no test takes place."""

    reason = fields.String(required=True, validate=_words)


class ExemptionIn(_Input):
    """Why no test is needed."""

    reason = fields.Enum(ExemptReason, by_value=True, required=True)
    note = fields.String(required=True, validate=_words)


class InvalidCardIn(_Input):
    """A card whose control line was missing."""

    reagent_lot = fields.String(required=True, validate=_name)


class ResultIn(_Input):
    """An on-site result."""

    result = fields.Enum(Result, by_value=True, required=True)
    tester = fields.String(required=True, validate=_name)
    reagent_lot = fields.String(required=True, validate=_name)
    substances = fields.List(fields.String(validate=_name), load_default=list, validate=_names)
    sample_a = fields.String(load_default=None, allow_none=True, validate=_name)
    sample_b = fields.String(load_default=None, allow_none=True, validate=_name)
    seal_signed = fields.Boolean(
        load_default=False, metadata={"description": "Whether the person signed the seals of a positive sample"}
    )
    seal_note = fields.String(load_default=None, allow_none=True, validate=_words)
    resulted_at = fields.AwareDateTime(
        load_default=None, allow_none=True, metadata={"description": "When the card was read, if not now"}
    )


class TellingIn(_Input):
    """How the person was told."""

    signed = fields.Boolean(required=True)
    told_at = fields.AwareDateTime(load_default=None, allow_none=True)
    refusal_note = fields.String(load_default=None, allow_none=True, validate=_words)


class OpinionIn(_Input):
    """The opinion on addiction."""

    opinion = fields.Enum(Opinion, by_value=True, required=True)
    officers = fields.List(fields.String(validate=_name), required=True, validate=validate.Length(1, 10))


class WaiverIn(_Input):
    """A signed waiver."""

    signed_at = fields.AwareDateTime(load_default=None, allow_none=True)


class ObjectionIn(_Input):
    """A request for a laboratory test or a re-test."""

    requested_at = fields.AwareDateTime(load_default=None, allow_none=True)
    late_reason = fields.String(load_default=None, allow_none=True, validate=_words)


class ObjectionDecisionIn(_Input):
    """The decision on the request."""

    approved = fields.Boolean(required=True)
    note = fields.String(load_default=None, allow_none=True, validate=_words)


class DispatchIn(_Input):
    """A sample on its way to a laboratory."""

    laboratory = fields.String(required=True, validate=_name)
    sent_by = fields.String(required=True, validate=_name, metadata={"description": "Who carries it"})
    sent_at = fields.AwareDateTime(load_default=None, allow_none=True)


class SampleReceiptIn(_Input):
    """A sample that arrived."""

    intact = fields.Boolean(required=True, metadata={"description": "Whether the seal was whole"})
    received_at = fields.AwareDateTime(load_default=None, allow_none=True)


class FindingIn(_Input):
    """What was measured of one substance."""

    substance = fields.String(required=True, validate=_name)
    value = fields.Float(required=True, validate=validate.Range(0, 1e9))
    unit = fields.String(required=True, validate=_name)

    @post_load
    def _finding(self, data: dict[str, Any], **_: object) -> Finding:
        return Finding(**data)


class ReportIn(_Input):
    """A laboratory's report."""

    number = fields.String(required=True, validate=_name)
    result = fields.Enum(Result, by_value=True, required=True)
    findings = fields.List(fields.Nested(FindingIn), load_default=list, validate=_names)


class UnfitIn(_Input):
    """Why a sample cannot be examined."""

    reason = fields.String(required=True, validate=_words)


class NewSampleIn(_Input):
    """A new sample instead of an unfit one."""

    seal = fields.String(required=True, validate=_name)
    collected_by = fields.String(required=True, validate=_name)
    approver = fields.String(required=True, validate=_name)
    collected_at = fields.AwareDateTime(load_default=None, allow_none=True)


class LinkIn(_Input):
    """A link of a sample's chain of custody."""

    seal = fields.String(required=True, validate=_name)
    step = fields.Enum(
        CustodyStep, by_value=True, required=True, validate=validate.OneOf(sorted(NOTED_BY_HAND), error="Not by hand.")
    )
    given_by = fields.String(required=True, validate=_name)
    held_by = fields.String(required=True, validate=_name)
    intact = fields.Boolean(required=True)
    at = fields.AwareDateTime(load_default=None, allow_none=True)
    note = fields.String(load_default=None, allow_none=True, validate=_words)
    witness = fields.String(load_default=None, allow_none=True, validate=_name)


class Nothing(_Input):
    """An act that needs no more words."""


class LaboratoryIn(_Input):
    """An institution that may examine samples."""

    name = fields.String(required=True, validate=_name)
    kind = fields.Enum(LaboratoryKind, by_value=True, required=True)
    designated = fields.Boolean(load_default=True)


class TestOrderQuery(CursorQuery):
    """Which test orders to list."""

    __test__ = False

    station = fields.String()
    state = fields.Enum(State, by_value=True)
    person_id = fields.UUID()
    due_before = fields.AwareDateTime(metadata={"description": "Only those whose next step is due before this"})


class CollectorOut(Schema):
    """An officer who collected."""

    officer = fields.String()
    sex = fields.String()


class InvalidCardOut(Schema):
    """A card whose control line was missing."""

    at = fields.AwareDateTime()
    reagent_lot = fields.String()


class CustodyEntryOut(Schema):
    """A link of a sample's chain of custody."""

    seal = fields.String()
    step = fields.Enum(CustodyStep, by_value=True)
    at = fields.AwareDateTime()
    given_by = fields.String()
    held_by = fields.String()
    intact = fields.Boolean()
    note = fields.String(allow_none=True)
    witness = fields.String(allow_none=True)


class FindingOut(Schema):
    """What was measured of one substance."""

    substance = fields.String()
    value = fields.Float()
    unit = fields.String()


class ExaminationOut(Schema):
    """A laboratory test or a re-test."""

    requested_at = fields.AwareDateTime()
    late_reason = fields.String(allow_none=True)
    decided_at = fields.AwareDateTime(allow_none=True)
    approved = fields.Boolean(allow_none=True)
    decision_note = fields.String(allow_none=True)
    laboratory = fields.String(allow_none=True)
    sent_at = fields.AwareDateTime(allow_none=True)
    received_at = fields.AwareDateTime(allow_none=True)
    report_number = fields.String(allow_none=True)
    reported_at = fields.AwareDateTime(allow_none=True)
    result = fields.Enum(Result, by_value=True, allow_none=True)
    findings = fields.List(fields.Nested(FindingOut))
    told_at = fields.AwareDateTime(allow_none=True)
    signed = fields.Boolean(allow_none=True)


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
    due_rule = fields.String(allow_none=True)
    due_at = fields.AwareDateTime(allow_none=True)
    evasions = fields.Integer()
    refused_at = fields.AwareDateTime(allow_none=True)
    force_decided_at = fields.AwareDateTime(allow_none=True)
    force_approved_by = fields.String(allow_none=True)
    untested_reason = fields.String(allow_none=True)
    exempt_reason = fields.Enum(ExemptReason, by_value=True, allow_none=True)
    exempt_note = fields.String(allow_none=True)
    collected_at = fields.AwareDateTime(allow_none=True)
    sample_type = fields.Enum(SampleType, by_value=True, allow_none=True)
    collectors = fields.List(fields.Nested(CollectorOut))
    declared_medicines = fields.List(fields.String())
    invalid_cards = fields.List(fields.Nested(InvalidCardOut))
    result = fields.Enum(Result, by_value=True, allow_none=True)
    resulted_at = fields.AwareDateTime(allow_none=True)
    substances = fields.List(fields.String())
    tester = fields.String(allow_none=True)
    reagent_lot = fields.String(allow_none=True)
    sample_a = fields.String(allow_none=True)
    sample_b = fields.String(allow_none=True)
    seal_signed = fields.Boolean(allow_none=True)
    seal_note = fields.String(allow_none=True)
    keep_until = fields.AwareDateTime(allow_none=True)
    custody = fields.List(fields.Nested(CustodyEntryOut))
    told_at = fields.AwareDateTime(allow_none=True)
    signed = fields.Boolean(allow_none=True)
    refusal_note = fields.String(allow_none=True)
    objection_due_at = fields.AwareDateTime(allow_none=True)
    opinion_due_at = fields.AwareDateTime(allow_none=True)
    opinion = fields.Enum(Opinion, by_value=True, allow_none=True)
    opinion_at = fields.AwareDateTime(allow_none=True)
    lab = fields.Nested(ExaminationOut, allow_none=True)
    retest = fields.Nested(ExaminationOut, allow_none=True)
    unfit_reason = fields.String(allow_none=True)
    settled_at = fields.AwareDateTime(allow_none=True)
    settled_by = fields.Enum(SettledBy, by_value=True, allow_none=True)
    overturned_at = fields.AwareDateTime(allow_none=True)
    overturned_by = fields.Enum(OverturnedBy, by_value=True, allow_none=True)


class SampleOut(Schema):
    """All that a laboratory learns of a sample: nothing that names the person."""

    seal = fields.String()
    sample_type = fields.Enum(SampleType, by_value=True)
    state = fields.Enum(State, by_value=True)
    sent_at = fields.AwareDateTime(allow_none=True)
    received_at = fields.AwareDateTime(allow_none=True)
    report_number = fields.String(allow_none=True)
    reported_at = fields.AwareDateTime(allow_none=True)
    result = fields.Enum(Result, by_value=True, allow_none=True)
    due_at = fields.AwareDateTime(allow_none=True)


class LaboratoryOut(Schema):
    """An institution that may examine samples."""

    code = fields.String()
    name = fields.String()
    kind = fields.Enum(LaboratoryKind, by_value=True)
    designated = fields.Boolean()


class CutoffOut(Schema):
    """From which concentration a substance counts as found."""

    substance = fields.String()
    sample = fields.String()
    value = fields.Float()
    unit = fields.String()
    source = fields.String()


class PanelOut(Schema):
    """What can be looked for."""

    substances = fields.List(fields.String())
    cutoffs = fields.List(fields.Nested(CutoffOut))


TestOrderPage = page_schema(TestOrderOut)

LaboratoryPage = page_schema(LaboratoryOut)
