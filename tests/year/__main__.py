"""``make year``: PEOPLE (suspects), INMATES and SEED choose the year; exit status 1 when a promise is broken."""

import heapq
import os
import sys
import tempfile
import time
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from random import Random, SystemRandom

from shared.kernel.clock import china_day
from shared.kernel.deadlines import start_of_day
from shared.observability.logs import configure_logs
from tests.year.city import City, city
from tests.year.community import Community
from tests.year.custody import Custody
from tests.year.people import Storyteller
from tests.year.reckoning import broken_promises, disagreements, every, figures, left_open
from tests.year.telling import Story

FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)
HOURS = (0.5, 10.0, 16.0)  # when anything happens: the night's timers, the morning, the afternoon
AFTERWARDS = 75  # days in which what began in the year comes to its end


class Calendar:
    """Whose turn is when."""

    def __init__(self) -> None:
        self._turns: list[tuple[float, int, Story]] = []
        self._number = 0
        self.now = 0.0

    def add(self, at: float, story: Story) -> None:
        """Let a story begin, or go on, so many days after the year began."""
        self._number += 1
        heapq.heappush(self._turns, (at, self._number, story))

    def play_until(self, moment: float) -> None:
        """Everybody whose turn has come."""
        self.now = moment
        while self._turns and self._turns[0][0] <= moment:
            _, _, story = heapq.heappop(self._turns)
            wait = next(story, None)
            if wait is not None:
                self.add(moment + wait, story)


def play(people: int, inmates: int, seed: int, *, days: int = 365) -> int:
    """A year; 1 when a promise was broken or a figure differs, else 0."""
    chance = Random(seed)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="baton-year-") as folder, city(Path(folder), start_of_day(FIRST)) as here:
        here.furnish()
        calendar = Calendar()
        winds_up = start_of_day(FIRST + timedelta(days=days))
        teller = Storyteller(here, chance, lambda story: calendar.add(calendar.now, story), winds_up)
        calendar.add(0, teller.scheduled_tests())
        calendar.add(0, teller.risk_decisions())
        calendar.add(0, teller.police_decisions())
        community = Community(here, chance, winds_up)
        calendar.add(0, community.measures())
        calendar.add(0, community.addresses())
        calendar.add(0, Custody(here, chance).headcounts())
        calendar.add(0, Custody(here, chance).explanations())
        for _ in range(inmates):
            calendar.add(0, teller.inmate(FIRST + timedelta(days=chance.randrange(45, days))))
        for _ in range(people):
            calendar.add(chance.uniform(0, days - 1), teller.suspect())
        for day in range(days + AFTERWARDS):
            for hour in HOURS:
                here.at(FIRST + timedelta(days=day), hour)
                calendar.play_until(day + hour / 24)
            here.deliver()
            if day % 30 == 0:
                print(
                    f"{FIRST + timedelta(days=day)}: {here.events} events, {time.monotonic() - began:.0f} s", flush=True
                )
        return report(here, seed, time.monotonic() - began)


def report(here: City, seed: int, seconds: float) -> int:
    """Say what the year was; 1 when something is wrong with it."""
    last = min(LAST, china_day(here.now) - timedelta(days=1))
    said = here.get("oversight", "/indicators", first_day=FIRST.isoformat(), last_day=last.isoformat())
    for one in said["items"]:
        rate = "" if one["rate"] is None else f"  {one['rate']:.1%}"
        print(f"{one['zh']:<14} {one['numerator']:>5} / {one['denominator']:<5}{rate}")
    states = Counter(f"{task.state}" for task in every(here, "community_handover", "tasks"))
    print("handover tasks:", ", ".join(f"{state} {number}" for state, number in states.most_common()))
    measures = Counter(f"{one.state}" for one in every(here, "community_handover", "measures"))
    print("community measures:", ", ".join(f"{state} {number}" for state, number in measures.most_common()))
    found = Counter(f"{one.kind}" for one in every(here, "oversight", "discrepancies"))
    print("discrepancies found:", ", ".join(f"{kind} {number}" for kind, number in found.most_common()) or "none")
    print(f"{here.events} events, {here.calls} calls, {seconds:.0f} s, SEED={seed}")
    wrong = [*broken_promises(here), *left_open(here), *disagreements(said, figures(here, FIRST, last))]
    for line in wrong[:20]:
        print("✗", line)
    print("✓ the three promises are kept; the slow reckoning agrees" if not wrong else f"✗ {len(wrong)} in all")
    return 1 if wrong else 0


def main() -> int:
    """From the environment's variables."""
    configure_logs("year", "ERROR")
    seed = int(os.environ.get("SEED") or SystemRandom().randrange(1_000_000))
    print(f"a year of the city, SEED={seed}", flush=True)
    return play(int(os.environ.get("PEOPLE") or 2000), int(os.environ.get("INMATES") or 400), seed)


if __name__ == "__main__":
    sys.exit(main())
