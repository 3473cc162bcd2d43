"""Where scenarios are played: the running platform, people in their roles, and a clock that is set.

An act is named ``<what>.<path>``: ``test.collection`` posts to the collection of the scenario's test order. What an
act needs and the scenario does not say is filled in from `DEFAULTS`.
"""

import re
import time
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from shared.kernel.ids import new_id
from shared.runtime.clock import set_clock
from shared.web.principal import Principal, Role
from shared.web.tokens import TokenIssuer
from tests.scenarios.story import Scenario, Step, moment

PATIENCE_SECONDS = 90.0  # longer than between two runs of a timer, which an event may just have missed
TOWNSHIP, OTHER_TOWNSHIP, UNCOVERED = "430802001", "430802002", "430822999"
PEOPLE = {
    "station": Principal("station-1", Role.STATION_OFFICER, "STATION-1", "430802"),
    "other station": Principal("station-2", Role.STATION_OFFICER, "STATION-2", "430802"),
    "laboratory 1": Principal("laboratory-1", Role.LABORATORY, "LAB-1"),
    "laboratory 2": Principal("laboratory-2", Role.LABORATORY, "LAB-2"),
    "laboratory 3": Principal("laboratory-3", Role.LABORATORY, "LAB-3"),
    "county": Principal("county-1", Role.COUNTY_SUPERVISOR, "NCO-430802", "430802"),
    "other county": Principal("county-2", Role.COUNTY_SUPERVISOR, "NCO-430821", "430821"),
    "city": Principal("city-1", Role.CITY_SUPERVISOR, "NCO-4308", "4308"),
    "centre": Principal("centre-1", Role.CENTRE_CLERK, "CENTRE-1", "4308"),
    "other centre": Principal("centre-2", Role.CENTRE_CLERK, "CENTRE-2", "4308"),
    "lock-up": Principal("lockup-1", Role.CENTRE_CLERK, "LOCKUP-1", "4308"),
    "officer": Principal("officer-1", Role.COMMUNITY_OFFICER, f"OFFICE-{TOWNSHIP}", TOWNSHIP),
    "second officer": Principal("officer-2", Role.COMMUNITY_OFFICER, f"OFFICE-{TOWNSHIP}", TOWNSHIP),
    "other officer": Principal("officer-3", Role.COMMUNITY_OFFICER, f"OFFICE-{OTHER_TOWNSHIP}", OTHER_TOWNSHIP),
    "township": Principal("township-1", Role.TOWNSHIP_SUPERVISOR, f"OFFICE-{TOWNSHIP}", TOWNSHIP),
    "other township": Principal("township-2", Role.TOWNSHIP_SUPERVISOR, f"OFFICE-{OTHER_TOWNSHIP}", OTHER_TOWNSHIP),
}
# What each kind of thing is found in, by whom, and who usually acts on it.
KINDS: Mapping[str, tuple[str, str, str, str]] = {
    "person": ("person_registry", "/persons", "station", "station"),
    "test": ("drug_testing", "/test-orders", "county", "station"),
    "order": ("detention_intake", "/orders", "county", "county"),
    "stay": ("detention_intake", "/stays", "county", "centre"),
    "release": ("release_notification", "/releases", "city", "centre"),
    "task": ("community_handover", "/tasks", "city", "officer"),
    "measure": ("community_handover", "/measures", "city", "officer"),
}
_USUALLY = {
    "order.admission": "centre",
    "order.admission-refusal": "centre",
    "stay.term-decision": "county",
    "test.exemption": "county",
    "test.abandonment": "county",
    "task.whereabouts-unknown": "township",
    "task.assignment": "county",
    "task.letter": "township",
    "task.receipt": "township",
    "task.closure": "township",
    "task.outcome-correction": "township",
    "measure.whereabouts-unknown": "township",
    "measure.termination": "township",
    "person.merge": "county",
    "sample.receipt": "laboratory 1",
    "sample.report": "laboratory 1",
    "person.facts": "county",
    "person.risk-decision": "county",
}
_POSITIVE = {"substances": ["MET"], "sample_a": "{seal}-A", "sample_b": "{seal}-B", "seal_signed": True}
_ISOLATION = {"legal_reviewer": "FZ-1", "isolation_ground": "severe_addiction"}
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "person.register": {
        "identity_kind": "none",
        "full_name": "剧中人",
        "sex": "male",
        "registered_division": "430822",
        "residence_division": TOWNSHIP,
    },
    "test.order": {"person_id": "{person}", "division": TOWNSHIP, "ground": "witness"},
    "test.collection": {
        "sample_type": "urine",
        "collectors": [{"officer": "P1", "sex": "male"}, {"officer": "P2", "sex": "female"}],
    },
    "test.result": {"result": "negative", "tester": "P1", "reagent_lot": "L1"},
    "test.telling": {"signed": True},
    "test.report-telling": {"signed": True},
    "test.objection-decision": {"approved": True},
    "test.dispatch": {"laboratory": "LAB-1", "sent_by": "P1"},
    "sample.receipt": {"intact": True},
    "sample.report": {"number": "R-1", "result": "positive"},
    "order.enter": {"person_id": "{person}", "division": TOWNSHIP},
    "order.admission": {"centre": "{own}"},
    "release.plan": {"person_id": "{person}", "centre": "{own}"},
    "release.execution": {"certificate_number": "JC-1"},
    "task.meeting": {"outcome": "met_official"},
    "stay.assessments": {"grade": "good"},
    "person.merge": {"into": "{person}", "reason": "同一人，指纹一致"},
}


