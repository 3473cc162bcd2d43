"""What goes in and out of community_handover's API."""

from marshmallow import RAISE, Schema, fields, validate

from services.community_handover.domain import Ground, HolderKind, Outcome, State
from shared.web import CursorQuery, page_schema
from shared.web.fields import DivisionCode

_code = validate.Length(1, 100)


class _Input(Schema):
    class Meta:
        unknown = RAISE


class AcceptanceIn(_Input):
    """A confirmation."""

    version_seen = fields.Integer(
        load_default=None, allow_none=True, metadata={"description": "The version that the officer looked at"}
    )


class MeetingIn(_Input):
    """How the person was met."""

    outcome = fields.Enum(Outcome, by_value=True, required=True)
    met_at = fields.AwareDateTime(load_default=None, allow_none=True)


class RegistrationIn(_Input):
    """When the person reported."""

    reported_at = fields.AwareDateTime(load_default=None, allow_none=True)


class ContactIn(_Input):
    """How the offer of help ended."""

    consents_to_contact = fields.Boolean(required=True)


class AssignmentIn(_Input):
    """Who is to receive the person, and why."""

    office = fields.String(required=True, validate=_code)


class OfficeIn(_Input):
    """An office."""

    name = fields.String(required=True, validate=_code)
    level = fields.String(required=True, validate=validate.OneOf(["village", "township", "county", "city"]))
    division = DivisionCode(required=True)


class CoverageIn(_Input):
    """Who covers a division."""

    office = fields.String(required=True, validate=_code)


class TaskQuery(CursorQuery):
    """Which tasks to list."""

    office = fields.String()
    state = fields.Enum(State, by_value=True)
    release_id = fields.UUID()
    person_id = fields.UUID()
    due_before = fields.AwareDateTime(metadata={"description": "accept_due_at before this moment"})


class CoverageQuery(CursorQuery):
    """Which coverage to list."""

    division = fields.String(metadata={"description": "Prefix of the division codes"})


class TaskOut(Schema):
    """A handover task."""

    id = fields.UUID()
    version = fields.Integer()
    release_id = fields.UUID()
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
    offered_at = fields.AwareDateTime(allow_none=True)
    accept_due_at = fields.AwareDateTime(allow_none=True)
    accepted_at = fields.AwareDateTime(allow_none=True)
    accepted_by = fields.String(allow_none=True)
    met_at = fields.AwareDateTime(allow_none=True)
    outcome = fields.Enum(Outcome, by_value=True, allow_none=True)
    report_due_at = fields.AwareDateTime(allow_none=True)
    registered_at = fields.AwareDateTime(allow_none=True)
    contact_done_at = fields.AwareDateTime(allow_none=True)
    consents_to_contact = fields.Boolean(allow_none=True)
    withdrawn_reason = fields.String(allow_none=True)
    unresolved_reason = fields.String(allow_none=True)
    escalation_level = fields.Integer()


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
