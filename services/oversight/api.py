"""oversight's HTTP API: the timeline of one case, counts for each stage."""

from typing import Any
from uuid import UUID

from flask.views import MethodView
from sqlalchemy import case, func, select

from services.oversight.access import files_of_case
from services.oversight.schemas import CaseOut, LinePage, StageQuery, StagesOut, TimelineQuery
from services.oversight.store import Work, aggregate_states, timeline
from shared.kernel.errors import NotFound
from shared.web import (
    SUPERVISORS,
    Blueprint,
    Jurisdiction,
    Outside,
    Role,
    current_principal,
    current_work,
    operation,
    page_of,
)
from shared.web.scope import asked_area

blp = Blueprint("oversight", __name__, description="Cases and stages, over all services")

# A laboratory knows seals and no cases, an operator messages and no persons.
READERS = (Role.STATION_OFFICER, Role.CENTRE_CLERK, Role.COMMUNITY_OFFICER, *SUPERVISORS, Role.AUDITOR)


def work() -> Work:
    """The request's transaction."""
    found: Work = current_work()
    return found


@blp.route("/cases/<uuid:person_id>/timeline")
class Timeline(MethodView):
    """What happened."""

    @operation(*READERS, within=Jurisdiction.CASE, outside=Outside.LEFT_OUT)
    @blp.arguments(TimelineQuery, location="query")
    @blp.response(200, LinePage)
    def get(self, query: dict[str, Any], person_id: UUID) -> dict[str, Any]:
        """Everything that happened in a person's case, in order."""
        return page_of(
            work().timeline,
            timeline.c.person_id.in_(files_of_case(person_id, current_principal(), work())),
            sort=timeline.c.occurred_at,
            limit=query["limit"],
            cursor=query["cursor"],
            descending=query["order"] == "newest_first",
        )


@blp.route("/cases/<uuid:person_id>")
class Case(MethodView):
    """Where a case stands."""

    @operation(*READERS, within=Jurisdiction.CASE)
    @blp.response(200, CaseOut)
    def get(self, person_id: UUID) -> dict[str, Any]:
        """The newest state of everything in a person's case, who holds it, and what is due next."""
        columns = aggregate_states.c
        files = files_of_case(person_id, current_principal(), work())
        if not files:
            raise NotFound("case.not_found", f"nothing is known of {person_id}")
        found = work().states.select(columns.person_id.in_(files), order_by=columns.changed_at)
        due = [aggregate.due_at for aggregate in found if aggregate.due_at is not None]
        return {"person_id": files[0], "files": files, "aggregates": found, "next_due_at": min(due, default=None)}


@blp.route("/stages")
class Stages(MethodView):
    """How many cases are where."""

    @operation(Role.ANYONE_SIGNED_IN, within=Jurisdiction.AREA, outside=Outside.REFUSED)
    @blp.arguments(StageQuery, location="query")
    @blp.response(200, StagesOut)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """Counts for every kind and state, and how many of them are overdue."""
        columns = aggregate_states.c
        overdue = func.sum(case((columns.due_at < work().now, 1), else_=0))
        statement = (
            select(columns.kind, columns.state, func.count().label("count"), overdue.label("overdue"))
            .where(columns.person_id.is_not(None), columns.kind != "discrepancy")
            .group_by(columns.kind, columns.state)
            .order_by(columns.kind, columns.state)
        )
        prefix = asked_area(query["division"], current_principal())
        if prefix:
            statement = statement.where(columns.division.startswith(prefix))
        return {"stages": [row._asdict() for row in work().connection.execute(statement)]}
