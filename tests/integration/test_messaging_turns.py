"""Two batches with events of one aggregate, worked on at the same time by two consumers, end as one after the other."""

import threading
from collections.abc import Sequence
from typing import Any

import pytest

from services.community_handover.reactions import REACTIONS
from services.community_handover.service import SERVICE
from shared.contracts.envelope import Event
from shared.kernel.ids import new_id
from shared.kernel.outcomes import Outcome
from shared.messaging.processor import EventProcessor
from shared.messaging.reactions import Reactions
from shared.observability.metrics import Metrics
from tests.support.builders import release_cancelled, release_planned
from tests.support.service import ServiceUnderTest, delivery_of, service_under_test

ENOUGH_SECONDS = 1.0  # for the other batch, if nothing keeps it waiting
DEADLINE_SECONDS = 30.0


class Slow(Reactions):
    """The service's reactions, but between reading and deciding another batch has the time to run."""

    def __init__(self, has_read: threading.Event, other_is_done: threading.Event) -> None:
        super().__init__(dict.fromkeys(REACTIONS.event_types, self._react), prefetch=self._read)
        self._has_read = has_read
        self._other_is_done = other_is_done

    def _read(self, events: Sequence[Event], work: Any) -> None:
        REACTIONS.prefetch(events, work)
        self._has_read.set()
        self._other_is_done.wait(ENOUGH_SECONDS)

    @staticmethod
    def _react(event: Event, work: Any) -> Outcome:
        return REACTIONS.apply(event, work)


def react_side_by_side(service: ServiceUnderTest, slow: Event, quick: Event) -> None:
    """The slow event's batch has read everything when the quick event's begins."""
    has_read, other_is_done = threading.Event(), threading.Event()
    processor = EventProcessor(service.storage, Slow(has_read, other_is_done), Metrics())
    dead: list[Any] = []
    thread = threading.Thread(target=lambda: dead.extend(processor.process([delivery_of(slow)])))
    thread.start()
    assert has_read.wait(DEADLINE_SECONDS)
    dead += service.react(quick)
    other_is_done.set()
    thread.join(DEADLINE_SECONDS)
    assert not thread.is_alive()
    assert dead == []


def states(service: ServiceUnderTest) -> list[tuple[str, int]]:
    with service.work() as work:
        return [(task.state.value, task.release_version) for task in work.tasks.select()]


@pytest.mark.parametrize("slow_is", ["planned", "cancelled"])
def test_a_plan_and_its_cancellation_side_by_side_leave_no_open_task(database_url: str, slow_is: str) -> None:
    release_id = new_id()
    planned = release_planned(subject=release_id)
    cancelled = release_cancelled(subject=release_id, sequence=2)
    with service_under_test(SERVICE, database_url) as service:
        first, second = (planned, cancelled) if slow_is == "planned" else (cancelled, planned)
        react_side_by_side(service, first, second)
        assert states(service) in ([], [("withdrawn", 2)])


def test_events_of_other_aggregates_do_not_wait(postgres_url: str) -> None:
    with service_under_test(SERVICE, postgres_url) as service:
        has_read, other_is_done = threading.Event(), threading.Event()
        processor = EventProcessor(service.storage, Slow(has_read, other_is_done), Metrics())
        thread = threading.Thread(target=lambda: processor.process([delivery_of(release_planned())]))
        thread.start()
        assert has_read.wait(DEADLINE_SECONDS)
        service.react(release_planned())
        assert len(states(service)) == 1  # ours is done while the slow one has not decided yet
        other_is_done.set()
        thread.join(DEADLINE_SECONDS)
        assert len(states(service)) == 2
