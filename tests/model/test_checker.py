"""The checker itself: it finds known bugs by a shortest trace, proves what is right, and knows a dead end."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from tests.model.checker import STUCK, Step, TooLarge, check

BROKEN = "the promise"


@dataclass(frozen=True)
class Jugs:
    """A jug of three litres and one of five."""

    three: int = 0
    five: int = 0


class Pouring:
    """Nobody ever has four litres: a promise that six steps break, and no fewer."""

    def start(self) -> Jugs:
        return Jugs()

    def steps(self, state: Jugs) -> Iterator[Step[Jugs]]:
        yield Step("fill three", replace(state, three=3))
        yield Step("fill five", replace(state, five=5))
        yield Step("empty three", replace(state, three=0))
        yield Step("empty five", replace(state, five=0))
        poured = min(state.three, 5 - state.five)
        yield Step("three into five", Jugs(state.three - poured, state.five + poured))
        poured = min(state.five, 3 - state.three)
        yield Step("five into three", Jugs(state.three + poured, state.five - poured))

    def broken_in(self, state: Jugs) -> str | None:
        return BROKEN if state.five == 4 else None

    def broken_by(self, before: Jugs, after: Jugs) -> str | None:
        return None

    def is_settled(self, state: Jugs) -> bool:
        return state == Jugs()

    def in_words(self, state: Jugs) -> str:
        return f"{state.three} and {state.five}"


class PouringFreely(Pouring):
    """No promise at all."""

    def broken_in(self, state: Jugs) -> str | None:
        return None


class NeverFromFull(PouringFreely):
    """A promise about steps: the big jug is never emptied at once."""

    def broken_by(self, before: Jugs, after: Jugs) -> str | None:
        return BROKEN if (before.five, after.five) == (5, 0) and before.three == after.three == 3 else None


@dataclass(frozen=True)
class Entering:
    """Two processes: how far each is, who wants to enter, and who gives way."""

    at: tuple[str, str] = ("out", "out")
    wants: tuple[bool, bool] = (False, False)
    turn: int = 0


class Exclusion:
    """Two processes that enter and leave a room in which only one may be, by Peterson's algorithm."""

    asks_first = True
    gives_way = True

    def start(self) -> Entering:
        return Entering()

    def steps(self, state: Entering) -> Iterator[Step[Entering]]:
        for me in (0, 1):
            at = state.at[me]
            if at == "out":
                after = self._want(self._move(state, me, "asking"), me, wants=True) if self.asks_first else None
                yield Step(f"{me} asks", after or self._move(state, me, "asking"))
            elif at == "asking":
                yield Step(f"{me} gives way", replace(self._move(state, me, "waiting"), turn=1 - me))
            elif at == "waiting" and self._may_enter(state, me):
                yield Step(f"{me} enters", self._want(self._move(state, me, "in"), me, wants=True))
            elif at == "in":
                yield Step(f"{me} leaves", self._want(self._move(state, me, "out"), me, wants=False))

    def _may_enter(self, state: Entering, me: int) -> bool:
        return not state.wants[1 - me] or (self.gives_way and state.turn == me)

    def _move(self, state: Entering, me: int, to: str) -> Entering:
        return replace(state, at=(to, state.at[1]) if me == 0 else (state.at[0], to))

    def _want(self, state: Entering, me: int, *, wants: bool) -> Entering:
        return replace(state, wants=(wants, state.wants[1]) if me == 0 else (state.wants[0], wants))

    def broken_in(self, state: Entering) -> str | None:
        return BROKEN if state.at == ("in", "in") else None

    def broken_by(self, before: Entering, after: Entering) -> str | None:
        return None

    def is_settled(self, state: Entering) -> bool:
        return state.at == ("out", "out")

    def in_words(self, state: Entering) -> str:
        return " ".join(state.at)


class LooksThenEnters(Exclusion):
    """Says that it wants to enter too late: only when it does."""

    asks_first = False


class NeverGivesWay(Exclusion):
    """Both ask, and each waits for the other."""

    gives_way = False


class Walk:
    """From 0 to 3, where it is settled; from 1 one may fall to -1, from where only a fault leads back."""

    def start(self) -> int:
        return 0

    def steps(self, state: int) -> Iterator[Step[int]]:
        if 0 <= state < 3:
            yield Step("on", state + 1)
        if state == 1:
            yield Step("fall", -1, is_fault=True)
        if state == -1:
            yield Step("luck", 2, is_fault=True)

    def broken_in(self, state: int) -> str | None:
        return None

    def broken_by(self, before: int, after: int) -> str | None:
        return None

    def is_settled(self, state: int) -> bool:
        return state == 3

    def in_words(self, state: int) -> str:
        return str(state)


def test_a_broken_promise_is_shown_by_a_shortest_trace() -> None:
    violation = check(Pouring()).violation
    assert violation is not None
    assert violation.kind == BROKEN
    assert violation.end == "3 and 4"
    assert violation.trace == (
        "fill five",
        "five into three",
        "empty three",
        "five into three",
        "fill five",
        "five into three",
    )


def test_a_trace_is_numbered_for_its_reader() -> None:
    lines = str(check(Pouring()).violation).splitlines()
    assert lines[0] == "the promise, after 6 steps:"
    assert lines[1] == "  1. fill five"
    assert lines[-1] == "then: 3 and 4"


def test_every_reachable_state_is_visited_once_and_no_other() -> None:
    # Of the 24 fillings of the two jugs, those with one of the jugs empty or full can be reached.
    reachable = sum(three in (0, 3) or five in (0, 5) for three in range(4) for five in range(6))
    verdict = check(PouringFreely())
    assert (verdict.states, verdict.steps, verdict.violation) == (reachable, 6 * reachable, None)


def test_a_step_can_break_a_promise_between_states_that_are_known() -> None:
    violation = check(NeverFromFull()).violation
    assert violation is not None
    assert (violation.kind, violation.trace[-1], len(violation.trace)) == (BROKEN, "empty five", 3)


def test_an_algorithm_that_is_right_is_proved_right() -> None:
    verdict = check(Exclusion())
    assert verdict.violation is None
    assert verdict.states > 10


def test_looking_before_asking_lets_both_in() -> None:
    violation = check(LooksThenEnters()).violation
    assert violation is not None
    assert (violation.kind, violation.end, len(violation.trace)) == (BROKEN, "in in", 6)


def test_waiting_for_each_other_is_stuck() -> None:
    violation = check(NeverGivesWay()).violation
    assert violation is not None
    assert violation.kind == STUCK
    assert violation.trace == ("0 asks", "1 asks")


def test_a_fault_does_not_help_out_of_a_dead_end() -> None:
    verdict = check(Walk())
    assert verdict.states == 5
    assert verdict.violation is not None
    assert (verdict.violation.kind, verdict.violation.trace) == (STUCK, ("on", "fall"))


def test_a_search_that_is_cut_short_proves_nothing() -> None:
    with pytest.raises(TooLarge):
        check(Exclusion(), most_states=10)


def test_a_model_that_is_broken_from_the_start_has_an_empty_trace() -> None:
    class Full(Pouring):
        def start(self) -> Jugs:
            return Jugs(0, 4)

    violation = check(Full()).violation
    assert violation is not None
    assert violation.trace == ()
