"""Alembic's entry for every service; which one is in the configuration's attributes."""

from alembic import context

from shared.storage.migrations import run_in_alembic

run_in_alembic(context)
