"""An explicit-state model checker: breadth first through every state that a model can reach.

A model is anything with `Model`'s methods; its states are hashable and never change. Safety is looked at in every
state and on every step; the trace to what breaks it is a shortest one. Liveness is looked at when all states are
known: from each of them, a settled state must be within reach by steps that are no faults. A state in which nothing
can happen is therefore a settled one.
"""

from array import array
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, TypeVar

S = TypeVar("S", bound=Hashable)
STUCK = "stuck"  # the kind of violation that says: no settled state can be reached any more


class Step(NamedTuple, Generic[S]):
    """Something that can happen next: in words, and the state after it. Faults do not help to settle."""

    words: str
    state: S
    is_fault: bool = False


class Model(Protocol[S]):
    """What is checked."""

    def start(self) -> S:
        """The state in which everything begins."""

    def steps(self, state: S) -> Iterable[Step[S]]:
        """All that can happen in a state."""

    def broken_in(self, state: S) -> str | None:
        """The promise that a state breaks, if any."""

    def broken_by(self, before: S, after: S) -> str | None:
        """The promise that a step breaks, if any."""

    def is_settled(self, state: S) -> bool:
        """Whether everything that has to come about has come about."""

    def in_words(self, state: S) -> str:
        """A state, for whoever reads a trace."""


@dataclass(frozen=True)
class Violation:
    """A promise that is not kept, the steps from the start that show it, and the state they lead to."""

    kind: str
    trace: tuple[str, ...]
    end: str

    def __str__(self) -> str:
        lines = (f"{number:3}. {words}" for number, words in enumerate(self.trace, 1))
        return "\n".join((f"{self.kind}, after {len(self.trace)} steps:", *lines, f"then: {self.end}"))


@dataclass(frozen=True)
class Verdict:
    """What a search found: how far it went, and the first violation, if there is one."""

    states: int
    steps: int
    depth: int
    violation: Violation | None


class TooLarge(Exception):
    """The model has more states than the search was allowed to visit: nothing is proved."""


def check(model: Model[S], *, most_states: int = 1_000_000) -> Verdict:
    """Visit every reachable state, nearest first, and stop at the first broken promise.

    Raises: TooLarge.
    """
    return _Search(model, most_states).run()


class _Search(Generic[S]):
    """One search. States are numbered in the order in which they are found, so nearer ones have smaller numbers."""

    def __init__(self, model: Model[S], most_states: int) -> None:
        self._model = model
        self._most_states = most_states
        self._numbers: dict[S, int] = {}
        self._states: list[S] = []
        self._found_from = array("l")
        self._depths = array("l")
        self._sources = array("l")  # of the steps that are no faults, and where they lead
        self._targets = array("l")
        self._steps = 0

    def run(self) -> Verdict:
        """See `check`."""
        start = self._model.start()
        self._number(start, -1)
        kind = self._model.broken_in(start)
        if kind is not None:
            return self._verdict(Violation(kind, (), self._model.in_words(start)))
        for number, state in self._in_order():
            for step in self._model.steps(state):
                violation = self._follow(number, state, step)
                if violation is not None:
                    return self._verdict(violation)
        return self._verdict(self._stuck())

    def _in_order(self) -> Iterator[tuple[int, S]]:
        number = 0
        while number < len(self._states):
            yield number, self._states[number]
            number += 1

    def _follow(self, number: int, state: S, step: Step[S]) -> Violation | None:
        self._steps += 1
        known = len(self._states)
        target = self._number(step.state, number)
        if not step.is_fault:
            self._sources.append(number)
            self._targets.append(target)
        kind = self._model.broken_by(state, step.state)
        if kind is None and target == known:
            kind = self._model.broken_in(step.state)
        if kind is None:
            return None
        return Violation(kind, (*self._trace(number), step.words), self._model.in_words(step.state))

    def _number(self, state: S, found_from: int) -> int:
        number = self._numbers.setdefault(state, len(self._states))
        if number == len(self._states):
            if number == self._most_states:
                raise TooLarge(f"more than {self._most_states} states")
            self._states.append(state)
            self._found_from.append(found_from)
            self._depths.append(self._depths[found_from] + 1 if found_from >= 0 else 0)
        return number

    def _stuck(self) -> Violation | None:
        """The nearest state from which nothing settled can be reached without faults."""
        hopeful = self._hopeful()
        number = hopeful.find(0)
        if number < 0:
            return None
        return Violation(STUCK, self._trace(number), self._model.in_words(self._states[number]))

    def _hopeful(self) -> bytearray:
        """For each state, whether a settled one can be reached: backwards from the settled ones."""
        into: dict[int, list[int]] = {}
        for source, target in zip(self._sources, self._targets, strict=True):
            into.setdefault(target, []).append(source)
        hopeful = bytearray(self._model.is_settled(state) for state in self._states)
        waiting = [number for number, settled in enumerate(hopeful) if settled]
        while waiting:
            for source in into.get(waiting.pop(), ()):
                if not hopeful[source]:
                    hopeful[source] = True
                    waiting.append(source)
        return hopeful

    def _trace(self, number: int) -> tuple[str, ...]:
        words: list[str] = []
        while (before := self._found_from[number]) >= 0:
            target = self._states[number]
            words.append(next(s.words for s in self._model.steps(self._states[before]) if s.state == target))
            number = before
        return tuple(reversed(words))

    def _verdict(self, violation: Violation | None) -> Verdict:
        return Verdict(len(self._states), self._steps, max(self._depths), violation)
