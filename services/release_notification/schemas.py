"""What goes in and out, by HTTP and by message alike."""

from collections.abc import Callable
from datetime import date
from typing import Any

from marshmallow import RAISE, Schema, fields, post_load, validate

from services.release_notification import policy
from services.release_notification.domain import release as domain
from services.release_notification.domain.release import (
    Addressee,
    Alarm,
    CancelledBy,
    Ground,
    Kind,
    Present,
    Rehab,
)
from services.release_notification.domain.transitions import State
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
    present = fields.List(
        fields.Enum(Present, by_value=True),
        load_default=list,
        validate=validate.Length(max=4),
        metadata={"description": "Who was at the gate, as the centre saw it"},
    )

    @post_load
    def _tuple(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        return data | {"present": tuple(data["present"])}


class RetractIn(_Input):
    """Why what was reported is wrong."""

    reason = fields.String(required=True, validate=_text)


class ReinstateIn(_Input):
    """When the person leaves after all."""

    release_at = fields.AwareDateTime(required=True, validate=_plausible)
    reason = fields.String(required=True, validate=_text)


class NoticeIn(_Input):
    """Who was told, how, and with what proof; or why not."""

    addressee = fields.Enum(Addressee, by_value=True, required=True)
    channel = fields.String(required=True, validate=_code)
    sent_at = fields.AwareDateTime(load_default=None, allow_none=True, validate=_plausible)
    delivered_at = fields.AwareDateTime(load_default=None, allow_none=True, validate=_plausible)
    proof = fields.String(load_default=None, allow_none=True, validate=_text)
    not_told_reason = fields.String(load_default=None, allow_none=True, validate=_text)


class RehabIn(_Input):
    """Whether the deciding organ ordered community rehabilitation."""

    rehab = fields.Enum(
        Rehab, by_value=True, required=True, validate=validate.OneOf([Rehab.ORDERED, Rehab.NOT_ORDERED])
    )


class PapersIn(_Input):
    """When the papers went to the township."""

    sent_at = fields.AwareDateTime(load_default=None, allow_none=True, validate=_plausible)


class ReleaseQuery(CursorQuery):
    """Which releases to list."""

    centre = fields.String()
    state = fields.Enum(State, by_value=True)
    person_id = fields.UUID()
    stay_id = fields.UUID()
    after = fields.AwareDateTime(validate=_plausible, metadata={"description": "release_at from this moment on"})
    before = fields.AwareDateTime(validate=_plausible, metadata={"description": "release_at before this moment"})
    due_before = fields.AwareDateTime(
        validate=_plausible, metadata={"description": "Only those whose next step is due before this"}
    )
    alarm = fields.Enum(Alarm, by_value=True)


class NoticeOut(Schema):
    """Who was told, how, and with what proof; or why not."""

    addressee = fields.Enum(Addressee, by_value=True)
    for_day = fields.Date()
    channel = fields.String()
    sent_at = fields.AwareDateTime()
    delivered_at = fields.AwareDateTime(allow_none=True)
    proof = fields.String(allow_none=True)
    not_told_reason = fields.String(allow_none=True)


class SilenceOut(Schema):
    """A silence that should not be."""

    kind = fields.String(metadata={"description": "over_term, silent, notice_late or centre_quiet"})
    centre = fields.String()
    release_id = fields.UUID(allow_none=True)
    since = fields.AwareDateTime(allow_none=True)


class SilencesOut(Schema):
    """All silences that should not be, the most urgent first."""

    items = fields.List(fields.Nested(SilenceOut))


class StatedReleaseOut(Schema):
    """A release that took place, in the version in which that was told."""

    release_id = fields.UUID()
    version = fields.Integer()
    needs_handover = fields.Boolean()


class StatementOut(Schema):
    """Who left a centre on a day, as its register has it."""

    centre = fields.String()
    day = fields.Date()
    version = fields.Integer(metadata={"description": "How often it was stated"})
    executed = fields.Integer()
    to_be_met = fields.Integer()
    digest = fields.String(
        metadata={"description": "sha256 of the sorted lines release_id:version of those that are to be met"}
    )
    stated_at = fields.AwareDateTime()
    releases = fields.List(fields.Nested(StatedReleaseOut))


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
    rehab = fields.Enum(Rehab, by_value=True, allow_none=True)
    notices = fields.List(fields.Nested(NoticeOut))
    untold = fields.Function(
        lambda release: sorted(domain.untold(release, policy.NOTICES.get(release.kind, ()))),
        metadata={
            "description": "Who must still be told of this day",
            "type": "array",
            "items": {"type": "string"},
        },
    )
    alarm = fields.Enum(Alarm, by_value=True, allow_none=True)
    present = fields.List(fields.Enum(Present, by_value=True))
    left_alone_at = fields.AwareDateTime(allow_none=True)
    papers_sent_at = fields.AwareDateTime(allow_none=True)
    cancelled_by = fields.Enum(CancelledBy, by_value=True, allow_none=True)
    due_rule = fields.String(allow_none=True)
    due_at = fields.AwareDateTime(allow_none=True)


ReleasePage = page_schema(ReleaseOut)
