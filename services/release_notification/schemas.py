"""What goes in and out, by HTTP and by message alike."""

from collections.abc import Callable
from datetime import date
from typing import Any

from marshmallow import RAISE, Schema, fields, validate

from services.release_notification import policy
from services.release_notification.domain import Ground, Kind, State
from shared.web import CursorQuery, page_schema
from shared.web.refusals import field_error


def _not_blank(text: str) -> None:
    if not text.strip():
        raise field_error("text.blank", "this says nothing")


def _plausible(moment: date) -> None:
    if moment.year not in policy.YEARS:
        raise field_error("time.out_of_range", f"years from {policy.YEARS[0]} to {policy.YEARS[-1]} are taken")


_code: list[Callable[[Any], Any]] = [validate.Length(1, 100), _not_blank]
_text: list[Callable[[Any], Any]] = [validate.Length(1, 500), _not_blank]


class _Input(Schema):
    class Meta:
        unknown = RAISE


class PlanIn(_Input):
    """A release to plan."""

    person_id = fields.UUID(required=True)
    centre = fields.String(required=True, validate=_code)
    kind = fields.Enum(Kind, by_value=True, required=True)
    release_at = fields.AwareDateTime(required=True, validate=_plausible)
    stay_id = fields.UUID(load_default=None, allow_none=True)
    order_id = fields.UUID(load_default=None, allow_none=True)
    legal_ground = fields.Enum(Ground, by_value=True, load_default=None, allow_none=True)
    term_last_day = fields.Date(load_default=None, allow_none=True, validate=_plausible)


class RescheduleIn(_Input):
    """A changed plan."""

    release_at = fields.AwareDateTime(required=True, validate=_plausible)
    reason = fields.String(required=True, validate=_text)
    kind = fields.Enum(Kind, by_value=True, load_default=None, allow_none=True)
    legal_ground = fields.Enum(Ground, by_value=True, load_default=None, allow_none=True)


class CancelIn(_Input):
    """Why a release will not take place."""

    reason = fields.String(required=True, validate=_text)


class ExecuteIn(_Input):
    """What happened at the gate."""

    certificate_number = fields.String(required=True, validate=_code)
    executed_at = fields.AwareDateTime(load_default=None, allow_none=True, validate=_plausible)
    kind = fields.Enum(Kind, by_value=True, load_default=None, allow_none=True)


class ReleaseQuery(CursorQuery):
    """Which releases to list."""

    centre = fields.String()
    state = fields.Enum(State, by_value=True)
    person_id = fields.UUID()
    stay_id = fields.UUID()
    after = fields.AwareDateTime(validate=_plausible, metadata={"description": "release_at from this moment on"})
    before = fields.AwareDateTime(validate=_plausible, metadata={"description": "release_at before this moment"})


class ReleaseOut(Schema):
    """A release."""

    id = fields.UUID()
    version = fields.Integer()
    person_id = fields.UUID()
    stay_id = fields.UUID(allow_none=True)
    order_id = fields.UUID(allow_none=True)
    centre = fields.String()
    kind = fields.Enum(Kind, by_value=True)
    state = fields.Enum(State, by_value=True)
    release_at = fields.AwareDateTime()
    term_last_day = fields.Date(allow_none=True)
    needs_handover = fields.Boolean()
    legal_ground = fields.Enum(Ground, by_value=True)
    executed_at = fields.AwareDateTime(allow_none=True)
    certificate_number = fields.String(allow_none=True)
    reason = fields.String(allow_none=True)


ReleasePage = page_schema(ReleaseOut)
