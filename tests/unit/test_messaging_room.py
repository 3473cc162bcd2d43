"""Many work side by side, or one alone; and what is suspicious stands alone in its batch."""

import threading
from collections.abc import Callable

import pytest

from shared.messaging.delivery import Delivery
from shared.messaging.suspects import SUSPICIOUS_AFTER_RETURNS, Room, cut_before_suspects

PATIENCE = 10.0


class Someone:
    """Enters a room in a thread of their own, and leaves when told."""

    def __init__(self, enter: Callable[[], object]) -> None:
        self._enter = enter
        self.inside = threading.Event()
        self._leave = threading.Event()
        self._thread = threading.Thread(target=self._stay)
        self._thread.start()

    def _stay(self) -> None:
        with self._enter():  # type: ignore[attr-defined]
            self.inside.set()
            self._leave.wait(PATIENCE)

    def leave(self) -> None:
        """Go, and be gone."""
        self._leave.set()
        self._thread.join(PATIENCE)


def test_many_work_side_by_side() -> None:
    room = Room()
    people = [Someone(room.shared) for _ in range(3)]
    assert all(one.inside.wait(PATIENCE) for one in people)
    for one in people:
        one.leave()


def test_who_wants_to_be_alone_waits_for_those_inside_and_goes_before_those_who_come_later() -> None:
    room = Room()
    first = Someone(room.shared)
    assert first.inside.wait(PATIENCE)
    loner = Someone(room.alone)
    while not room.is_wanted_alone:
        pass
    later = Someone(room.shared)
    assert not loner.inside.is_set()
    first.leave()
    assert loner.inside.wait(PATIENCE)
    assert not later.inside.is_set()
    loner.leave()
    assert later.inside.wait(PATIENCE)
    later.leave()


def test_an_error_leaves_the_room_free() -> None:
    room = Room()
    for enter in (room.alone, room.shared):
        with pytest.raises(ZeroDivisionError), enter():
            raise ZeroDivisionError
    with room.alone():
        pass


def delivery(returns: int) -> Delivery:
    return Delivery(b"", "", None, "", {"x-delivery-count": returns})


@pytest.mark.parametrize(
    ("returns", "taken"),
    [([], 0), ([0, 0, 1], 3), ([0, 1, 2, 0], 2), ([2, 2, 0], 1), ([0, SUSPICIOUS_AFTER_RETURNS], 1)],
)
def test_what_is_suspicious_stands_alone(returns: list[int], taken: int) -> None:
    everything = [delivery(number) for number in returns]
    assert list(cut_before_suspects(everything)) == everything[:taken]
