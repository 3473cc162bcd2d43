"""What an installation answered. ``None`` stands for what could not be asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Answer:
    """What a process says when it is asked whether it is ready; ``status`` is None when nobody answers."""

    status: int | None
    wrong: Mapping[str, str] = field(default_factory=dict)
    clock_ahead: float | None = None  # seconds before our own clock


@dataclass(frozen=True, slots=True)
class Sample:
    """A value that a service's process shows."""

    service: str
    instance: str
    name: str
    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class QueueSeen:
    """A queue as the broker sees it: how many nodes hold it, and how many of them are there."""

    name: str
    members: int
    online: int


@dataclass(frozen=True, slots=True)
class Broker:
    """What the broker's management says."""

    queues: Sequence[QueueSeen]
    alarms: Sequence[str]  # which node complains of what


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A secret on the disk. ``is_closed``: nobody but its owner gets to it."""

    name: str
    changed_at: datetime
    is_closed: bool


@dataclass(frozen=True, slots=True)
class Files:
    """What the folder of an installation's data or secrets holds."""

    folder: Path
    keys: Sequence[KeyFile]
    missing: Sequence[str]
    free_bytes: int
    total_bytes: int
    has_escrow_key: bool = False
    complaint: str | None = None  # why the folder cannot be looked into


@dataclass(frozen=True, slots=True)
class Certificate:
    """The front door's: until when it holds, or why it is refused."""

    ends_at: datetime | None
    complaint: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """All of it, as of one moment."""

    at: datetime
    answers: Mapping[str, Answer]
    samples: Sequence[Sample] | None
    broker: Broker | None
    files: Files | None
    certificate: Certificate | None
    backup_at: datetime | None  # when the newest backup was made

    def values(self, name: str, service: str | None = None) -> list[Sample]:
        """The samples of a metric."""
        return [one for one in self.samples or () if one.name == name and service in (None, one.service)]

    def highest(self, name: str) -> dict[str, float]:
        """A metric's highest value in each service."""
        found: dict[str, float] = {}
        for one in self.values(name):
            found[one.service] = max(one.value, found.get(one.service, one.value))
        return found
