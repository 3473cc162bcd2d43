"""notices, alarms, retraction."""

from datetime import timedelta

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.kernel.clock import china_day
from shared.kernel.deadlines import start_of_day
from shared.storage import UtcDateTime

revision = "release_notification_0002"
down_revision = "release_notification_0001"


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    op.create_table(
        "heard_centre",
        sa.Column("centre", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("centre", name=op.f("pk_heard_centre")),
    )
    op.create_table(
        "rehab_order",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("served_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_rehab_order")),
    )
    with op.batch_alter_table("known_stay", schema=None) as batch_op:
        batch_op.add_column(sa.Column("state", sa.Text(), nullable=False, server_default="in_custody"))

    with op.batch_alter_table("release", schema=None) as batch_op:
        batch_op.add_column(sa.Column("rehab", sa.Text(), nullable=True))
        batch_op.add_column(
            sa.Column(
                "notices", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False, server_default="[]"
            )
        )
        batch_op.add_column(
            sa.Column("notice_due", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True)
        )
        batch_op.add_column(sa.Column("alarm", sa.Text(), nullable=True))
        batch_op.add_column(
            sa.Column(
                "present", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False, server_default="[]"
            )
        )
        batch_op.add_column(sa.Column("left_alone_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(
            sa.Column("organ_due", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True)
        )
        batch_op.add_column(
            sa.Column("papers_due", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True)
        )
        batch_op.add_column(sa.Column("papers_sent_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("cancelled_by", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("due_rule", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("due_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("wake_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index(batch_op.f("ix_release_order_id"), ["order_id"], unique=False)
        batch_op.create_index(
            "ix_release_wake", ["wake_at"], unique=False, postgresql_where=sa.text("wake_at IS NOT NULL")
        )
    _carry_over()


def _carry_over() -> None:
    """What is under way goes on: who cancelled it, and when its silence means something."""
    op.execute("update release set cancelled_by = 'centre' where state = 'cancelled'")
    op.execute("update release set cancelled_by = 'stay_ended' where state = 'cancelled' and reason = 'stay_ended'")
    release = sa.table(
        "release",
        sa.column("id", sa.Uuid()),
        sa.column("state", sa.Text()),
        sa.column("release_at", UtcDateTime()),
        sa.column("due_rule", sa.Text()),
        sa.column("due_at", UtcDateTime()),
        sa.column("wake_at", UtcDateTime()),
    )
    connection = op.get_bind()
    for row in connection.execute(sa.select(release).where(release.c.state == "planned")).all():
        gate = start_of_day(china_day(row.release_at) + timedelta(days=1))
        planned = sa.update(release).where(release.c.id == row.id)
        connection.execute(planned.values(due_rule="G1", due_at=gate, wake_at=gate))
