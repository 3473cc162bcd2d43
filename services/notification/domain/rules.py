"""What a row of the policy says: which event, who is told, how urgently, by what, and until when it is to be read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from shared.kernel.deadlines import Confidence, DeadlineRule


class Channel(StrEnum):
    """By what somebody is told. Who is told in the page needs nothing else to be right."""

    IN_PAGE = "in_page"
    EMAIL = "email"
    SMS = "sms"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class Office:
    """Those of an organisation, named by a field of the event, who have one of the roles."""

    named_by: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Area:
    """The supervisors of the place that the event is about: of its township, county or city."""

    role: str


@dataclass(frozen=True, slots=True)
class Everybody:
    """All who have a role."""

    role: str


Audience = Office | Area | Everybody


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the policy. ``title`` says what is to be done and names nobody: it leaves the platform."""

    id: str
    title_zh: str
    title_en: str
    events: tuple[str, ...]
    audiences: tuple[Audience, ...]
    ladder: tuple[Channel, ...]  # besides the page: the first at once, the next where it failed or nobody read
    source: str
    confidence: Confidence
    urgent: bool = False  # overdue: no quiet hours hold it back, no digest collects it
    read_within: DeadlineRule | None = None  # None: nobody has to read it
    when: Mapping[str, frozenset[Any]] = field(default_factory=dict)  # what the event's data must say
    not_after: frozenset[str] = frozenset()  # states of the matter of which nobody had been told
    tells_asker: bool = True  # False: somebody else than the one whom it is about has to act

    def __post_init__(self) -> None:
        if self.read_within is not None and not self.audiences:
            raise ValueError(f"{self.id}: nobody is there to read it")


def matches(rule: Rule, event_type: str, data: Mapping[str, Any], before: str | None = None) -> bool:
    """Whether the rule speaks of this event; ``before`` is the state in which its matter was known until now."""
    if event_type not in rule.events or before in rule.not_after:
        return False
    return all(data.get(name) in allowed for name, allowed in rule.when.items())


def next_channel(ladder: Iterable[Channel], used: Iterable[Channel]) -> Channel | None:
    """The next rung of somebody's ladder; None when all were used."""
    done = set(used)
    return next((channel for channel in ladder if channel not in done), None)
