"""What happens to people in a community measure: offices keep contact, nearly always; people move, leave, drop out.

Rates are choices, not findings.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

from shared.kernel.clock import china_day
from shared.reference.divisions import divisions
from shared.web.principal import Principal
from tests.year.city import CITY, City, Refused
from tests.year.telling import SEARCH, Story, Teller, china_day_of


class Community(Teller):
    """Every day, every office looks at its measures."""

    def __init__(self, city: City, chance: Random, winds_up: datetime) -> None:
        """From ``winds_up`` on every visit is made in time: nothing is left over when the story ends."""
        super().__init__(city, chance)
        self._winds_up = winds_up
        self._townships = [township.code for township in divisions().of_level("township")]

    def measures(self) -> Story:
        """See the people whose contact comes due, look for the lost, end what is over."""
        while True:
            yield 1
            for measure in self._pages("community_handover", "/measures"):
                for step, body, by in self._acts(measure):
                    try:
                        self._post("community_handover", f"/measures/{measure['id']}/{step}", by, **body)
                    except Refused as refused:
                        if "measure.wrong_state" not in refused.codes:  # the one before changed what can be done
                            raise

    def addresses(self) -> Story:
        """The city asks the centre where somebody goes whose office could not be found, before the time for it ends."""
        while True:
            yield 1
            soon = (self._city.now + timedelta(days=1)).isoformat()
            for task in self._pages("community_handover", "/tasks", state="unresolved", due_before=soon):
                path = f"/tasks/{task['id']}/assignment"
                self._post("community_handover", path, CITY, office=f"OFFICE-{self._chance.choice(self._townships)}")

    def _acts(self, measure: Any) -> Iterator[tuple[str, dict[str, Any], Principal]]:
        officer, state = self._officer(measure["office"]), measure["state"]
        if measure["breached_at"] and not measure["breach_told_at"] and state not in ("expired", "completed"):
            yield "breach-report", {"number": "BG-1"}, officer
        if state == "active":
            yield from self._kept(measure, officer)
        elif state == "moving" and self._happens(0.2):
            yield "arrival", {}, self._officer(measure["moving_to_office"])
        elif state in ("tracing", "whereabouts_unknown"):
            yield from self._sought(measure, officer)
        elif state == "expired":
            yield "end-notice", {"number": "JC-1"}, officer

    def _kept(self, measure: Any, officer: Principal) -> Iterator[tuple[str, dict[str, Any], Principal]]:
        today = china_day(self._city.now)
        if measure["due_rule"] == "C2":
            yield "agreement", {}, officer
        near = china_day_of(measure["due_at"]) - today <= timedelta(days=2)
        if near and measure["due_rule"] == "M1" and (self._city.now >= self._winds_up or self._happens(0.6)):
            yield "visits", {}, officer
        if self._happens(0.0006):
            elsewhere = [code for code in self._townships if not (measure["division"] or "").startswith(code)]
            yield "move", {"division": self._chance.choice(elsewhere)}, officer
        if self._happens(0.001):
            days = {"left_on": today - timedelta(days=self._chance.randint(3, 40)), "returned_on": today}
            if days["left_on"].isoformat() >= measure["started_on"]:
                yield "absences", {**days, "with_leave": self._happens(0.7)}, officer

    def _sought(self, measure: Any, officer: Principal) -> Iterator[tuple[str, dict[str, Any], Principal]]:
        if self._happens(0.25):
            yield "trace-steps", {"kind": "police_check", "found": True}, officer
        elif measure["state"] == "tracing":
            done = len(measure["trace"])
            if done < len(SEARCH):
                yield "trace-steps", {"kind": SEARCH[done], "found": False}, officer
            else:
                yield "whereabouts-unknown", {}, self._township(officer)
