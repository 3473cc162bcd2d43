"""What oversight heard from a service, by HTTP: what a service that was restored forgot is named by asking it.

Numbers and types only; what an event says is not told here.
"""

from typing import Any

from flask.views import MethodView
from marshmallow import Schema, fields, validate
from sqlalchemy import select

from services.oversight.store import Work, versions
from shared.contracts.catalogue import CATALOGUE
from shared.web import Blueprint, CursorQuery, Jurisdiction, Role, current_work, operation, page_of_rows, page_schema

heard_blp = Blueprint("heard", __name__, url_prefix="/heard", description="What was heard from a service")

PRODUCERS = sorted({contract.producer for contract in CATALOGUE.values() if contract.aggregate != "stream"})


class HeardQuery(CursorQuery):
    """From whom, and said since when."""

    producer = fields.String(required=True, validate=validate.OneOf(PRODUCERS))
    since = fields.AwareDateTime(required=True)


class HeardOut(Schema):
    """An event that was heard."""

    event_id = fields.UUID()
    kind = fields.String()
    subject = fields.UUID()
    sequence = fields.Integer()
    occurred_at = fields.AwareDateTime()


HeardPage = page_schema(HeardOut)


@heard_blp.route("")
class Heard(MethodView):
    """Events of one service."""

    @operation(Role.OPERATOR, Role.AUDITOR, within=Jurisdiction.CITY)
    @heard_blp.arguments(HeardQuery, location="query")
    @heard_blp.response(200, HeardPage)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List what was heard of what a service said since a moment, the oldest first."""
        columns = versions.c
        kinds = {contract.aggregate for contract in CATALOGUE.values() if contract.producer == query["producer"]}
        heard = select(
            columns.event_id,
            columns.kind,
            columns.aggregate_id.label("subject"),
            columns.sequence,
            columns.occurred_at,
        ).where(columns.kind.in_(kinds), columns.occurred_at >= query["since"])
        return page_of_rows(
            _work().connection,
            heard,
            sort=columns.occurred_at,
            key=columns.event_id,
            limit=query["limit"],
            cursor=query["cursor"],
        )


def _work() -> Work:
    found: Work = current_work()
    return found
