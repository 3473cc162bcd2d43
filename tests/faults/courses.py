"""Where each life is: its next act, what is asked for it, and what an answer means.

An act is tried again, under the same key and with the same body, until the answer is definite: a success, or a refusal
that nothing but other content would change.
"""

import heapq
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from shared.kernel.ids import derived_id
from tests.faults.history import History
from tests.faults.lives import Act, Kind, Life

FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS = 0.2, 2.0
TOWNSHIP = "430802001"
# What passes: not yet heard of, not yet there, a clock that is wrong, a race with a timer.
PASSING_CODES = frozenset({"person.unknown", "time.in_future", "aggregate.changed_meanwhile"})


@dataclass
class Course:
    """One life on its way."""

    life: Life
    persons: list[str]
    release_id: str | None = None
    person_id: str | None = None
    place: int = 0
    tries: int = 0
    body: dict[str, Any] | None = None

    @property
    def act(self) -> Act:
        """The act that is to be done now."""
        return self.life.acts[self.place]

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do."""
        return self.place >= len(self.life.acts)

    @property
    def by_message(self) -> bool:
        """Whether the act goes by AMQP; only releases do."""
        return self.life.by_message and self.act.kind not in (Kind.REGISTER, Kind.ACCEPT)

    @property
    def task_id(self) -> UUID:
        """The release's one task."""
        return derived_id(UUID(self.release_id), "handover")

    def begin(self, history: History) -> dict[str, Any]:
        """The act's body, laid down at its first try."""
        if self.body is None:
            self.body = _body_of(self)
            history.note(
                "act",
                key=self.act.key,
                kind=self.act.kind,
                life=self.life.number,
                centre=self.life.centre,
                release=self.release_id,
                body=self.body,
            )
        self.tries += 1
        return self.body

    def advance(self, answer: Mapping[str, Any]) -> None:
        """The act is done."""
        if self.act.kind is Kind.REGISTER:
            self.person_id = str(answer["id"])
        if self.act.kind is Kind.PLAN:
            self.release_id = str(answer["id"])
        self.place, self.tries, self.body = self.place + 1, 0, None

    def end(self) -> None:
        """It was refused for good: what was to follow makes no sense."""
        self.place = len(self.life.acts)

    def retry_after(self, chance: Random) -> float:
        """Seconds until the next try."""
        return min(LAST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2 ** min(self.tries, 5)) * chance.uniform(0.5, 1.0)


def _body_of(course: Course) -> dict[str, Any]:
    act, tag, now = course.act, str(course.act.key), datetime.now(UTC)
    release_at = (now + timedelta(days=act.days)).isoformat()
    match act.kind:
        case Kind.REGISTER:
            place = {"residence_division": TOWNSHIP}
            return {"identity_kind": "none", "full_name": f"faults {tag}", "sex": "male", **place}
        case Kind.PLAN:
            person = course.person_id or course.persons[course.life.person]
            plan = {"person_id": person, "centre": course.life.centre, "kind": "early_release"}
            return {**plan, "release_at": release_at, "order_id": tag}
        case Kind.ACCEPT:
            return {}
        case Kind.RESCHEDULE:
            return {"release_at": release_at, "reason": tag}
        case Kind.CANCEL:
            return {"reason": tag}
        case Kind.EXECUTE:
            return {"certificate_number": tag, **({"executed_at": now.isoformat()} if act.says_when else {})}


def is_definite(course: Course, problem: Mapping[str, Any]) -> bool:
    """Whether a refusal stays what it is."""
    status, code = int(problem.get("status", 0)), problem.get("code")
    codes = {code, *(fault.get("code") for fault in problem.get("errors", ()))}
    if not 400 <= status < 500 or codes & PASSING_CODES:
        return False
    if course.act.kind is Kind.ACCEPT:  # the task comes, and its receiver is found, when news arrives
        return not (code == "task.not_found" or problem.get("state") == "unresolved")
    return True


@dataclass(order=True)
class _Entry:
    due: float
    number: int
    course: Course = field(compare=False)


class Agenda:
    """Whose turn is when; shared by the threads that work it off."""

    def __init__(self) -> None:
        self._heap: list[_Entry] = []
        self._changed = threading.Condition()
        self._number = 0

    def add(self, course: Course, due: float) -> None:
        """A course's turn comes at a moment of the monotonic clock."""
        with self._changed:
            self._number += 1
            heapq.heappush(self._heap, _Entry(due, self._number, course))
            self._changed.notify()

    def next(self, patience: float) -> Course | None:
        """A course whose turn has come; None when that is nobody's within ``patience`` seconds."""
        until = time.monotonic() + patience
        with self._changed:
            while True:
                now = time.monotonic()
                if self._heap and self._heap[0].due <= now:
                    return heapq.heappop(self._heap).course
                due = min(until, self._heap[0].due) if self._heap else until
                if now >= until:
                    return None
                self._changed.wait(max(0.001, due - now))
