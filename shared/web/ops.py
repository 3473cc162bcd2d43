"""What operators can do in every service: look at dead letters, give them again, discard them with a reason; say events
again that others never heard (`shared.web.event_routes`).

A payload is shown with everything masked that could be personal. Each act is audited.
"""

from typing import Any
from uuid import UUID

from flask.views import MethodView
from marshmallow import RAISE, Schema, fields, validate
from sqlalchemy import func, select

from shared.observability.redaction import redacted_text
from shared.storage import dead_letters
from shared.storage.chassis import DEAD_LETTER
from shared.storage.dead_letters import Letter, LetterState
from shared.storage.outbox import backlog
from shared.storage.records import Records
from shared.storage.work import UnitOfWork
from shared.web.access import Jurisdiction
from shared.web.body import Blueprint
from shared.web.event_routes import add_event_routes
from shared.web.operation import current_principal, current_work, operation
from shared.web.pagination import CursorQuery, page_of, page_schema
from shared.web.principal import Role

PAYLOAD_SHOWN = 4000  # characters
AT_ONCE = 500

_words = validate.Length(1, 500)


class _Input(Schema):
    class Meta:
        unknown = RAISE


class LetterQuery(CursorQuery):
    """Which letters to list."""

    state = fields.Enum(LetterState, by_value=True)
    reason = fields.String()
    message_id = fields.String()


class DecisionNoteIn(_Input):
    """Why."""

    note = fields.String(required=True, validate=_words)


class ReplayIn(DecisionNoteIn):
    """Which waiting letters to give again: those of a reason, and of a routing key if one is named."""

    reason = fields.String(required=True, validate=_words)
    routing_key = fields.String(load_default=None, allow_none=True, validate=_words)


class LetterOut(Schema):
    """A message that could not work."""

    id = fields.UUID()
    message_id = fields.String()
    queue = fields.String(allow_none=True)
    routing_key = fields.String()
    content_type = fields.String(allow_none=True)
    reason = fields.String()
    died_at = fields.AwareDateTime()
    state = fields.String(metadata={"enum": [state.value for state in LetterState]})
    decided_at = fields.AwareDateTime(allow_none=True)
    decided_by = fields.String(allow_none=True)
    note = fields.String(allow_none=True)
    size = fields.Function(lambda letter: len(letter.body), metadata={"type": "integer", "description": "bytes"})


class WholeLetterOut(LetterOut):
    """A letter with its error and its masked payload."""

    detail = fields.String(metadata={"description": "Type and frames of the error"})
    payload = fields.Function(lambda letter: masked(letter.body), metadata={"type": "string"})
    deaths = fields.Function(
        lambda letter: dead_letters.deaths(_work().connection, letter.message_id),
        metadata={"type": "integer", "description": "How often this message died"},
    )


class CountOut(Schema):
    """How many letters of a reason and routing key are in a state."""

    state = fields.String()
    reason = fields.String()
    routing_key = fields.String()
    count = fields.Integer()


class SummaryOut(Schema):
    """Counts of all letters."""

    items = fields.List(fields.Nested(CountOut))


class ReplayedOut(Schema):
    """How many letters will be given again; ask once more while there are any."""

    count = fields.Integer()


class StatusOut(Schema):
    """What is on its way, and what is stuck."""

    outbox_rows = fields.Integer(metadata={"description": "Messages not yet confirmed by the broker"})
    outbox_since = fields.AwareDateTime(allow_none=True, metadata={"description": "Since when the oldest waits"})
    dead_letters_waiting = fields.Integer()


LetterPage = page_schema(LetterOut)


def masked(body: bytes) -> str:
    """A payload as an operator may see it."""
    text = redacted_text(body.decode(errors="replace"))
    return text if len(text) <= PAYLOAD_SHOWN else f"{text[:PAYLOAD_SHOWN]}…"


