"""What goes in and out of community_handover's API."""

from marshmallow import RAISE, Schema, fields, validate

from services.community_handover.domain.receiving import OFFICIALS
from services.community_handover.domain.searching import TraceKind
from services.community_handover.domain.task import (
    CloseReason,
    Ground,
    HolderKind,
    Kind,
    Outcome,
    PauseReason,
    RejectionGround,
    Task,
)
from services.community_handover.domain.transitions import State
from shared.web import CursorQuery, current_work, page_schema
from shared.web.fields import DivisionCode

_code = validate.Length(1, 100)
_words = validate.Length(1, 500)


class _Input(Schema):
    class Meta:
        unknown = RAISE


class AcceptanceIn(_Input):
    """A confirmation."""

    version_seen = fields.Integer(
        load_default=None, allow_none=True, metadata={"description": "The version that the officer looked at"}
    )


class RejectionIn(_Input):
    """Why the office is not the right one, and which one is."""

    ground = fields.Enum(RejectionGround, by_value=True, load_default=RejectionGround.OTHER)
    reason = fields.String(
        load_default=None,
        allow_none=True,
        validate=_words,
        metadata={"description": "In words; needed when the ground is `other`"},
    )
    proposed_office = fields.String(load_default=None, allow_none=True, validate=_code)


class MemberIn(_Input):
    """Somebody who goes to the gate."""

    role = fields.String(
        required=True, validate=validate.OneOf([*sorted(OFFICIALS), "family", "guardian", "volunteer", "village_cadre"])
    )
    subject = fields.String(
        load_default=None, allow_none=True, validate=_code, metadata={"description": "The account of an official"}
    )


class PartyIn(_Input):
    """Who goes to the gate."""

    members = fields.List(fields.Nested(MemberIn), required=True, validate=validate.Length(1, 10))


class MeetingIn(_Input):
    """What happened at the gate."""

    outcome = fields.Enum(Outcome, by_value=True, required=True)
    met_at = fields.AwareDateTime(load_default=None, allow_none=True)
    note = fields.String(load_default=None, allow_none=True, validate=_words)


class CorrectionIn(_Input):
    """What really happened at the gate, and how the wrong entry came about."""

    outcome = fields.Enum(Outcome, by_value=True, required=True)
    reason = fields.String(required=True, validate=_words)
    met_at = fields.AwareDateTime(load_default=None, allow_none=True)
    note = fields.String(load_default=None, allow_none=True, validate=_words)


class FirstContactIn(_Input):
    """When an official reached the person."""

    contacted_at = fields.AwareDateTime(load_default=None, allow_none=True)


class TraceStepIn(_Input):
    """An attempt to find the person."""

    kind = fields.Enum(TraceKind, by_value=True, required=True)
    found = fields.Boolean(required=True)
    at = fields.AwareDateTime(load_default=None, allow_none=True)
    note = fields.String(load_default=None, allow_none=True, validate=_words)


class RegistrationIn(_Input):
    """When the person reported."""

    reported_at = fields.AwareDateTime(load_default=None, allow_none=True)
    measure_months = fields.Integer(
        load_default=None,
        allow_none=True,
        validate=validate.Range(1, 36),
        metadata={"description": "How long rehabilitation was ordered for; three years if not said (禁毒法 art. 48)"},
    )


class AgreementIn(_Input):
    """When the agreement was signed."""

    signed_at = fields.AwareDateTime(load_default=None, allow_none=True)


class ReferralIn(_Input):
    """When and under which number the police were told."""

    number = fields.String(required=True, validate=_code)
    told_at = fields.AwareDateTime(load_default=None, allow_none=True)


class ContactIn(_Input):
    """How the offer of help ended."""

    consents_to_contact = fields.Boolean(required=True)


class PauseIn(_Input):
    """Why the person cannot report now."""

    reason = fields.Enum(PauseReason, by_value=True, required=True)


class LetterIn(_Input):
    """The letter to an office outside the platform."""

    to = fields.String(required=True, validate=_code)
    letter_number = fields.String(required=True, validate=_code)
    sent_at = fields.AwareDateTime(load_default=None, allow_none=True)


class ReceiptIn(_Input):
    """The reply of that office."""

    received_at = fields.AwareDateTime(load_default=None, allow_none=True)


class ClosureIn(_Input):
    """Why the task is over."""

    reason = fields.Enum(CloseReason, by_value=True, required=True)


class AssignmentIn(_Input):
    """Who is to receive the person, and why."""

    office = fields.String(required=True, validate=_code)
    reason = fields.String(load_default=None, allow_none=True, validate=_words)