class Refused(Exception):
    """The platform refused; with what it said."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.problem = problem
        self.codes = [problem.get("code"), *(fault.get("code") for fault in problem.get("errors", ()))]
        super().__init__(f"{status} {self.codes}: {problem.get('detail')}")


class Stage:
    """The platform with everybody on it. One for many scenarios."""

    def __init__(self, urls: Mapping[str, str], issuer: TokenIssuer, clock_file: Path) -> None:
        self._urls = urls
        self._clock_file = clock_file
        self._http = httpx.Client(timeout=30)
        self._tokens = {name: issuer.issue(principal) for name, principal in PEOPLE.items()}

    def furnish(self) -> None:
        """What every scenario finds: offices, centres, laboratories."""
        for township in (TOWNSHIP, OTHER_TOWNSHIP):
            office = {"name": f"{township} 禁毒办", "level": "township", "division": township}
            self.call("city", "PUT", "community_handover", f"/offices/OFFICE-{township}", office)
            self.call("city", "PUT", "community_handover", f"/coverage/{township}", {"office": f"OFFICE-{township}"})
        for code, kind in (("CENTRE-1", "police"), ("CENTRE-2", "justice"), ("LOCKUP-1", "lockup")):
            centre = {"name": code, "kind": kind, "division": "430802"}
            self.call("city", "PUT", "detention_intake", f"/centres/{code}", centre)
        for code, kind in (("LAB-1", "medical"), ("LAB-2", "accredited"), ("LAB-3", "accredited")):
            laboratory = {"name": code, "kind": kind}
            self.call("city", "PUT", "drug_testing", f"/laboratories/{code}", laboratory)

    def set_clock(self, at: datetime) -> None:
        """Let it be that moment everywhere."""
        set_clock(self._clock_file, at)

    def call(self, by: str, method: str, service: str, path: str, body: Any = None, **query: Any) -> Any:
        """One call. Raises: Refused."""
        headers = {"Authorization": f"Bearer {self._tokens[by]}"}
        if method == "POST":
            headers["Idempotency-Key"] = str(new_id())
        answer = self._http.request(method, f"{self._urls[service]}{path}", headers=headers, json=body, params=query)
        if not answer.is_success:
            raise Refused(answer.status_code, answer.json())
        return answer.json()


def until(what: Callable[[], str | None]) -> None:
    """Ask until nothing is wrong any more.

    Raises: AssertionError with what still was.
    """
    deadline, pause = time.monotonic() + PATIENCE_SECONDS, 0.01
    while (wrong := what()) is not None:
        if time.monotonic() > deadline:
            raise AssertionError(wrong)
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)


class Play:
    """One scenario on the stage."""

    def __init__(self, stage: Stage, scenario: Scenario) -> None:
        self._stage = stage
        self._scenario = scenario
        self._seal = f"{scenario.id}-{new_id().hex[-8:]}"
        self._ids: dict[str, str] = {}

    def run(self) -> None:
        """Play it to the end. Raises: AssertionError naming the line."""
        self._stage.set_clock(self._scenario.start)
        for situation in self._scenario.given:
            SITUATIONS[situation](self)
        for step in self._scenario.steps:
            try:
                self._play(step)
            except (AssertionError, Refused) as wrong:
                raise AssertionError(f"{self._scenario.id} “{step.words}”: {wrong}") from wrong

    def rename(self, name: str, new_name: str) -> None:
        """What was made first is called otherwise, so that another can be made."""
        self._ids[new_name] = self._ids.pop(name)

    @property
    def day(self) -> str:
        """The day on which the scenario begins."""
        return self.day_after(0)

    def day_after(self, days: int) -> str:
        """So many days after the scenario begins."""
        return (self._scenario.start + timedelta(days=days)).date().isoformat()

    def see(self, kind: str, wanted: Mapping[str, Any]) -> None:
        """Wait until something is so. Raises: AssertionError."""
        until(lambda: self._differs(kind, {}, wanted))

    def _play(self, step: Step) -> None:
        if step.at is not None:
            self._stage.set_clock(step.at)
        if step.do is not None:
            self._act(step)
        for kind, wanted in step.see.items():
            until(lambda kind=kind, wanted=wanted: self._differs(kind, step.which, wanted))  # type: ignore[misc]
        for kind, number in step.count.items():
            until(lambda kind=kind, number=number: self._miscounts(kind, step.which, number))  # type: ignore[misc]

    def _act(self, step: Step) -> None:
        assert step.do is not None
        if step.refused is None:
            self.act(step.do, step.body, by=step.by, which=step.which)
            return
        try:
            self.act(step.do, step.body, by=step.by, which=step.which)
        except Refused as refused:
            assert step.refused in refused.codes, f"refused with {refused.codes}, not {step.refused}"
            told = {name: refused.problem.get(name) for name in step.tells}
            assert told == dict(step.tells), f"the refusal tells {told}"
        else:
            raise AssertionError(f"was not refused ({step.refused})")

    def act(
        self,
        name: str,
        said: Mapping[str, Any] | None = None,
        *,
        by: str | None = None,
        which: Mapping[str, Any] | None = None,
    ) -> Any:
        """Do something. Raises: Refused."""
        kind, _, path = name.partition(".")
        service, collection, _, usual = KINDS["test" if kind == "sample" else kind]
        who = by or _USUALLY.get(name, usual)
        body = self._filled({**DEFAULTS.get(name, {}), **_more(name, said or {}), **(said or {})}, who)
        if kind == "sample":
            seal = body.pop("seal", self._seal + ("-B" if "2" in who else "-A"))
            return self._stage.call(who, "POST", service, f"/samples/{seal}/{path}", body)
        if path in ("register", "order", "enter", "plan"):
            made = self._patiently(lambda: self._stage.call(who, "POST", service, collection, body))
            self._ids[kind] = made["id"]
            return made
        if kind == "person":
            return self._person_act(who, path, body)
        found = self._find(kind, which or {})
        done = self._stage.call(who, "POST", service, f"{collection}/{found}/{path}", body)
        if done.get("id") == found:
            return done
        self._ids["stay"] = done["id"]  # an admission answers with the stay
        return done

    def _person_act(self, who: str, path: str, body: Mapping[str, Any]) -> Any:
        if path == "merge":
            return self._stage.call(who, "POST", "person_registry", f"/persons/{self._ids['other']}/merge", body)
        person = f"/persons/{self._ids['person']}"
        if path == "residence":
            return self._stage.call(who, "PUT", "person_registry", f"{person}/residence", body)
        target = {"risk-decision": "/risk/decision", "facts": "/risk/facts"}[path]
        return self._patiently(lambda: self._stage.call(who, "POST", "person_registry", f"{person}{target}", body))

    def _patiently(self, call: Callable[[], Any]) -> Any:
        """Somebody just registered becomes known everywhere in a moment."""
        made: list[Any] = []

        def attempt() -> str | None:
            try:
                made.append(call())
            except Refused as refused:
                if not {"person.unknown", "decision.test_unknown", "risk.not_found"} & set(refused.codes):
                    raise
                return str(refused)
            return None

        until(attempt)
        return made[0]

    def _find(self, kind: str, which: Mapping[str, Any]) -> str:
        if not which and kind in self._ids:
            return self._ids[kind]
        until(lambda: None if self._all(kind, which) else f"there is no {kind} {dict(which)}")
        found = self._all(kind, which)
        assert len(found) == 1, f"{len(found)} {kind}s {dict(which)}; say which"
        if not which:
            self._ids[kind] = found[0]["id"]
        return str(found[0]["id"])

    def _all(self, kind: str, which: Mapping[str, Any]) -> list[Any]:
        service, collection, reader, _ = KINDS[kind]
        if kind == "person":
            return [self._stage.call(reader, "GET", service, f"{collection}/{self._ids['person']}")]
        listed = self._stage.call(reader, "GET", service, collection, person_id=self._ids["person"], limit=50)
        return [one for one in listed["items"] if all(_same(one.get(key), value) for key, value in which.items())]

    def _differs(self, kind: str, which: Mapping[str, Any], wanted: Mapping[str, Any]) -> str | None:
        if kind == "risk":
            return self._risk_differs(wanted)
        known = {} if which or kind not in self._ids else {"id": self._ids[kind]}
        found = self._all(kind, which or known)
        if len(found) != 1:
            return f"{len(found)} {kind}s {dict(which)}: {[one.get('state') for one in found]}"
        named = {key: _named(value, self._names("city")) for key, value in wanted.items()}
        return _difference(kind, found[0], named)

    def _risk_differs(self, wanted: Mapping[str, Any]) -> str | None:
        try:
            risk = self._stage.call("county", "GET", "person_registry", f"/persons/{self._ids['person']}/risk")
        except Refused as refused:
            return str(refused)
        return _difference("risk", risk, wanted)

    def _miscounts(self, kind: str, which: Mapping[str, Any], number: int) -> str | None:
        found = self._all(kind, which)
        return None if len(found) == number else f"{len(found)} {kind}s {dict(which)}, not {number}"

    def _filled(self, body: Mapping[str, Any], who: str) -> dict[str, Any]:
        return {key: _as_sent(_named(value, self._names(who))) for key, value in body.items()}

    def _names(self, who: str) -> dict[str, str]:
        return {**self._ids, "seal": self._seal, "own": PEOPLE[who].organisation}


def _more(name: str, said: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a positive result, or a decision of isolation, needs besides."""
    if name == "test.result" and said.get("result") == "positive":
        return _POSITIVE
    return _ISOLATION if said.get("kind") == "compulsory_isolation" else {}