def ops_blueprint() -> Blueprint:
    """The routes; a new blueprint for each application."""
    blp = Blueprint("ops", __name__, url_prefix="/ops", description="For operators: what is stuck, dead letters")

    @blp.route("/status")
    class Status(MethodView):
        """The service's own messages."""

        @operation(Role.OPERATOR, Role.AUDITOR, within=Jurisdiction.CITY)
        @blp.response(200, StatusOut)
        def get(self) -> dict[str, Any]:
            """What waits to be published, and what waits for an operator."""
            connection = _work().connection
            rows, since = backlog(connection)
            waiting = dead_letters.waiting(connection)
            return {"outbox_rows": rows, "outbox_since": since, "dead_letters_waiting": waiting}

    @blp.route("/dead-letters")
    class Letters(MethodView):
        """Messages that could not work."""

        @operation(Role.OPERATOR, Role.AUDITOR, within=Jurisdiction.CITY)
        @blp.arguments(LetterQuery, location="query")
        @blp.response(200, LetterPage)
        def get(self, query: dict[str, Any]) -> dict[str, Any]:
            """List dead letters, the newest first."""
            columns = DEAD_LETTER.c
            where = [columns[name] == query[name] for name in ("state", "reason", "message_id") if name in query]
            sort, cursor = columns.died_at, query["cursor"]
            return page_of(_letters(), *where, sort=sort, limit=query["limit"], cursor=cursor, descending=True)

    @blp.route("/dead-letters/summary")
    class Summary(MethodView):
        """All letters in figures."""

        @operation(Role.OPERATOR, Role.AUDITOR, within=Jurisdiction.CITY)
        @blp.response(200, SummaryOut)
        def get(self) -> dict[str, Any]:
            """Count letters by state, reason and routing key."""
            columns = DEAD_LETTER.c
            groups = (columns.state, columns.reason, columns.routing_key)
            counted = select(*groups, func.count().label("count")).group_by(*groups).order_by(*groups)
            return {"items": [row._asdict() for row in _work().connection.execute(counted)]}

    @blp.route("/dead-letters/replay")
    class ReplayMany(MethodView):
        """Many letters of one cause."""

        @operation(Role.OPERATOR, within=Jurisdiction.CITY, creates=True)
        @blp.arguments(ReplayIn)
        @blp.response(202, ReplayedOut)
        def post(self, body: dict[str, Any]) -> dict[str, Any]:
            """Give the waiting letters of a reason again, the oldest first, so many at once."""
            columns = DEAD_LETTER.c
            where = [columns.state == LetterState.WAITING.value, columns.reason == body["reason"]]
            if body["routing_key"] is not None:
                where.append(columns.routing_key == body["routing_key"])
            found = _letters().select(*where, order_by=columns.died_at, limit=AT_ONCE)
            for letter in found:
                _decide(letter, LetterState.REPLAYING, body["note"])
            return {"count": len(found)}

    @blp.route("/dead-letters/<uuid:letter_id>")
    class OneLetter(MethodView):
        """One letter."""

        @operation(Role.OPERATOR, Role.AUDITOR, within=Jurisdiction.CITY)
        @blp.response(200, WholeLetterOut)
        def get(self, letter_id: UUID) -> Letter:
            """Look into a letter: the error, the payload with personal data masked."""
            return _letters().get(letter_id)

    @blp.route("/dead-letters/<uuid:letter_id>/replay")
    class Replay(MethodView):
        """Giving a letter again."""

        @operation(Role.OPERATOR, within=Jurisdiction.CITY, creates=True)
        @blp.arguments(DecisionNoteIn)
        @blp.response(202, LetterOut)
        def post(self, body: dict[str, Any], letter_id: UUID) -> Letter:
            """Give a letter again. It is safe: what had its effect already has none."""
            return _decide(_letters().get(letter_id), LetterState.REPLAYING, body["note"])

    @blp.route("/dead-letters/<uuid:letter_id>/discard")
    class Discard(MethodView):
        """Giving a letter up."""

        @operation(Role.OPERATOR, within=Jurisdiction.CITY, creates=True)
        @blp.arguments(DecisionNoteIn)
        @blp.response(201, LetterOut)
        def post(self, body: dict[str, Any], letter_id: UUID) -> Letter:
            """Discard a letter, with the reason why nothing is lost by it."""
            return _decide(_letters().get(letter_id), LetterState.DISCARDED, body["note"])

    add_event_routes(blp)
    return blp


def _work() -> UnitOfWork:
    work: UnitOfWork = current_work()
    return work


def _letters() -> Records[Letter]:
    return _work().records(DEAD_LETTER, Letter)


def _decide(letter: Letter, to: LetterState, note: str) -> Letter:
    work, by = _work(), current_principal().subject
    decided = dead_letters.decide(_letters(), letter, to, by=by, now=work.now, note=note)
    work.note_act(f"dead_letter.{to.value}", letter.id)
    return decided
