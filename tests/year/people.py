"""What happens to people until they are registered. What follows is in `community.py`.

Rates are what the office's own figures and the literature suggest, rounded up where an exception would be too rare
to be seen in one year; they are choices, not findings.
"""

from collections.abc import Callable, Generator
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from shared.kernel.clock import china_day
from shared.kernel.deadlines import add_months
from shared.reference.divisions import divisions
from shared.web.principal import Principal, Role
from tests.year.city import CITY, City, Refused
from tests.year.telling import SEARCH, SOON, Person, Story, Teller, china_day_of

_GIVEN_UP = {
    "order.term_over": "the term passed at large",
    "stay.already_in_custody": "in custody already, by another order",
}
SAMPLE = [{"officer": "P1", "sex": "male"}, {"officer": "P2", "sex": "female"}]


class Storyteller(Teller):
    """From the suspicion to the registration."""

    def __init__(self, city: City, chance: Random, begin: Callable[[Story], None], winds_up: datetime) -> None:
        """From ``winds_up`` on scheduled tests are negative, so that no new story begins that cannot end."""
        super().__init__(city, chance)
        self._winds_up = winds_up
        self._begin = begin  # lets another story begin now
        self._villages = [village.code for village in divisions().of_level("village")]
        self._seals = 0

    def suspect(self) -> Story:
        """Somebody is suspected, tested, told, and what follows (重嫌必检)."""
        person = self._register()
        yield SOON
        station = self._station(person)
        order = self._post(
            "drug_testing",
            "/test-orders",
            station,
            person_id=person.id,
            division=person.division,
            ground=self._chance.choice(("witness", "venue_check", "caught_using", "traffic_stop")),
        )
        test = f"/test-orders/{order['id']}"
        yield SOON
        if self._happens(0.02):
            self._post("drug_testing", f"{test}/exemption", self._county(person), reason="illness", note="in hospital")
            return
        if self._happens(0.04):
            self._post("drug_testing", f"{test}/refusal", station)
            yield SOON
            if self._happens(0.2):
                self._post("drug_testing", f"{test}/non-test", station, reason="force was not approved")
                return
            self._post("drug_testing", f"{test}/forced-test", station, approver="HEAD")
        positive = yield from self._tested(test, station)
        if not positive:
            return
        stands = yield from self._contested(test, station)
        if stands:
            yield from self._decided(person, order["id"])

    def _tested(self, test: str, station: Principal, rate: float = 0.5) -> Generator[float, None, bool]:
        self._post("drug_testing", f"{test}/collection", station, sample_type="urine", collectors=SAMPLE)
        if self._happens(0.02):
            self._post("drug_testing", f"{test}/invalid-card", station, reagent_lot="BAD")
        positive = self._happens(rate)
        result: dict[str, Any] = {"result": "positive" if positive else "negative", "tester": "P1", "reagent_lot": "L"}
        if positive:
            self._seals += 1
            seals = {"sample_a": f"A{self._seals}", "sample_b": f"B{self._seals}", "seal_signed": True}
            result |= {"substances": ["MET"], **seals}
        self._post("drug_testing", f"{test}/result", station, **result)
        refused = {"signed": False, "refusal_note": "would not sign"}
        self._post("drug_testing", f"{test}/telling", station, **(refused if self._happens(0.05) else {"signed": True}))
        yield SOON
        return positive

    def _contested(self, test: str, station: Principal) -> Generator[float, None, bool]:
        """Whether the positive result stands in the end."""
        opinion = self._chance.choice(("addicted", "addicted", "severely_addicted"))
        self._post("drug_testing", f"{test}/addiction-opinion", station, opinion=opinion, officers=["P1", "P2"])
        if self._happens(0.5):
            self._post("drug_testing", f"{test}/waiver", station)
            yield SOON
            return True
        if self._happens(0.75):
            yield 15  # the window passes, also where nine days of Spring Festival lie in it
            return True
        for sample, laboratory in (("A", "LAB-1"), ("B", "LAB-2")):
            self._post("drug_testing", f"{test}/objection", station)
            yield 1
            if self._happens(0.2):
                self._post("drug_testing", f"{test}/objection-decision", station, approved=False, note="out of scope")
                yield SOON
                return True
            self._post("drug_testing", f"{test}/objection-decision", station, approved=True)
            if (yield from self._examined(test, station, sample, laboratory)):
                return False
            if sample == "A" and self._happens(0.6):
                self._post("drug_testing", f"{test}/waiver", station)
                yield SOON
                return True
        return True

    def _examined(self, test: str, station: Principal, sample: str, laboratory: str) -> Generator[float, None, bool]:
        """A laboratory's test; whether it overturned the result."""
        lab = Principal(laboratory, Role.LABORATORY, laboratory)
        while True:
            self._post("drug_testing", f"{test}/dispatch", station, laboratory=laboratory, sent_by="P1")
            seal = self._city.get("drug_testing", test)[f"sample_{sample.lower()}"]
            yield 1
            intact = not self._happens(0.03)
            self._post("drug_testing", f"/samples/{seal}/receipt", lab, intact=intact)
            if intact:
                break
            self._seals += 1
            fresh = {"seal": f"N{self._seals}", "collected_by": "P1", "approver": "HEAD"}
            self._post("drug_testing", f"{test}/new-sample", station, **fresh)
        yield 1
        negative = self._happens(0.12)
        result = "negative" if negative else "positive"
        self._post("drug_testing", f"/samples/{seal}/report", lab, number="R", result=result)
        self._post("drug_testing", f"{test}/report-telling", station, signed=True)
        yield SOON
        return negative

    def _decided(self, person: Person, test_order_id: str) -> Story:
        county = self._county(person)
        order = self._one("detention_intake", "/orders", test_order_id=test_order_id, state="decision_due")
        roll = self._chance.random()
        if roll < 0.05:
            self._decide(order, "no_measure", county)
        elif roll < 0.55:
            self._decide(order, "administrative_detention", county, detention_days=self._chance.randint(5, 15))
            yield from self._detained(person, order["id"])
        elif roll < 0.85:
            self._decide(order, "community_detox", county)
            self._post("detention_intake", f"/orders/{order['id']}/service", county)
            self._notify(order["id"], county, "family", "township")
            yield SOON
            yield from self._received(person, order_id=order["id"])
        else:
            self._decide(
                order, "compulsory_isolation", county, legal_reviewer="FZ", isolation_ground="severe_addiction"
            )
            self._post("detention_intake", f"/orders/{order['id']}/service", county)
            self._notify(order["id"], county, "family", "work_unit", "station_of_registration")
            yield from self._isolated(person, order["id"])

    def police_decisions(self) -> Story:
        """Every day: the police decide about those who refused a measure or gravely breached its agreement."""
        seen: set[str] = set()
        while True:
            yield 1
            for order in self._pages("detention_intake", "/orders", state="decision_due"):
                if order["isolation_ground"] and order["id"] not in seen:
                    seen.add(order["id"])
                    self._begin(self._isolated_for_a_breach(order))

    def _isolated_for_a_breach(self, order: Any) -> Story:
        person = Person(order["person_id"], order["division"])
        yield SOON
        if self._happens(0.3):
            self._decide(order, "no_measure", self._county(person))
            return
        ground = {"legal_reviewer": "FZ", "isolation_ground": order["isolation_ground"]}
        self._decide(order, "compulsory_isolation", self._county(person), **ground)
        self._post("detention_intake", f"/orders/{order['id']}/service", self._county(person))
        self._notify(order["id"], self._county(person), "family", "work_unit", "station_of_registration")
        yield from self._isolated(person, order["id"])

    def _decide(self, order: Any, kind: str, by: Principal, **more: Any) -> None:
        decision = {"kind": kind, "deciding_organ": "GA", "decided_on": china_day(self._city.now), **more}
        self._post("detention_intake", f"/orders/{order['id']}/decision", by, **decision)

    def _notify(self, order_id: str, by: Principal, *addressees: str) -> None:
        for addressee in addressees:
            body = {"addressee": addressee, "channel": "post", "proof": "receipt"}
            self._post("detention_intake", f"/orders/{order_id}/notices", by, **body)

    def _detained(self, person: Person, order_id: str) -> Story:
        county, lockup = self._county(person), self._clerk("LOCKUP-1")
        self._post("detention_intake", f"/orders/{order_id}/service", county)
        self._notify(order_id, county, "family")
        if self._happens(0.02):
            self._post("detention_intake", f"/orders/{order_id}/evasion", county)
            yield 4
        stay = self._admitted(person, order_id, lockup)
        if stay is None:
            return
        yield SOON
        yield from self._leaves(person, stay, "LOCKUP-1")

    def _admitted(self, person: Person, order_id: str, clerk: Principal, **more: Any) -> Any:
        """The stay that begins; None where there is nothing to be executed: the order is given up with its reason."""
        path = f"/orders/{order_id}"
        try:
            return self._post("detention_intake", f"{path}/admission", clerk, centre=clerk.organisation, **more)
        except Refused as refused:
            why = next((_GIVEN_UP[code] for code in refused.codes if code in _GIVEN_UP), None)
            if why is None:
                raise
        self._post("detention_intake", f"{path}/revocation", self._county(person), note=why)
        return None

    def _isolated(self, person: Person, order_id: str) -> Story:
        """Taken in, with what can come between (应收尽收). The term ends after the year."""
        police = self._clerk("POLICE-1")
        path = f"/orders/{order_id}"
        if self._happens(0.04):
            retry_on = china_day(self._city.now) + timedelta(days=10)
            refusal = {"reason": "danger_to_life", "note": "intensive care", "retry_on": retry_on}
            self._post("detention_intake", f"{path}/admission-refusal", police, **refusal)
            yield 10
        elif self._happens(0.03):
            refusal = {"reason": "pregnant_or_nursing", "note": "seen by a doctor"}
            self._post("detention_intake", f"{path}/admission-refusal", police, **refusal)
            yield SOON
            instead = self._one("detention_intake", "/orders", person_id=person.id, state="decision_due")
            self._decide(instead, "community_detox", self._county(person))
            self._post("detention_intake", f"/orders/{instead['id']}/service", self._county(person))
            self._notify(instead["id"], self._county(person), "family", "township")
            yield SOON
            yield from self._received(person, order_id=instead["id"])
            return
        admitted = self._admitted(person, order_id, police, special="ill" if self._happens(0.05) else None)
        if admitted is None:
            return
        stay = f"/stays/{admitted['id']}"
        self._post("detention_intake", f"{stay}/family-notice", police)
        yield self._chance.randint(20, 90)
        if self._happens(0.03):
            self._post("detention_intake", f"{stay}/escape", police)
            yield self._chance.randint(2, 20)
            self._post("detention_intake", f"{stay}/return", police)
        if self._happens(0.05):
            self._post("detention_intake", f"{stay}/court-appearance", police)
            yield 1
            self._post("detention_intake", f"{stay}/return", police)
        yield 60
        self._post("detention_intake", f"{stay}/transfer", police, to="JUSTICE-1")

    def inmate(self, last_day: date) -> Story:
        """Somebody in isolation since before, whose term ends on a day of this year (出所必接)."""
        person = self._register()
        yield SOON
        county, centre = self._county(person), self._clerk("JUSTICE-1")
        decided_on = add_months(last_day, -24) + timedelta(days=1)
        body = {
            "person_id": person.id,
            "division": person.division,
            "kind": "compulsory_isolation",
            "deciding_organ": "GA",
            "legal_reviewer": "FZ",
            "isolation_ground": "used_after_treatment",
            "decided_on": decided_on,
        }
        order = self._post("detention_intake", "/orders", county, **body)
        served_at = f"{decided_on}T10:00:00+08:00"
        self._post("detention_intake", f"/orders/{order['id']}/service", county, served_at=served_at)
        self._notify(order["id"], county, "family", "work_unit", "station_of_registration")
        admission = {"centre": "JUSTICE-1", "admitted_at": f"{decided_on}T15:00:00+08:00"}
        stay = self._post("detention_intake", f"/orders/{order['id']}/admission", centre, **admission)
        self._post("detention_intake", f"/stays/{stay['id']}/family-notice", centre)
        yield SOON
        days = (last_day - china_day(self._city.now)).days
        if days > 60:
            yield days - 40
            yield from self._term_changes(f"/stays/{stay['id']}", county, centre, last_day)
        if self._happens(0.6):
            rehab = {"kind": "community_rehab", "deciding_organ": "GA", "decided_on": china_day(self._city.now)}
            known = {"person_id": person.id, "division": person.division}
            ordered = self._post("detention_intake", "/orders", county, **known, **rehab)
            self._post("detention_intake", f"/orders/{ordered['id']}/service", county)
            self._notify(ordered["id"], county, "family", "township")
            yield SOON
        yield from self._leaves(person, stay, "JUSTICE-1")

    def _term_changes(self, stay: str, county: Principal, centre: Principal, last_day: date) -> Story:
        roll = self._chance.random()
        if roll < 0.1:
            self._post("detention_intake", f"{stay}/assessments", centre, on=china_day(self._city.now), grade="good")
            early = {"kind": "early_release", "last_day": last_day - timedelta(days=20)}
            self._post("detention_intake", f"{stay}/term-proposal", centre, **early)
        elif roll < 0.12:
            longer = {"kind": "extension", "last_day": last_day + timedelta(days=60)}
            self._post("detention_intake", f"{stay}/term-proposal", centre, **longer)
        else:
            return
        yield 3
        self._post("detention_intake", f"{stay}/term-decision", county, approved=True)
        yield SOON

    def _leaves(self, person: Person, stay: Any, code: str) -> Story:
        """From the plan to the gate; the community is told by events and prepares meanwhile."""
        centre = self._clerk(code)
        release = self._one("release_notification", "/releases", stay_id=stay["id"], state="planned")
        path = f"/releases/{release['id']}"
        yield from self._until(release["release_at"], days_before=29)
        yield from self._confirmed(person, release["id"])
        yield from self._until(release["release_at"], days_before=8)
        for addressee in self._city.get("release_notification", path)["untold"]:
            told = {"addressee": addressee, "channel": "letter", "proof": "receipt"}
            self._post("release_notification", f"{path}/notices", centre, **told)
        release = self._city.get("release_notification", path)
        yield from self._until(release["release_at"])
        if self._happens(0.02):
            yield 1.5  # entered late: the alarm of a term that passed without a gate is raised meanwhile
        roll = self._chance.random()
        gate: dict[str, Any] = {"certificate_number": f"JC-{release['id'][-6:]}"}
        if roll < 0.01:
            gate["kind"] = "criminal_custody" if code != "LOCKUP-1" else "detention_to_isolation"
        elif roll < 0.015:
            gate["kind"] = "death"
        self._post("release_notification", f"{path}/execution", centre, **gate)
        self._city.deliver()
        if "kind" in gate:
            return
        self._post("release_notification", f"{path}/papers", centre)
        yield from self._received(person, release_id=release["id"])

    def _until(self, at: str, days_before: int = 0) -> Story:
        days = (datetime.fromisoformat(at) - self._city.now).total_seconds() / 86_400 - days_before
        if days > 0:
            yield days

    def _confirmed(self, person: Person, release_id: str) -> Story:
        """The office confirms: mostly in time, sometimes late, sometimes another one."""
        task = self._task(release_id=release_id)
        if task is None or task["state"] not in ("offered", "announced", "unresolved", "disputed"):
            return
        path = f"/tasks/{task['id']}"
        if task["state"] == "unresolved":
            chosen = {"office": self._chance.choice(self._villages)[:9], "reason": "asked the person"}
            self._post("community_handover", f"{path}/assignment", CITY, office=f"OFFICE-{chosen['office']}")
            task = self._city.get("community_handover", path)
        if self._happens(0.05) and not task["assigned"]:  # whom a supervisor named cannot send it on
            proposed = f"OFFICE-{self._chance.choice(self._villages)[:9]}"
            if proposed != task["office"]:
                rejection = {"reason": "lives elsewhere", "proposed_office": proposed}
                self._post("community_handover", f"{path}/rejection", self._officer(task["office"]), **rejection)
                task = self._city.get("community_handover", path)
        if self._happens(0.1):
            yield 2
        self._post("community_handover", f"{path}/acceptance", self._officer(task["office"]))
        party = {"members": [{"role": "community_worker"}, {"role": "police_officer"}, {"role": "family"}]}
        self._post("community_handover", f"{path}/party", self._officer(task["office"]), **party)

    def _received(self, person: Person, **of: str) -> Story:
        """The handover, from whatever state it is in until it lawfully ends."""
        task = self._task(**of)
        if task is None:
            return
        if task["accepted_at"] is None:
            yield from self._accepted_late(task)
            task = self._city.get("community_handover", f"/tasks/{task['id']}")
        path, officer = f"/tasks/{task['id']}", self._officer(task["office"])
        if task["kind"] == "release":
            there = yield from self._met(path, officer)
            if not there:
                return
        task = self._city.get("community_handover", path)
        if task["legal_ground"] == "contact_only":
            self._post("community_handover", f"{path}/contact", officer, consents_to_contact=self._happens(0.6))
            return
        if self._happens(0.06):
            days = 1 + (china_day_of(task["report_due_at"]) - china_day(self._city.now)).days
            yield max(days, 1)
            self._post("community_handover", f"{path}/refusal", officer)
            if self._happens(0.5):
                self._post("community_handover", f"{path}/referral", officer, number="BG-1")
                return
        yield self._chance.randint(1, 9)
        shorter = task["legal_ground"] == "community_rehab_order" and self._happens(0.2)
        self._post("community_handover", f"{path}/registration", officer, measure_months=2 if shorter else None)
        yield 1
        if self._city.get("community_handover", path)["state"] == "registered":  # else it was signed with the measure
            self._post("community_handover", f"{path}/agreement", officer)

    def _accepted_late(self, task: Any) -> Story:
        path = f"/tasks/{task['id']}"
        if task["state"] == "unresolved":
            office = f"OFFICE-{self._chance.choice(self._villages)[:9]}"
            self._post("community_handover", f"{path}/assignment", CITY, office=office)
            task = self._city.get("community_handover", path)
        self._post("community_handover", f"{path}/acceptance", self._officer(task["office"]))
        yield SOON

    def _met(self, path: str, officer: Principal) -> Generator[float, None, bool]:
        """What happens at the gate; whether the person is there for the rest."""
        state = self._city.get("community_handover", path)["state"]
        roll = self._chance.random()
        if state == "accepted" and roll < 0.9:
            outcomes = (("met_official", 0.7), ("met_family", 0.82), ("refused_company", 0.86), ("hospital", 0.88))
            outcome = next((name for name, below in outcomes if roll < below), "other_authority")
            note = "another county's police" if outcome == "other_authority" else None
            if outcome == "met_official" and self._happens(0.02):
                yield from self._entered_wrongly(path, officer)
            else:
                self._post("community_handover", f"{path}/meeting", officer, outcome=outcome, note=note)
            if outcome == "other_authority":
                return False
            if outcome == "met_family":
                yield SOON
                self._post("community_handover", f"{path}/first-contact", officer)
            return True
        yield 1  # nobody was there: the platform notes it by itself
        for kind in SEARCH:
            self._post("community_handover", f"{path}/trace-steps", officer, kind=kind, found=False)
        if self._happens(0.3):
            yield 5
            if self._city.get("community_handover", path)["legal_ground"] == "contact_only":
                self._post("community_handover", f"{path}/closure", self._township(officer), reason="not_reached")
                return False
            self._post("community_handover", f"{path}/whereabouts-unknown", self._township(officer))
            if self._happens(0.3):
                return False  # not found within the year: stays on the list
            yield 25
        self._post("community_handover", f"{path}/trace-steps", officer, kind="police_check", found=True)
        yield SOON
        return True

    def _entered_wrongly(self, path: str, officer: Principal) -> Story:
        """The officer says that nobody was there; the township sets it right."""
        self._post("community_handover", f"{path}/meeting", officer, outcome="left_alone")
        yield SOON
        right = {"outcome": "met_official", "reason": "entered on the wrong task"}
        now = self._officer(self._city.get("community_handover", path)["office"])  # the person may have moved meanwhile
        self._post("community_handover", f"{path}/outcome-correction", self._township(now), **right)

    def scheduled_tests(self) -> Story:
        """Every day: the stations do the tests that the schedules of community measures ask for, nearly all."""
        seen: set[str] = set()
        while True:
            yield 1
            for order in self._pages("drug_testing", "/test-orders", state="ordered"):
                if order["ground"] == "scheduled" and order["id"] not in seen:
                    seen.add(order["id"])
                    if self._happens(0.93):
                        self._begin(self._scheduled(order))

    def _scheduled(self, order: Any) -> Story:
        person = Person(order["person_id"], order["division"])
        station, test = self._station(person), f"/test-orders/{order['id']}"
        positive = yield from self._tested(test, station, 0.04 if self._city.now < self._winds_up else 0)
        if positive and (yield from self._contested(test, station)):
            yield from self._decided(person, order["id"])

    def risk_decisions(self) -> Story:
        """Every day: the counties' officers decide the tiers that are proposed, nearly all."""
        while True:
            yield 1
            for risk in self._pages("person_registry", "/risk-assessments", state="proposed"):
                if self._happens(0.5):
                    path = f"/persons/{risk['person_id']}/risk/decision"
                    self._post("person_registry", path, CITY, tier=risk["proposed_tier"])

    def _register(self) -> Person:
        village = self._chance.choice(self._villages)
        unknown = self._happens(0.01)
        body = {
            "identity_kind": "none",
            "full_name": "虚构",
            "sex": self._chance.choice(("male", "male", "male", "female")),
            "registered_division": None if unknown else self._chance.choice(self._villages)[:6],
            "residence_division": None if unknown else village,
        }
        station = Principal("station", Role.STATION_OFFICER, f"STATION-{village[:6]}", village[:6])
        made = self._post("person_registry", "/persons", station, **body)
        person = Person(made["id"], village)
        if self._happens(0.01):
            self._begin(self._twice(person, body, station))
        return person

    def _twice(self, person: Person, body: dict[str, Any], station: Principal) -> Story:
        """Somebody enters the same person again; weeks later the county finds out and merges the files."""
        again = self._post("person_registry", "/persons", station, **body)
        yield self._chance.randint(5, 60)
        path = f"/persons/{person.id}/merge"
        self._post("person_registry", path, CITY, into=again["id"], reason="same fingerprint")
        person.id = again["id"]  # what begins from now on is entered under the file that remains