def _named(value: Any, names: Mapping[str, str]) -> Any:
    """A value with the names in it replaced, as in ``{person}``."""
    return value.format(**names) if isinstance(value, str) and "{" in value else value


def _as_sent(value: Any) -> Any:
    """A value as the platform takes it: a day, or a moment with its zone."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", value):
        return moment(value).isoformat()
    return value


def _difference(kind: str, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> str | None:
    wrong = {key: found.get(key) for key, value in wanted.items() if not _same(found.get(key), value)}
    return f"{kind} has {wrong}, not { ({key: wanted[key] for key in wrong}) }" if wrong else None


def _same(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, str) and isinstance(found, str) and re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", wanted):
        return datetime.fromisoformat(found) == moment(wanted)
    if isinstance(wanted, dict) and isinstance(found, dict):
        return all(_same(found.get(key), value) for key, value in wanted.items())
    return bool(found == wanted or (found is not None and wanted is not None and str(found) == str(wanted)))


def _suspect(play: Play) -> None:
    play.act("person.register")


def _two_files(play: Play) -> None:
    """The second file is the one that the centre uses."""
    _suspect(play)
    play.rename("person", "other")
    _planned(play, person="other")


def _ordered(play: Play) -> None:
    _suspect(play)
    play.act("test.order")


def _told_positive(play: Play) -> None:
    _ordered(play)
    play.act("test.collection")
    play.act("test.result", {"result": "positive"})
    play.act("test.telling")


def _settled(play: Play) -> None:
    _told_positive(play)
    play.act("test.waiver")


def _decided(play: Play, kind: str, **more: Any) -> None:
    _suspect(play)
    day = play.day
    play.act("order.enter", {"kind": kind, "deciding_organ": "GA-430802", "decided_on": day, **more})
    play.act("order.service")


def _served(play: Play) -> None:
    _decided(play, "compulsory_isolation")


def _in_custody(play: Play) -> None:
    _served(play)
    play.act("order.admission")


def _in_detention(play: Play) -> None:
    _decided(play, "administrative_detention", detention_days=10)
    play.act("order.admission", by="lock-up")


def _planned(play: Play, ground: str = "community_detox_order", person: str = "person") -> None:
    _suspect(play)
    release = {
        "person_id": f"{{{person}}}",
        "kind": "early_release",
        "release_at": f"{play.day_after(5)} 09:00",
        "legal_ground": ground,
    }
    play.act("release.plan", release)
    if person == "person":
        play.see("task", {"state": "offered"})


def _accepted(play: Play, ground: str = "community_detox_order") -> None:
    _planned(play, ground)
    play.act("task.acceptance")


def _left(play: Play, ground: str = "community_detox_order") -> None:
    _accepted(play, ground)
    play.act("release.execution")
    play.see("task", {"state": "accepted", "due_rule": "H4"})


def _registered(play: Play, ground: str = "community_detox_order") -> None:
    _left(play, ground)
    play.act("task.meeting")
    play.act("task.registration")
    play.act("task.agreement")
    play.see("measure", {"state": "active", "due_rule": "M1"})


SITUATIONS: Mapping[str, Callable[[Play], None]] = {
    "suspect": _suspect,
    "two files": _two_files,
    "test ordered": _ordered,
    "told positive": _told_positive,
    "settled positive": _settled,
    "isolation served": _served,
    "in isolation": _in_custody,
    "in detention": _in_detention,
    "task offered": _planned,
    "task accepted": _accepted,
    "left the gate": _left,
    "in community detox": _registered,
    "in community rehab": lambda play: _registered(play, "community_rehab_order"),
    "left without order": lambda play: _left(play, "contact_only"),
}
