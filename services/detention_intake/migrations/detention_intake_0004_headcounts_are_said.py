"""headcounts are said."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from services.detention_intake.domain.headcount import headcount_id

revision = "detention_intake_0004"
down_revision = "detention_intake_0003"

_KEPT: dict[str, Any] = {
    "centre": sa.Text(),
    "day": sa.Date(),
    "counted": sa.Integer(),
    "stated_at": sa.DateTime(timezone=True),
    "stated_by": sa.Text(),
}
_ADDED: dict[str, Any] = {
    "id": sa.Uuid(),
    "version": sa.Integer(),
    "figures": sa.JSON().with_variant(postgresql.JSONB(), "postgresql"),
}
_UNKNOWN = dict.fromkeys(
    ("yesterday", "admitted", "returned", "transferred_in", "transferred_out", "released", "died", "away"), -1
)


def upgrade() -> None:
    """Bring the schema from the revision before to this one.

    What was stated before is kept as version 0, with figures that nothing agrees with: those of the last days are
    reckoned, and said, by the service.
    """
    before = sa.table("headcount", *(sa.column(name, kind) for name, kind in _KEPT.items()))
    stated = op.get_bind().execute(sa.select(before)).all()
    op.drop_table("headcount")
    op.create_table(
        "headcount",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("centre", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("counted", sa.Integer(), nullable=True),
        sa.Column("figures", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("stated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stated_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_headcount")),
    )
    with op.batch_alter_table("headcount", schema=None) as batch_op:
        batch_op.create_index("ix_headcount_centre_day", ["centre", "day"], unique=False)

    after = sa.table("headcount", *(sa.column(name, kind) for name, kind in (_KEPT | _ADDED).items()))
    rows = [
        {**row._mapping, "id": headcount_id(row.centre, row.day), "version": 0, "figures": _UNKNOWN} for row in stated
    ]
    op.bulk_insert(after, rows)
