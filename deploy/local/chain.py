"""``make chain``: one case through the running platform, from suspicion to registered handover, by its public APIs.

Every step is done, or observed, through an API; for each it prints what happened, the event that carried it and the
time from the act until oversight knew. The exit status is 0 only if every step was really seen. With ``BASE_URL`` it
goes through an installation's front door.
"""

import os
import random
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx

from deploy.local.accounts import CENTRE, OFFICE, OFFICE_TOWNSHIP
from deploy.local.browsing import SignInFailed
from deploy.local.client import CallFailed, Platform, TooLate
from deploy.local.identity_numbers import invented_identity_number
from deploy.local.where import password_from_environment, trusted, urls_from_environment
from shared.kernel.clock import china_day
from shared.reference.divisions import divisions

PATIENCE_SECONDS = 90.0
PEOPLE = ("station-system", "centre-system", "officer", "county", "city")


class Chain:
    """The steps of one case."""

    def __init__(
        self,
        platform: Platform,
        *,
        say: Callable[[str], None] = print,
        acted: Callable[[int], None] = lambda step: None,
    ) -> None:
        self._platform = platform
        self._say = say
        self._acted = acted  # told the step's number as soon as an act is answered with success
        self._person_id = ""
        self._step = 0

    def run(self) -> str:
        """Drive the case; the person's id.

        Raises: CallFailed, TooLate.
        """
        self._cover_township()
        self._register()
        test_order = self._test()
        order = self._decide(test_order)
        stay = self._admit(order)
        release = self._release(stay)
        self._hand_over(release)
        self._check_timeline()
        return self._person_id

    def _cover_township(self) -> None:
        name = divisions().full_name(OFFICE_TOWNSHIP)
        office = {"name": f"{name}禁毒办", "level": "township", "division": OFFICE_TOWNSHIP}
        self._platform.put("county", "community_handover", f"/offices/{OFFICE}", office)
        self._platform.put("county", "community_handover", f"/coverage/{OFFICE_TOWNSHIP}", {"office": OFFICE})

    def _register(self) -> None:
        chance = random.SystemRandom()
        born = date(1970, 1, 1) + timedelta(days=chance.randrange(12_000))
        body = {
            "full_name": "链路测试",
            "sex": "male",
            "identity_number": invented_identity_number(born, chance.randrange(500), female=False),
            "registered_division": "430822",
            "residence_division": f"{OFFICE_TOWNSHIP}",
        }
        person = self._act("the station registers a suspect", "station-system", "person_registry", "/persons", body)
        self._person_id = person["id"]
        self._seen("person.registered.v1", person["id"])

    def _test(self) -> str:
        body = {"person_id": self._person_id, "division": OFFICE_TOWNSHIP, "ground": "venue_check"}
        order = self._act("the station orders a test", "station-system", "drug_testing", "/test-orders", body)
        self._seen("test.ordered.v1", order["id"])
        path = f"/test-orders/{order['id']}"
        collectors = [{"officer": "P-1001", "sex": "male"}, {"officer": "P-1002", "sex": "female"}]
        seal = order["id"][-12:]
        steps: tuple[tuple[str, str, dict[str, Any], str], ...] = (
            (
                "two officers collect the sample",
                "/collection",
                {"sample_type": "urine", "collectors": collectors},
                "test.collected.v1",
            ),
            (
                "the station posts a positive result",
                "/result",
                {
                    "result": "positive",
                    "substances": ["MET"],
                    "tester": "P-1001",
                    "reagent_lot": "LOT-26-11",
                    "sample_a": f"A-{seal}",
                    "sample_b": f"B-{seal}",
                    "seal_signed": True,
                },
                "test.resulted.v1",
            ),
            ("the person is told on the spot", "/telling", {"signed": True}, "test.positive_told.v1"),
            ("the person waives the laboratory test", "/waiver", {}, "test.settled.v1"),
        )
        for words, step, content, event_type in steps:
            self._act(words, "station-system", "drug_testing", path + step, content)
            self._seen(event_type, order["id"])
        return str(order["id"])

    def _decide(self, test_order: str) -> str:
        order = self._find("a decision is due", "county", "detention_intake", "/orders", test_order_id=test_order)
        self._seen("order.decision_due.v1", order["id"])
        decision = {
            "kind": "compulsory_isolation",
            "deciding_organ": "GA-430802",
            "legal_reviewer": "FZ-01",
            "isolation_ground": "severe_addiction",
            "decided_on": china_day(datetime.now(UTC)).isoformat(),
        }
        path = f"/orders/{order['id']}"
        words = "the deciding organ orders compulsory isolation"
        self._act(words, "county", "detention_intake", f"{path}/decision", decision)
        self._seen("order.issued.v1", order["id"])
        self._act("the decision is served", "county", "detention_intake", f"{path}/service", {})
        self._seen("order.served.v1", order["id"])
        return str(order["id"])

    def _admit(self, order: str) -> str:
        stay = self._act(
            "the centre takes the person in",
            "centre-system",
            "detention_intake",
            f"/orders/{order}/admission",
            {"centre": CENTRE},
        )
        self._seen("stay.admitted.v1", stay["id"])
        return str(stay["id"])

    def _release(self, stay: str) -> str:
        release = self._find(
            "the release is planned", "centre-system", "release_notification", "/releases", stay_id=stay
        )
        self._seen("release.planned.v1", release["id"])
        path = f"/releases/{release['id']}"
        change = {
            "release_at": datetime.now(UTC).isoformat(),
            "kind": "converted",
            "reason": "变更为社区戒毒决定 (戒毒条例 art. 31)",
        }
        words = "the isolation is converted to community detox; the centre changes the plan"
        self._act(words, "centre-system", "release_notification", f"{path}/rescheduling", change)
        self._seen("release.rescheduled.v1", release["id"])
        gate = {"certificate_number": f"JC-{release['id'][-8:]}"}
        self._act(
            "the person leaves through the gate", "centre-system", "release_notification", f"{path}/execution", gate
        )
        self._seen("release.executed.v1", release["id"])
        return str(release["id"])

    def _hand_over(self, release: str) -> None:
        task = self._find(
            "the community officer sees the task", "officer", "community_handover", "/tasks", release_id=release
        )
        self._seen("handover.offered.v1", task["id"])
        path = f"/tasks/{task['id']}"
        self._until_released(path)
        steps: tuple[tuple[str, str, dict[str, Any], str], ...] = (
            ("the officer acknowledges it (确认收到)", "/acceptance", {}, "handover.accepted.v1"),
            ("the officer meets the person", "/meeting", {"outcome": "met_official"}, "handover.met.v1"),
            ("the person reports and is registered", "/registration", {}, "handover.registered.v1"),
        )
        for words, step, content, event_type in steps:
            self._act(words, "officer", "community_handover", path + step, content)
            self._seen(event_type, task["id"])

    def _until_released(self, path: str) -> None:
        def released() -> Any:
            return self._platform.get("officer", "community_handover", path)["released_at"]

        self._platform.wait_for("the task's release", released)

    def _check_timeline(self) -> None:
        lines = self._timeline()
        tasks = {line["aggregate_id"] for line in lines if line["kind"] == "handover_task"}
        if len(tasks) != 1:
            raise TooLate(f"one handover task was expected, oversight knows {len(tasks)}")
        self._say(f"case {self._person_id}: {len(lines)} events, one handover task, registered")

    def _act(self, words: str, who: str, service: str, path: str, body: Mapping[str, Any]) -> Any:
        self._begin(words)
        answer = self._platform.post(who, service, path, body)
        self._acted(self._step)
        return answer

    def _find(self, words: str, who: str, service: str, path: str, **query: str) -> Any:
        """Wait until a list has its one item, which an event must have brought there."""
        self._begin(words)
        items = self._platform.wait_for(words, lambda: self._platform.get(who, service, path, **query)["items"])
        if len(items) != 1:
            raise TooLate(f"{words}: one was expected, there are {len(items)}")
        return items[0]

    def _begin(self, words: str) -> None:
        self._step += 1
        self._words, self._began = words, time.monotonic()

    def _seen(self, event_type: str, aggregate_id: str) -> None:
        """Observe in oversight that the step's event arrived."""

        def line() -> Any:
            fits = (event_type, aggregate_id)
            return [found for found in self._timeline() if (found["type"], found["aggregate_id"]) == fits]

        (event,) = self._platform.wait_for(f"{event_type} in the timeline", line)
        milliseconds = (time.monotonic() - self._began) * 1000
        self._say(f"{self._step:2}. {self._words:<78} {event_type:<25} {event['event_id']} {milliseconds:7.1f} ms")

    def _timeline(self) -> list[Any]:
        path = f"/cases/{self._person_id}/timeline"
        lines: list[Any] = self._platform.get("city", "oversight", path, limit=200)["items"]
        return lines


def main() -> int:
    """The command line."""
    patience = float(os.environ.get("PATIENCE", PATIENCE_SECONDS))
    platform = Platform(urls_from_environment(os.environ), patience=patience, trusted=trusted(os.environ))
    try:
        password = password_from_environment(os.environ)
        for username in PEOPLE:
            platform.sign_in(username, password)
        Chain(platform).run()
    except (CallFailed, SignInFailed, TooLate, httpx.HTTPError, OSError) as failure:
        print(f"chain broken: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
