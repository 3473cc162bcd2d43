"""What goes in and out of detention_intake's API."""

from marshmallow import RAISE, Schema, fields, validate

from services.detention_intake.domain.order import (
    Addressee,
    Circumstance,
    DocumentKind,
    IsolationGround,
    Kind,
    RefusalReason,
    ReviewOutcome,
    Special,
)
from services.detention_intake.domain.order_transitions import OrderState
from services.detention_intake.domain.stay import Grade, Proposal
from services.detention_intake.domain.stay_transitions import StayState
from services.detention_intake.policy import DETENTION_DAYS
from services.detention_intake.store import CentreKind
from shared.web import CursorQuery, page_schema
from shared.web.fields import DivisionCode

_code = validate.And(validate.Length(1, 100), validate.Regexp(r".*\S", error="Say something."))
_words = validate.And(validate.Length(1, 500), validate.Regexp(r"(?s).*\S", error="Say something."))


class _Input(Schema):
    class Meta:
        unknown = RAISE


class DecisionIn(_Input):
    """What the deciding organ signed."""

    kind = fields.Enum(Kind, by_value=True, required=True)
    deciding_organ = fields.String(required=True, validate=_code)
    decided_on = fields.Date(required=True)
    legal_reviewer = fields.String(
        load_default=None, allow_none=True, validate=_code, metadata={"description": "Who reviewed it (法制审核)"}
    )
    detention_days = fields.Integer(
        load_default=None, allow_none=True, strict=True, validate=validate.Range(*DETENTION_DAYS)
    )
    isolation_ground = fields.Enum(IsolationGround, by_value=True, load_default=None, allow_none=True)
    circumstances = fields.List(fields.Enum(Circumstance, by_value=True), load_default=list)
    spared_reason = fields.String(load_default=None, allow_none=True, validate=_words)
    early_release_barred = fields.Boolean(
        load_default=False, metadata={"description": "Relapsed after refusing or breaching rehab (戒毒条例 art. 38)"}
    )
    ahead_reason = fields.String(
        load_default=None,
        allow_none=True,
        validate=_words,
        metadata={"description": "Why the decision does not wait for the result to be settled"},
    )


class OrderIn(DecisionIn):
    """A decision that no settled test known here asked for."""

    person_id = fields.UUID(required=True)
    division = DivisionCode(required=True)
    test_order_id = fields.UUID(load_default=None, allow_none=True)


class ServiceIn(_Input):
    """When the decision was served."""

    served_at = fields.AwareDateTime(load_default=None, allow_none=True)


class NoticeIn(_Input):
    """Who was told of the decision, or why not."""

    addressee = fields.Enum(Addressee, by_value=True, required=True)
    channel = fields.String(required=True, validate=_code)
    at = fields.AwareDateTime(load_default=None, allow_none=True)
    proof = fields.String(load_default=None, allow_none=True, validate=_words)
    not_told_reason = fields.String(load_default=None, allow_none=True, validate=_words)


class DocumentIn(_Input):
    """A document of the case."""

    kind = fields.Enum(DocumentKind, by_value=True, required=True)
    number = fields.String(required=True, validate=_code)
    issued_on = fields.Date(required=True)


class AdmissionIn(_Input):
    """An admission."""

    centre = fields.String(required=True, validate=_code)
    admitted_at = fields.AwareDateTime(load_default=None, allow_none=True)
    special = fields.Enum(
        Special,
        by_value=True,
        load_default=None,
        allow_none=True,
        metadata={"description": "Why the person goes to a special facility (病残收治)"},
    )


class AdmissionRefusalIn(_Input):
    """Why a centre does not take the person in."""

    reason = fields.Enum(RefusalReason, by_value=True, required=True)
    note = fields.String(required=True, validate=_words)
    retry_on = fields.Date(load_default=None, allow_none=True)


class NoteIn(_Input):
    """Why."""

    note = fields.String(required=True, validate=_words)


class Nothing(_Input):
    """An act that needs no more words."""


class MomentIn(_Input):
    """When it happened."""

    at = fields.AwareDateTime(load_default=None, allow_none=True)


class TransferIn(MomentIn):
    """Where the person was moved to."""

    to = fields.String(required=True, validate=_code)


class AssessmentIn(_Input):
    """A diagnostic assessment."""

    on = fields.Date(required=True)
    grade = fields.Enum(Grade, by_value=True, required=True)


class ProposalIn(_Input):
    """Another end of the stay."""

    kind = fields.Enum(Proposal, by_value=True, required=True)
    last_day = fields.Date(load_default=None, allow_none=True)


class TermDecisionIn(_Input):
    """The answer to a proposal."""

    approved = fields.Boolean(required=True)
    note = fields.String(load_default=None, allow_none=True, validate=_words)


class CentreIn(_Input):
    """A place of custody."""

    name = fields.String(required=True, validate=_code)
    kind = fields.Enum(CentreKind, by_value=True, required=True)
    division = DivisionCode(required=True)


class HeadcountIn(_Input):
    """How many were counted at the end of the day."""

    counted = fields.Integer(required=True, strict=True, validate=validate.Range(0, 100_000))


