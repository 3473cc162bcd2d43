"""identities under keys."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from services.person_registry.vault import vault_beside

revision = "person_registry_0004"
down_revision = "person_registry_0003"

_TEXT = ("identity_kind", "sex", "registered_division", "residence_division", "state")
IN_CLEAR = ("full_name", "identity_number", "phone", "residence_detail", "merged_reason")


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    op.create_table(
        "duty",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=True),
        sa.Column("division", sa.Text(), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_duty")),
    )
    with op.batch_alter_table("duty", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_duty_person_id"), ["person_id"], unique=False)

    op.create_table(
        "opening",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approve_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_rule", sa.Text(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opening")),
    )
    with op.batch_alter_table("opening", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_opening_due_at"), ["due_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_opening_person_id"), ["person_id"], unique=False)

    clear = _set_aside()
    op.create_table(
        "person",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("identity_kind", sa.Text(), nullable=False),
        sa.Column("number_index", sa.Text(), nullable=True),
        sa.Column("identity", sa.LargeBinary(), nullable=True),
        sa.Column("sex", sa.Text(), nullable=False),
        sa.Column("registered_division", sa.Text(), nullable=True),
        sa.Column("residence_division", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("merged_into", sa.Uuid(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_ground", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("number_index", name=op.f("uq_person_number_index")),
    )
    op.create_index(op.f("ix_person_merged_into"), "person", ["merged_into"], unique=False)
    _close_up(op.get_bind(), clear)
    op.drop_table(clear)


def _set_aside() -> str:
    """Free the table's and its indexes' names. A table changed in place would go on holding what stood in it."""
    op.drop_index(op.f("ix_person_merged_into"), "person")
    if op.get_context().dialect.name == "postgresql":
        op.drop_constraint(op.f("pk_person"), "person", type_="primary")
        op.drop_constraint(op.f("uq_person_identity_number"), "person", type_="unique")
    op.rename_table("person", "person_in_clear")
    return "person_in_clear"


def _close_up(connection: sa.Connection, clear: str) -> None:
    """Put the identities that are there under keys."""
    kept = ("id", "version", "merged_into", *_TEXT)
    old = sa.table(clear, *_columns(*kept, *IN_CLEAR))
    new = sa.table("person", *_columns(*kept, "number_index"), sa.column("identity", sa.LargeBinary()))
    rows = connection.execute(sa.select(old)).all()
    if not rows:
        return
    vault = vault_beside(connection.engine.url.render_as_string(hide_password=False))
    for row in rows:
        as_it_was = {name: getattr(row, name) for name in kept}
        closed = vault.close_up(row.id, {name: getattr(row, name) for name in IN_CLEAR})
        index = vault.index(row.identity_number) if row.identity_number else None
        connection.execute(sa.insert(new).values(**as_it_was, identity=closed, number_index=index))


def _columns(*names: str) -> list[sa.ColumnClause[Any]]:
    return [sa.column(name, _TYPES.get(name, sa.Text())) for name in names]


_TYPES: dict[str, sa.types.TypeEngine[Any]] = {"id": sa.Uuid(), "merged_into": sa.Uuid(), "version": sa.Integer()}
