"""Demonstration data, entered through the public APIs only. Run again it changes nothing: every act has a fixed key.

Offices for all townships of the city but one (so that an unresolved task can be seen), people in every stage of the
way: tests, decisions, stays that began about two years ago and end in the next days, handover tasks in each state.
"""

import os
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import httpx

from deploy.local.accounts import CENTRE, LOCKUP, OFFICE_TOWNSHIP
from deploy.local.browsing import SignInFailed
from deploy.local.client import CallFailed, Platform, TooLate
from deploy.local.demo_people import InventedPerson, invented_people
from deploy.local.where import password_from_environment, urls_from_environment
from shared.kernel.clock import CHINA
from shared.kernel.deadlines import add_months
from shared.reference.divisions import divisions

UNCOVERED_TOWNSHIP = "430822228"
ACCOUNTS = ("station-system", "centre-system", "lockup", "officer", "county", "city")
TESTS, ISOLATED, DETAINED = 14, 24, 10


class Demo:
    """Enters everything, once."""

    def __init__(self, platform: Platform, today: date) -> None:
        self._platform = platform
        self._today = today
        self._people = iter(invented_people(TESTS + ISOLATED + DETAINED + 2))

    def enter(self) -> None:
        """All of it.

        Raises: CallFailed, TooLate.
        """
        self._offices()
        for number in range(TESTS):
            self._test(number)
        for number in range(ISOLATED):
            self._isolation(number)
        for number in range(DETAINED):
            self._detention(number)

    def _offices(self) -> None:
        for code, name, kind in ((CENTRE, "市强制隔离戒毒所", "justice"), (LOCKUP, "市拘留所", "lockup")):
            centre = {"name": name, "kind": kind, "division": "430802"}
            self._platform.put("city", "detention_intake", f"/centres/{code}", centre)
        for township in divisions().of_level("township"):
            if township.code == UNCOVERED_TOWNSHIP:
                continue
            code = f"OFFICE-{township.code}"
            office = {"name": f"{township.name}禁毒办", "level": "township", "division": township.code}
            self._platform.put("city", "community_handover", f"/offices/{code}", office)
            self._platform.put("city", "community_handover", f"/coverage/{township.code}", {"office": code})

    def _test(self, number: int) -> None:
        """A test order, further along the higher its number."""
        _, person_id = self._registered(f"test {number}", near=True)
        body = {"person_id": person_id, "division": OFFICE_TOWNSHIP, "ground": "venue_check"}
        order = self._act("station-system", "drug_testing", "/test-orders", body, f"order {number}")
        officer = {"officer": "P-1001", "sex": "male"}, {"officer": "P-1002", "sex": "female"}
        positive = number % 2 == 1
        result: dict[str, Any] = {
            "result": "positive" if positive else "negative",
            "tester": "P-1001",
            "reagent_lot": "LOT-26-11",
        }
        if positive:
            seals = {"sample_a": f"DEMO-A{number:03d}", "sample_b": f"DEMO-B{number:03d}", "seal_signed": True}
            result |= {"substances": ["MET"], **seals}
        steps: tuple[tuple[str, dict[str, Any]], ...] = (
            ("collection", {"sample_type": "urine", "collectors": list(officer)}),
            ("result", result),
            ("telling", {"signed": True}),
            ("waiver", {}),
        )
        for step, content in steps[: min(number // 2, 4 if positive else 3)]:
            self._act(
                "station-system", "drug_testing", f"/test-orders/{order['id']}/{step}", content, f"{step} {number}"
            )

    def _isolation(self, number: int) -> None:
        """Somebody whose two years end some days from now, or ended today, or will in weeks."""
        last_day = self._today + timedelta(days=(number % 12) * 3 - 1)
        decided_on = add_months(last_day, -24) + timedelta(days=1)
        _, person_id = self._registered(f"isolation {number}", near=number % 3 == 0)
        decision = {
            "kind": "compulsory_isolation",
            "legal_reviewer": "FZ-01",
            "isolation_ground": "used_after_treatment",
        }
        stay = self._admitted("centre-system", CENTRE, person_id, decided_on, number, decision)
        release = self._release_of("centre-system", stay)
        if last_day <= self._today:
            at = datetime.combine(min(last_day, self._today), datetime.min.time(), CHINA) + timedelta(hours=9)
            self._execute("centre-system", release, min(at, datetime.now(UTC)), number)
        if number % 3 == 0:
            self._hand_over(release, far=number % 6 == 0, executed=last_day <= self._today, number=number)

    def _detention(self, number: int) -> None:
        """Somebody in the lock-up for days."""
        decided_on = self._today - timedelta(days=number)
        _, person_id = self._registered(f"detention {number}", near=number % 4 == 0)
        decision = {"kind": "administrative_detention", "detention_days": 10}
        self._admitted("lockup", LOCKUP, person_id, decided_on, 1000 + number, decision)

    def _registered(self, purpose: str, *, near: bool) -> tuple[InventedPerson, str]:
        """The next person; ``near`` lives in the demonstration officer's township."""
        person = next(self._people)
        body = person.body() | ({"residence_division": OFFICE_TOWNSHIP} if near else {})
        try:
            return person, self._act("station-system", "person_registry", "/persons", body, purpose)["id"]
        except CallFailed as refused:
            if refused.code != "person.already_registered":
                raise
            return person, str(refused.problem["person_id"])

    def _admitted(
        self,
        who: str,
        centre: str,
        person_id: str,
        decided_on: date,
        number: int,
        decision: Mapping[str, Any],
    ) -> str:
        body = {
            "person_id": person_id,
            "division": OFFICE_TOWNSHIP,
            "deciding_organ": "GA-430802",
            "decided_on": decided_on.isoformat(),
            **decision,
        }
        order = self._act("county", "detention_intake", "/orders", body, f"custody {number}")
        served_at = datetime.combine(decided_on, datetime.min.time(), CHINA) + timedelta(minutes=1)
        path = f"/orders/{order['id']}"
        self._act(
            "county", "detention_intake", f"{path}/service", {"served_at": served_at.isoformat()}, f"serve {number}"
        )
        admission = {"centre": centre, "admitted_at": (served_at + timedelta(minutes=1)).isoformat()}
        return str(self._act(who, "detention_intake", f"{path}/admission", admission, f"admit {number}")["id"])

    def _release_of(self, who: str, stay_id: str) -> str:
        def planned() -> Any:
            return self._platform.get(who, "release_notification", "/releases", stay_id=stay_id)["items"]

        (release,) = self._platform.wait_for("the planned release", planned)
        return str(release["id"])

    def _execute(self, who: str, release: str, at: datetime, number: int) -> None:
        body = {"certificate_number": f"JC-DEMO-{number:03d}", "executed_at": at.isoformat()}
        self._act(who, "release_notification", f"/releases/{release}/execution", body, f"execute {number}")

    def _hand_over(self, release: str, *, far: bool, executed: bool, number: int) -> None:
        """The demonstration officer's part of the way."""

        def offered() -> Any:
            found = self._platform.get("officer", "community_handover", "/tasks", release_id=release)["items"]
            return [task for task in found if task["state"] != "announced" and (task["released_at"] or not executed)]

        if number >= 12:
            return
        (task,) = self._platform.wait_for("the handover task", offered)
        path = f"/tasks/{task['id']}"
        self._act("officer", "community_handover", f"{path}/acceptance", {}, f"accept {number}")
        if executed or far:
            self._act("officer", "community_handover", f"{path}/meeting", {"outcome": "met_official"}, f"meet {number}")
        if executed:
            consent = {"consents_to_contact": True}
            self._act("officer", "community_handover", f"{path}/contact", consent, f"contact {number}")

    def _act(self, who: str, service: str, path: str, body: Mapping[str, Any], purpose: str) -> Any:
        return self._platform.post(who, service, path, body, key=str(_key(purpose)))


def _key(purpose: str) -> UUID:
    return uuid5(NAMESPACE_URL, f"baton demonstration {purpose}")


def main() -> int:
    """The command line."""
    platform = Platform(urls_from_environment(os.environ))
    try:
        password = password_from_environment(os.environ)
        for username in ACCOUNTS:
            platform.sign_in(username, password)
        if platform.get("city", "community_handover", "/tasks", limit=1)["items"]:
            return 0  # entered before; dates have moved on since, so it is not entered again
        Demo(platform, datetime.now(CHINA).date()).enter()
    except (CallFailed, SignInFailed, TooLate, httpx.HTTPError, OSError) as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
