"""The supervisor: what ended by itself is started again, with growing pauses."""

from pathlib import Path

from deploy.local.supervisor import LONGEST_PAUSE_SECONDS, SETTLED_SECONDS, Supervisor


class Mortal:
    """Something that is alive until it is not."""

    def __init__(self, name: str = "oversight", *, fails: int = 0) -> None:
        self.name = name
        self.alive = True
        self.log_path = Path(f"logs/{name}.log")
        self.starts = 0
        self._fails = fails

    def start(self) -> None:
        self.starts += 1
        if self.starts <= self._fails:
            raise OSError("not now")
        self.alive = True


class Watch:
    """A supervisor whose time passes when we say so."""

    def __init__(self, *charges: Mortal) -> None:
        self.now = 0.0
        self.said: list[str] = []
        self.supervisor = Supervisor(charges, say=self.said.append, failures=(OSError,), clock=lambda: self.now)

    def after(self, seconds: float) -> None:
        self.now += seconds
        self.supervisor.look()


def test_what_lives_is_left_alone() -> None:
    charge = Mortal()
    watch = Watch(charge)
    watch.after(100)
    assert (charge.starts, watch.said) == (0, [])


def test_what_ended_is_started_again_after_half_a_second_and_one_line_says_so() -> None:
    charge, other = Mortal(), Mortal("console")
    watch = Watch(charge, other)
    charge.alive = False
    watch.after(0.1)
    watch.after(0.4)
    assert charge.starts == 0
    watch.after(0.1)
    assert (charge.starts, other.starts) == (1, 0)
    assert watch.said == ["oversight ended; starting it again in 0.5 s (log: logs/oversight.log)"]


def test_what_keeps_ending_is_started_less_and_less_often() -> None:
    charge = Mortal()
    watch = Watch(charge)
    starts_after = []
    for _ in range(9):
        charge.alive = False
        watch.after(0.001)
        waited = 0.0
        while not charge.alive:
            watch.after(0.25)
            waited += 0.25
        starts_after.append(waited)
    assert starts_after == [0.5, 1, 2, 4, 8, 16, *[LONGEST_PAUSE_SECONDS] * 3]


def test_after_a_minute_of_life_an_end_counts_as_the_first() -> None:
    charge = Mortal()
    watch = Watch(charge)
    for _ in range(3):
        charge.alive = False
        watch.after(0)
        watch.after(60)
    watch.after(SETTLED_SECONDS)
    charge.alive = False
    watch.after(0)
    assert "in 0.5 s" in watch.said[-1]


def test_a_start_that_fails_is_told_and_tried_again() -> None:
    charge = Mortal(fails=2)
    watch = Watch(charge)
    charge.alive = False
    for _ in range(20):
        watch.after(0.5)
    assert charge.alive
    assert charge.starts == 3
    assert watch.said.count("oversight: not now") == 2