class OrderQuery(CursorQuery):
    """Which orders to list."""

    state = fields.Enum(OrderState, by_value=True)
    person_id = fields.UUID()
    test_order_id = fields.UUID()
    due_before = fields.AwareDateTime(metadata={"description": "Only those whose next step is due before this"})
    under_review = fields.Boolean()


class StayQuery(CursorQuery):
    """Which stays to list."""

    centre = fields.String()
    state = fields.Enum(StayState, by_value=True)
    person_id = fields.UUID()
    term_ends_before = fields.Date()


class NoticeOut(Schema):
    """Who was told of the decision, or why not."""

    addressee = fields.Enum(Addressee, by_value=True)
    at = fields.AwareDateTime()
    channel = fields.String()
    proof = fields.String(allow_none=True)
    not_told_reason = fields.String(allow_none=True)


class DocumentOut(Schema):
    """A document of the case."""

    kind = fields.Enum(DocumentKind, by_value=True)
    number = fields.String()
    issued_on = fields.Date()


class OrderOut(Schema):
    """An order."""

    id = fields.UUID()
    version = fields.Integer()
    person_id = fields.UUID()
    test_order_id = fields.UUID(allow_none=True)
    division = fields.String()
    state = fields.Enum(OrderState, by_value=True)
    kind = fields.Enum(Kind, by_value=True, allow_none=True)
    deciding_organ = fields.String(allow_none=True)
    legal_reviewer = fields.String(allow_none=True)
    isolation_ground = fields.Enum(IsolationGround, by_value=True, allow_none=True)
    circumstances = fields.List(fields.Enum(Circumstance, by_value=True))
    ahead_reason = fields.String(allow_none=True)
    early_release_barred = fields.Boolean()
    replaces = fields.UUID(allow_none=True)
    decided_on = fields.Date(allow_none=True)
    term_first_day = fields.Date(allow_none=True)
    term_last_day = fields.Date(allow_none=True)
    served_at = fields.AwareDateTime(allow_none=True)
    notices = fields.List(fields.Nested(NoticeOut))
    documents = fields.List(fields.Nested(DocumentOut))
    admission_due_at = fields.AwareDateTime(allow_none=True)
    reconsider_until = fields.AwareDateTime(allow_none=True)
    sue_until = fields.AwareDateTime(allow_none=True)
    refusal_reason = fields.Enum(RefusalReason, by_value=True, allow_none=True)
    refusal_note = fields.String(allow_none=True)
    admitted_at = fields.AwareDateTime(allow_none=True)
    stay_id = fields.UUID(allow_none=True)
    review_opened_at = fields.AwareDateTime(allow_none=True)
    review_reason = fields.String(allow_none=True)
    review_outcome = fields.Enum(ReviewOutcome, by_value=True, allow_none=True)
    review_note = fields.String(allow_none=True)
    revoked_at = fields.AwareDateTime(allow_none=True)
    due_rule = fields.String(allow_none=True)
    due_at = fields.AwareDateTime(allow_none=True)


class AssessmentOut(Schema):
    """A diagnostic assessment."""

    on = fields.Date()
    grade = fields.Enum(Grade, by_value=True)


class TermProposalOut(Schema):
    """Another end of the stay that was proposed."""

    kind = fields.Enum(Proposal, by_value=True)
    proposed_at = fields.AwareDateTime()
    last_day = fields.Date(allow_none=True)
    decided_at = fields.AwareDateTime(allow_none=True)
    approved = fields.Boolean(allow_none=True)
    note = fields.String(allow_none=True)


class StayOut(Schema):
    """A stay."""

    id = fields.UUID()
    version = fields.Integer()
    order_id = fields.UUID()
    person_id = fields.UUID()
    centre = fields.String()
    custody = fields.Enum(Kind, by_value=True)
    state = fields.Enum(StayState, by_value=True)
    admitted_at = fields.AwareDateTime()
    term_first_day = fields.Date()
    term_last_day = fields.Date()
    special = fields.Enum(Special, by_value=True, allow_none=True)
    early_release_barred = fields.Boolean()
    away_since = fields.AwareDateTime(allow_none=True)
    days_at_large = fields.Integer()
    escapes = fields.Integer()
    extended = fields.Boolean()
    assessments = fields.List(fields.Nested(AssessmentOut))
    proposal = fields.Nested(TermProposalOut, allow_none=True)
    family_told_at = fields.AwareDateTime(allow_none=True)
    ended_at = fields.AwareDateTime(allow_none=True)
    end_kind = fields.String(allow_none=True)
    release_id = fields.UUID(allow_none=True)
    due_rule = fields.String(allow_none=True)
    due_at = fields.AwareDateTime(allow_none=True)


class CentreOut(Schema):
    """A place of custody."""

    code = fields.String()
    name = fields.String()
    kind = fields.String()
    division = fields.String()


class HeadcountOut(Schema):
    """How many people a centre has, by who came and went, and as counted."""

    centre = fields.String()
    day = fields.Date()
    yesterday = fields.Integer()
    movements = fields.Dict(keys=fields.String(), values=fields.Integer())
    today = fields.Integer()
    counted = fields.Integer(allow_none=True)
    difference = fields.Integer(allow_none=True)


OrderPage = page_schema(OrderOut)
StayPage = page_schema(StayOut)
CentrePage = page_schema(CentreOut)
