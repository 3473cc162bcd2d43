"""What an event means for the read models. Pure.

Every event is the newest state of its aggregate, or an earlier one; one about a person is a line of the person's
timeline.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

# Who has to act, where the data names it; the order of preference.
HOLDER_FIELDS = ("holder", "owner", "centre", "station", "deciding_organ", "service")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a person's timeline: an event."""

    event_id: UUID
    person_id: UUID
    kind: str
    aggregate_id: UUID
    sequence: int
    type: str
    occurred_at: datetime
    actor: str | None
    state: str


@dataclass(frozen=True, slots=True)
class AggregateState:
    """The newest known state of one aggregate."""

    aggregate_id: UUID
    version: int
    kind: str
    person_id: UUID | None
    state: str
    division: str | None
    holder: str | None
    due_at: datetime | None
    changed_at: datetime
    asked: str | None = None


def division_of(data: Mapping[str, Any]) -> str | None:
    """The division that an aggregate belongs to, as far as its data says."""
    for field in ("division", "residence_division", "registered_division"):
        if data.get(field):
            return str(data[field])
    return None


def holder_of(data: Mapping[str, Any]) -> str | None:
    """Who has to act on the aggregate, as far as its data says."""
    return next((str(data[field]) for field in HOLDER_FIELDS if data.get(field)), None)


def asked_of(data: Mapping[str, Any]) -> str | None:
    """The office that is asked to take the aggregate over, as far as its data says."""
    return next((str(data[field]) for field in ("moving_to", "office") if data.get(field)), None)


def next_due(data: Mapping[str, Any]) -> datetime | None:
    """When the next thing is due on the aggregate; None when nothing is."""
    due: datetime | None = data.get("due_at")
    return due