class Nothing(_Input):
    """Nothing more to say."""


class OfficeIn(_Input):
    """An office."""

    name = fields.String(required=True, validate=_code)
    level = fields.String(required=True, validate=validate.OneOf(["village", "township", "county", "city"]))
    division = DivisionCode(required=True)


class CoverageIn(_Input):
    """Who covers a division."""

    office = fields.String(required=True, validate=_code)


class DutyIn(_Input):
    """Who is on duty, and who stands in: account ids."""

    officer = fields.String(required=True, validate=_code)
    deputy = fields.String(required=True, validate=_code)


class OfficerIn(_Input):
    """Who works in an office: an account id, no name."""

    account = fields.String(required=True, validate=_code)
    active = fields.Boolean(load_default=True)


class RosterQuery(_Input):
    """Which days."""

    first_day = fields.Date(required=True)
    last_day = fields.Date(required=True)


class GapQuery(_Input):
    """Which area."""

    division = fields.String(load_default="", metadata={"description": "Prefix of the division codes"})


class DutyQuery(_Input):
    """Which day, and which area."""

    day = fields.Date(required=True)
    division = fields.String(load_default="", metadata={"description": "Prefix of the division codes"})


class TaskQuery(CursorQuery):
    """Which tasks to list."""

    office = fields.String()
    state = fields.Enum(State, by_value=True)
    release_id = fields.UUID()
    person_id = fields.UUID()
    order_id = fields.UUID()
    due_before = fields.AwareDateTime(metadata={"description": "due_at before this moment"})
    open = fields.Boolean(metadata={"description": "true: only what is not over; false: only what is"})
    newest_first = fields.Boolean(load_default=False, metadata={"description": "Begin with the latest release"})


class CoverageQuery(CursorQuery):
    """Which coverage to list."""

    division = fields.String(metadata={"description": "Prefix of the division codes"})


class MemberOut(Schema):
    """Somebody who goes to the gate."""

    role = fields.String()
    subject = fields.String(allow_none=True)


class TraceStepOut(Schema):
    """An attempt to find the person."""

    kind = fields.Enum(TraceKind, by_value=True)
    at = fields.AwareDateTime()
    by = fields.String()
    found = fields.Boolean()
    note = fields.String(allow_none=True)


def _tier_of(task: Task) -> str | None:
    known = current_work().tiers.find(task.person_id)
    return known.tier if known else None


class CorrectionOut(Schema):
    """Who set right what had been entered of the gate, and why."""

    at = fields.AwareDateTime()
    by = fields.String()
    reason = fields.String()
    before = fields.Enum(Outcome, by_value=True)
    note = fields.String(allow_none=True)


class RestorationIn(_Input):
    """Whose task to put back: that of a release."""

    release_id = fields.UUID(required=True)


class RestoredOut(Schema):
    """A task that was put back: which one, and in which version."""

    id = fields.UUID()
    version = fields.Integer()


