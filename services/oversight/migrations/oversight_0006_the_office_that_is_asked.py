"""the office that is asked."""

import sqlalchemy as sa
from alembic import op

revision = "oversight_0006"
down_revision = "oversight_0005"

_states = sa.table("aggregate_state", *map(sa.column, ("aggregate_id", "version", "kind", "asked")))
_versions = sa.table(
    "version", sa.column("aggregate_id"), sa.column("sequence"), sa.column("data", sa.JSON(none_as_null=True))
)


def upgrade() -> None:
    """Bring the schema from the revision before to this one; what was heard before says who is asked."""
    with op.batch_alter_table("aggregate_state", schema=None) as batch_op:
        batch_op.add_column(sa.Column("asked", sa.Text(), nullable=True))
    newest = sa.and_(_versions.c.aggregate_id == _states.c.aggregate_id, _versions.c.sequence == _states.c.version)
    for kind, field in (("handover_task", "office"), ("measure", "moving_to")):
        told = sa.select(_versions.c.data[field].as_string()).where(newest).scalar_subquery()
        op.execute(_states.update().where(_states.c.kind == kind).values(asked=told))
