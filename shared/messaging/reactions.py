"""What a service does about the events it hears."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shared.contracts.envelope import Event
from shared.kernel.outcomes import Ignored, Outcome

Reaction = Callable[[Event, Any], Outcome]
Prefetch = Callable[[Sequence[Event], Any], None]


class Reactions:
    """The table event type -> reaction, and one function that reads what a whole batch will need."""

    def __init__(self, by_type: Mapping[str, Reaction], *, prefetch: Prefetch | None = None) -> None:
        self._by_type = dict(by_type)
        self._prefetch = prefetch

    @property
    def event_types(self) -> frozenset[str]:
        """What the service hears."""
        return frozenset(self._by_type)

    def prefetch(self, events: Sequence[Event], work: Any) -> None:
        """Read what the batch needs, in a constant number of queries."""
        if self._prefetch is not None:
            self._prefetch(events, work)

    def apply(self, event: Event, work: Any) -> Outcome:
        """React to one event within the batch's transaction."""
        reaction = self._by_type.get(event.type)
        return Ignored("not_heard") if reaction is None else reaction(event, work)
