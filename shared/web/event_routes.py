"""What operators can do about a service's events: say one again, or all since a moment; ask which ones it never said.

A service that was restored to an earlier moment has to hear again what it forgot, and may have forgotten what others
heard from it. Each act is audited, and saying again is safe: who heard an event knows it by its id.
"""

from typing import Any

from flask.views import MethodView
from marshmallow import RAISE, Schema, fields, post_load, validate

from shared.contracts.fields import LARGEST_NUMBER
from shared.storage import streams
from shared.storage.work import UnitOfWork
from shared.web.access import Jurisdiction
from shared.web.body import Blueprint
from shared.web.operation import current_work, operation
from shared.web.principal import Role

MOST_ASKED = 500  # events at once

_position = validate.Range(1, LARGEST_NUMBER)


class _Input(Schema):
    class Meta:
        unknown = RAISE


class SayAgainIn(_Input):
    """Which event: the one of a version of an aggregate."""

    subject = fields.UUID(required=True)
    sequence = fields.Integer(required=True, strict=True, validate=_position)


class SaidAgainOut(Schema):
    """Which event is on its way again."""

    event_id = fields.UUID()


class RepublishIn(_Input):
    """From which moment on, and why; ``before`` is what the answer to the last request said."""

    since = fields.AwareDateTime(required=True)
    before = fields.Integer(load_default=None, allow_none=True, strict=True, validate=_position)
    note = fields.String(required=True, validate=validate.Length(1, 500))


class RepublishedOut(Schema):
    """How many events are on their way again. Ask once more with ``before``, unless it is null."""

    count = fields.Integer()
    before = fields.Integer(allow_none=True)


class HeardEventIn(_Input):
    """An event that somebody heard."""

    event_id = fields.UUID(required=True)
    subject = fields.UUID(required=True)
    sequence = fields.Integer(required=True, strict=True, validate=_position)

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> streams.HeardEvent:
        """As the log is asked."""
        return streams.HeardEvent(**data)


class UnsaidIn(_Input):
    """Events that somebody heard from this service."""

    events = fields.List(fields.Nested(HeardEventIn), required=True, validate=validate.Length(1, MOST_ASKED))


class UnsaidOut(Schema):
    """Those of them that the service does not know to have said."""

    event_ids = fields.List(fields.UUID())


def add_event_routes(blp: Blueprint) -> None:
    """The routes, below those for operators."""

    @blp.route("/events/say-again")
    class SayAgain(MethodView):
        """An event that was said and did not arrive."""

        @operation(Role.OPERATOR, within=Jurisdiction.CITY, creates=True)
        @blp.arguments(SayAgainIn)
        @blp.response(202, SaidAgainOut)
        @blp.alt_response(404, "Problem404")
        def post(self, body: dict[str, Any]) -> dict[str, Any]:
            """Publish a version's event once more. It is safe: who heard it knows it by its id."""
            event_id = streams.say_again(_work(), body["subject"], body["sequence"])
            _work().note_act("event.said_again", body["subject"], body["sequence"])
            return {"event_id": event_id}

    @blp.route("/events/republication")
    class Republication(MethodView):
        """Everything that was said since a moment."""

        @operation(Role.OPERATOR, within=Jurisdiction.CITY, creates=True)
        @blp.arguments(RepublishIn)
        @blp.response(202, RepublishedOut)
        def post(self, body: dict[str, Any]) -> streams.SaidAgain:
            """Publish events once more, so many at once, the newest first: for hearers that were restored."""
            said = streams.say_again_since(_work(), body["since"], before=body["before"])
            basis = f"{said.count} since {body['since'].isoformat()}: {body['note']}"
            _work().note_act("events.said_again", None, basis=basis)
            return said

    @blp.route("/events/unsaid")
    class Unsaid(MethodView):
        """What a service that was restored does not remember."""

        @operation(Role.OPERATOR, within=Jurisdiction.CITY)
        @blp.arguments(UnsaidIn)
        @blp.response(200, UnsaidOut)
        def post(self, body: dict[str, Any]) -> dict[str, Any]:
            """Name those of the given events that this service has no record of having said."""
            return {"event_ids": [one.event_id for one in streams.unsaid(_work(), body["events"])]}


def _work() -> UnitOfWork:
    work: UnitOfWork = current_work()
    return work