class TaskOut(Schema):
    """A handover task."""

    id = fields.UUID()
    version = fields.Integer()
    tier = fields.Function(
        _tier_of,
        metadata={
            "type": ["string", "null"],
            "description": "The risk tier that was decided: it says who goes to the gate",
        },
    )
    kind = fields.Enum(Kind, by_value=True)
    release_id = fields.UUID(allow_none=True)
    order_id = fields.UUID(allow_none=True)
    release_version = fields.Integer()
    person_id = fields.UUID()
    legal_ground = fields.Enum(Ground, by_value=True)
    state = fields.Enum(State, by_value=True)
    holder_kind = fields.Enum(HolderKind, by_value=True)
    holder = fields.String()
    office = fields.String(allow_none=True)
    division = fields.String(allow_none=True)
    release_at = fields.AwareDateTime()
    released_at = fields.AwareDateTime(allow_none=True)
    due_rule = fields.String(
        allow_none=True, metadata={"description": "The rule of the next deadline, see docs/deadlines.md"}
    )
    due_at = fields.AwareDateTime(allow_none=True, metadata={"description": "The first moment that is too late"})
    reminded_at = fields.AwareDateTime(allow_none=True)
    escalation_level = fields.Integer()
    offered_at = fields.AwareDateTime(allow_none=True)
    accept_due_at = fields.AwareDateTime(allow_none=True)
    accepted_at = fields.AwareDateTime(allow_none=True)
    accepted_by = fields.String(allow_none=True)
    assigned = fields.Boolean()
    assigned_reason = fields.String(allow_none=True)
    rejections = fields.Integer()
    rejected_by = fields.String(allow_none=True)
    rejection_ground = fields.Enum(RejectionGround, by_value=True, allow_none=True)
    rejection_reason = fields.String(allow_none=True)
    proposed_office = fields.String(allow_none=True)
    party = fields.List(fields.Nested(MemberOut), allow_none=True)
    met_at = fields.AwareDateTime(allow_none=True)
    outcome = fields.Enum(Outcome, by_value=True, allow_none=True)
    outcome_note = fields.String(allow_none=True)
    correction = fields.Nested(CorrectionOut, allow_none=True)
    contacted_at = fields.AwareDateTime(allow_none=True)
    trace = fields.List(fields.Nested(TraceStepOut), allow_none=True)
    unknown_at = fields.AwareDateTime(allow_none=True)
    unknown_signed_by = fields.String(allow_none=True)
    report_due_at = fields.AwareDateTime(allow_none=True)
    registered_at = fields.AwareDateTime(allow_none=True)
    agreement_signed_at = fields.AwareDateTime(allow_none=True)
    contact_done_at = fields.AwareDateTime(allow_none=True)
    consents_to_contact = fields.Boolean(allow_none=True)
    refused_at = fields.AwareDateTime(allow_none=True)
    referred_at = fields.AwareDateTime(allow_none=True)
    referral_number = fields.String(allow_none=True)
    remote_office = fields.String(allow_none=True)
    letter_number = fields.String(allow_none=True)
    letter_sent_at = fields.AwareDateTime(allow_none=True)
    receipt_at = fields.AwareDateTime(allow_none=True)
    paused_at = fields.AwareDateTime(allow_none=True)
    pause_reason = fields.Enum(PauseReason, by_value=True, allow_none=True)
    closed_at = fields.AwareDateTime(allow_none=True)
    close_reason = fields.Enum(CloseReason, by_value=True, allow_none=True)
    withdrawn_reason = fields.String(allow_none=True)
    unresolved_reason = fields.String(allow_none=True)


class LineOut(Schema):
    """A task as a list shows it."""

    id = fields.UUID()
    person_id = fields.UUID()
    state = fields.Enum(State, by_value=True)
    division = fields.String(allow_none=True)
    release_at = fields.AwareDateTime()
    released_at = fields.AwareDateTime(allow_none=True)
    due_rule = fields.String(allow_none=True)
    due_at = fields.AwareDateTime(allow_none=True)
    escalation_level = fields.Integer()
    accepted_at = fields.AwareDateTime(allow_none=True)
    accepted_by = fields.String(allow_none=True)
    party = fields.List(fields.Nested(MemberOut), allow_none=True)


LINE = tuple(LineOut().fields)


class BoardQuery(Schema):
    """How much of it."""

    limit = fields.Integer(load_default=100, validate=validate.Range(1, 200))
    done = fields.Integer(load_default=20, validate=validate.Range(1, 100))


class BoardOut(Schema):
    """Open tasks, and the latest that are over."""

    open = fields.List(fields.Nested(LineOut))
    done = fields.List(fields.Nested(LineOut))
    more = fields.Boolean(metadata={"description": "Whether more are open than are shown"})


class DutyOut(Schema):
    """Who is on duty."""

    office = fields.String()
    day = fields.Date()
    officer = fields.String()
    deputy = fields.String()


class OfficeOut(Schema):
    """An office."""

    code = fields.String()
    name = fields.String()
    level = fields.String()
    division = fields.String()


class CoverageOut(Schema):
    """Who covers a division."""

    division = fields.String()
    office = fields.String()


TaskPage = page_schema(TaskOut)
OfficePage = page_schema(OfficeOut)
CoveragePage = page_schema(CoverageOut)


class OfficesOut(Schema):
    """Offices, all of them."""

    items = fields.List(fields.Nested(OfficeOut))


class OfficerOut(Schema):
    """Who works in an office, or did."""

    account = fields.String()
    office = fields.String()
    active = fields.Boolean()


class OfficersOut(Schema):
    """Officers of an office, all of them."""

    items = fields.List(fields.Nested(OfficerOut))


class DutiesOut(Schema):
    """A roster."""

    items = fields.List(fields.Nested(DutyOut))


class DivisionOut(Schema):
    """A place."""

    code = fields.String()
    name = fields.String()


class DivisionsOut(Schema):
    """Places, all of them."""

    items = fields.List(fields.Nested(DivisionOut))
