"""What goes out of oversight's API."""

from marshmallow import Schema, fields, validate

from shared.web import CursorQuery, page_schema


class TimelineQuery(CursorQuery):
    """How to list a timeline."""

    order = fields.String(load_default="oldest_first", validate=validate.OneOf(["oldest_first", "newest_first"]))


class LineOut(Schema):
    """One line of a timeline."""

    event_id = fields.UUID()
    kind = fields.String()
    aggregate_id = fields.UUID()
    sequence = fields.Integer()
    type = fields.String()
    state = fields.String()
    occurred_at = fields.AwareDateTime()
    actor = fields.String(allow_none=True)


class AggregateOut(Schema):
    """An aggregate's newest state."""

    aggregate_id = fields.UUID()
    version = fields.Integer()
    kind = fields.String()
    state = fields.String()
    division = fields.String(allow_none=True)
    holder = fields.String(allow_none=True)
    due_at = fields.AwareDateTime(allow_none=True)
    changed_at = fields.AwareDateTime()


class CaseOut(Schema):
    """What is known about one person's case."""

    person_id = fields.UUID()
    files = fields.List(
        fields.UUID(), metadata={"description": "The file that remains, then those that were merged into it"}
    )
    aggregates = fields.List(fields.Nested(AggregateOut))
    next_due_at = fields.AwareDateTime(allow_none=True)


class StageQuery(Schema):
    """For which area to count."""

    division = fields.String(load_default="", metadata={"description": "Prefix of the division codes"})


class StageOut(Schema):
    """How many aggregates of a kind are in a state."""

    kind = fields.String()
    state = fields.String()
    count = fields.Integer()
    overdue = fields.Integer()


class StagesOut(Schema):
    """Counts for every stage."""

    stages = fields.List(fields.Nested(StageOut))


LinePage = page_schema(LineOut)
