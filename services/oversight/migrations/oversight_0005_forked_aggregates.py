"""forked aggregates."""

import sqlalchemy as sa
from alembic import op

revision = "oversight_0005"
down_revision = "oversight_0004"

_BEHIND = (  # the kinds behind the new one in order of urgency, and their place from now on
    ("duplicate_task", "06"),
    ("task_without_release", "07"),
    ("headcount_differs", "08"),
    ("two_open_stays", "09"),
    ("service_silent", "10"),
    ("statement_missing", "11"),
    ("headcount_missing", "12"),
    ("notice_late", "13"),
)


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    op.create_table(
        "forked_aggregate",
        sa.Column("aggregate_id", sa.Uuid(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("newest", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("aggregate_id", name=op.f("pk_forked_aggregate")),
    )
    discrepancy = sa.table("discrepancy", sa.column("kind", sa.Text()), sa.column("urgency", sa.Text()))
    for kind, place in _BEHIND:
        moved = sa.literal(place) + sa.func.substr(discrepancy.c.urgency, 3)
        op.execute(discrepancy.update().where(discrepancy.c.kind == kind).values(urgency=moved))
