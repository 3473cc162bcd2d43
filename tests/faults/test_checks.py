"""The checks: a run in which all went well passes, and each way to break a promise is found by its check."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shared.messaging.subscriptions import SUBSCRIPTIONS
from tests.faults import evidence, history
from tests.faults.case import Case, Expected
from tests.faults.checks import CHECKS, broken_promises, figures
from tests.faults.evidence import Evidence, OfService, Said
from tests.faults.history import ActTold, History, Told
from tests.faults.lives import EVENT_OF, Kind

PERSON, RELEASE, GONE, TASK = "person-1", "release-1", "release-2", "task-1"
EARLY, LATE = "2026-12-01T09:00:00+08:00", "2026-12-02T01:00:00+00:00"


def said(number: int, event_type: str, subject: str, sequence: int, **data: Any) -> Said:
    return Said(f"event-{number}", event_type, subject, sequence, data)


def told(kind: Kind, subject: str, version: int) -> ActTold:
    answer = {"id": subject, "version": version}
    return ActTold(f"{kind.value} {subject}", kind.value, 0, "CENTRE-1", {}, attempts=1, answers=[answer])


def a_good_case() -> Case:
    """One release that is planned, accepted, put off and executed; one that is cancelled before anybody knew of it."""
    plan, cancelled = f"plan {RELEASE}", f"plan {GONE}"
    by_service = {
        "person_registry": [said(1, EVENT_OF[Kind.REGISTER], PERSON, 1)],
        "release_notification": [
            said(2, EVENT_OF[Kind.PLAN], RELEASE, 1, state="planned", order_id=plan, release_at=EARLY),
            said(3, EVENT_OF[Kind.RESCHEDULE], RELEASE, 2, state="planned", reason=f"reschedule {RELEASE}"),
            said(4, "release.notice_late.v1", RELEASE, 3, state="planned"),
            said(
                5,
                EVENT_OF[Kind.EXECUTE],
                RELEASE,
                4,
                state="executed",
                release_at=LATE,
                executed_at=LATE,
                certificate_number=f"execute {RELEASE}",
            ),
            said(6, EVENT_OF[Kind.PLAN], GONE, 1, state="planned", order_id=cancelled, release_at=EARLY),
            said(7, EVENT_OF[Kind.CANCEL], GONE, 2, state="cancelled", reason=f"cancel {GONE}"),
        ],
        "community_handover": [
            said(8, "handover.announced.v1", TASK, 1, state="announced"),
            said(9, EVENT_OF[Kind.ACCEPT], TASK, 2, state="accepted"),
        ],
    }
    everything = [one for events in by_service.values() for one in events]
    found = Evidence(
        services={
            name: OfService(
                said=by_service.get(name, []),
                heard=[one.id for one in everything if one.type in types]
                + (["poison-2"] if "stay.admitted.v1" in types and name != "release_notification" else []),
            )
            for name, types in SUBSCRIPTIONS.items()
        },
        releases=[
            {"id": RELEASE, "version": 4, "state": "executed", "order_id": plan},
            {"id": GONE, "version": 2, "state": "cancelled", "order_id": cancelled},
        ],
        tasks=[
            {
                "id": TASK,
                "release_id": RELEASE,
                "release_version": 4,
                "state": "accepted",
                "release_at": LATE,
                "released_at": LATE,
            }
        ],
        dropped={GONE: 2},
        persons=["faults 1"],
        knows={"community_handover": {PERSON: 1}, "release_notification": {PERSON: 1}},
        remembered=[one.id for one in everything] + ["poison-2"],
        dead={"oversight": ["poison-1", "poison-1"], "release_notification": ["poison-2"]},
        queues={"oversight.events": (0, 2), "oversight.dead": (0, 1), "baton.unrouted": (0, 0)},
        consumers={"oversight.events": 2},
    )
    acts = [
        told(Kind.REGISTER, PERSON, 1),
        told(Kind.PLAN, RELEASE, 1),
        told(Kind.ACCEPT, TASK, 2),
        told(Kind.RESCHEDULE, RELEASE, 2),
        told(Kind.EXECUTE, RELEASE, 4),
        told(Kind.PLAN, GONE, 1),
        told(Kind.CANCEL, GONE, 2),
    ]
    poison = [
        Expected("poison-1", "not_json", "test.ordered.v1", ("oversight",), False),
        Expected("poison-2", "refused", "stay.admitted.v1", ("release_notification",), True),
    ]
    return Case(Told({act.key: act for act in acts}), found, poison)


def act_of(case: Case, kind: Kind) -> ActTold:
    return case.told.of(kind)[0]


def forget_event(case: Case, number: int) -> None:
    for service in case.found.services.values():
        service.said = [one for one in service.said if one.id != f"event-{number}"]
        service.heard = [one for one in service.heard if one != f"event-{number}"]
    case.found.remembered.remove(f"event-{number}")


def say(case: Case, *more: Said) -> None:
    """Said, and heard by all who should."""
    case.found.services["release_notification"].said.extend(more)
    case.found.remembered.extend(one.id for one in more)
    for name, types in SUBSCRIPTIONS.items():
        case.found.services[name].heard.extend(one.id for one in more if one.type in types)


def unhear(case: Case, service: str, number: int) -> None:
    case.found.services[service].heard.remove(f"event-{number}")


def executed_again(case: Case) -> None:
    """A second effect of the same key, in good order otherwise."""
    at = {"release_at": LATE, "executed_at": LATE, "certificate_number": f"execute {RELEASE}"}
    say(case, said(99, EVENT_OF[Kind.EXECUTE], RELEASE, 5, state="executed", **at))
    case.found.releases[0]["version"] = 5
    case.found.tasks[0]["release_version"] = 5


def a_release_of_nobody(case: Case) -> None:
    say(case, said(98, EVENT_OF[Kind.PLAN], "release-3", 1, state="planned", order_id="?", release_at=EARLY))
    case.found.releases.append({"id": "release-3", "version": 1, "state": "planned", "order_id": "?"})
    task = {"id": "task-3", "release_id": "release-3", "release_version": 1, "state": "offered"}
    case.found.tasks.append({**task, "release_at": EARLY, "released_at": None})


def a_release_made_twice(case: Case) -> None:
    key = f"plan {RELEASE}"
    say(case, said(98, EVENT_OF[Kind.PLAN], "release-3", 1, state="planned", order_id=key, release_at=EARLY))
    case.found.releases.append({"id": "release-3", "version": 1, "state": "planned", "order_id": key})
    task = {"id": "task-3", "release_id": "release-3", "release_version": 1, "state": "offered"}
    case.found.tasks.append({**task, "release_at": EARLY, "released_at": None})


def unhear_poison(case: Case) -> None:
    case.found.services["oversight"].heard.remove("poison-2")
    case.found.remembered.remove("poison-2")


def effect_of_another(case: Case) -> None:
    events = case.found.services["release_notification"].said
    place = next(place for place, one in enumerate(events) if one.type == EVENT_OF[Kind.CANCEL])
    events[place] = replace(events[place], data={**events[place].data, "reason": "somebody else's"})


def refuse(case: Case) -> None:
    act = ActTold("?", Kind.CANCEL.value, 0, "CENTRE-1", {}, refusal={"status": 409, "code": "release.wrong_state"})
    case.told.acts[act.key] = act


def a_task_of_nothing(case: Case) -> None:
    case.found.tasks.append({**case.found.tasks[0], "release_id": "?"})


def another_version(case: Case) -> None:
    act_of(case, Kind.CANCEL).answers[0] = {"id": GONE, "version": 1}


Break = Callable[[Case], Any]
BREAKS: list[tuple[str, str, Break]] = [
    ("lost", "a release without its task", lambda case: case.found.tasks.clear()),
    ("lost", "a release that is not there", lambda case: case.found.releases.pop(0)),
    ("lost", "none, and no note why", lambda case: case.found.dropped.clear()),
    ("lost", "none, by an old version", lambda case: case.found.dropped.update({GONE: 1})),
    ("unexpected", "a release of nobody", a_release_of_nobody),
    (
        "unexpected",
        "a task of nothing",
        a_task_of_nothing,
    ),
    ("unexpected", "news of nobody", lambda case: case.found.services["drug_testing"].heard.append("?")),
    ("duplicated", "two tasks", lambda case: case.found.tasks.append({**case.found.tasks[0], "id": "task-2"})),
    ("duplicated", "two releases of one key", a_release_made_twice),
    ("duplicated", "a person twice", lambda case: case.found.persons.append("faults 1")),
    (
        "duplicated",
        "an act twice",
        executed_again,
    ),
    ("duplicated", "an acceptance twice", lambda case: say(case, said(99, EVENT_OF[Kind.ACCEPT], TASK, 3))),
    ("duplicated", "heard twice", lambda case: case.found.services["oversight"].heard.append("event-1")),
    ("undelivered", "an event that did not arrive", lambda case: unhear(case, "community_handover", 5)),
    ("undelivered", "heard without effect", lambda case: case.found.remembered.remove("event-9")),
    ("undelivered", "poison that others can use", unhear_poison),
    ("undelivered", "a gap", lambda case: forget_event(case, 4)),
    ("stale", "an old version", lambda case: case.found.tasks[0].update(release_version=2)),
    ("stale", "announced after the gate", lambda case: case.found.tasks[0].update(state="announced")),
    ("stale", "withdrawn without reason", lambda case: case.found.tasks[0].update(state="withdrawn")),
    ("stale", "another day", lambda case: case.found.tasks[0].update(release_at=EARLY[:-6] + "+09:00")),
    ("stale", "not told that the person left", lambda case: case.found.tasks[0].update(released_at=None)),
    ("stale", "a person not known", lambda case: case.found.knows["release_notification"].clear()),
    ("taken_back", "an acknowledged act without effect", lambda case: forget_event(case, 5)),
    (
        "taken_back",
        "another version than was told",
        another_version,
    ),
    ("taken_back", "two answers", lambda case: act_of(case, Kind.PLAN).answers.append({"id": RELEASE, "version": 2})),
    ("taken_back", "somebody else's effect", effect_of_another),
    ("taken_back", "a release behind its events", lambda case: case.found.releases[0].update(version=3)),
    ("taken_back", "an acceptance forgotten", lambda case: case.found.tasks[0].update(state="offered")),
    ("refused", "a refusal", refuse),
    ("stuck", "the outbox", lambda case: setattr(case.found.services["oversight"], "waiting", 1)),
    ("stuck", "a queue", lambda case: case.found.queues.update({"oversight.events": (1, 2)})),
    ("stuck", "unrouted", lambda case: case.found.queues.update({"baton.unrouted": (1, 0)})),
    ("stuck", "a consumer that is gone", lambda case: case.found.queues.update({"oversight.events": (0, 1)})),
    ("stuck", "a queue that is gone", lambda case: case.found.queues.pop("oversight.events")),
    ("stuck", "an act without an answer", lambda case: act_of(case, Kind.CANCEL).answers.clear()),
    ("stuck", "acts that were never begun", lambda case: setattr(case.told, "unfinished", 3)),
    ("stuck", "a process that is not ready", lambda case: case.found.not_ready.append("oversight")),
    ("dead_letters", "poison that is not there", lambda case: case.found.dead["oversight"].clear()),
    ("dead_letters", "an innocent", lambda case: case.found.dead["release_notification"].append("event-1")),
]


def test_a_good_run_passes() -> None:
    case = a_good_case()
    broken = broken_promises(case)
    assert {name: faults for name, faults in broken.items() if faults} == {}
    numbers = figures(case, broken)
    assert (numbers["accepted"], numbers["tasks"], numbers["rightly_without_task"]) == (2, 1, 1)
    assert (numbers["dead_letters_expected"], numbers["dead_letters_found"]) == (2, 2)


@pytest.mark.parametrize(("name", "what", "break_it"), BREAKS, ids=[f"{name}: {what}" for name, what, _ in BREAKS])
def test_a_broken_promise_is_found(name: str, what: str, break_it: Break) -> None:
    case = a_good_case()
    break_it(case)
    assert list(CHECKS[name](case)) != [], what


def test_every_check_has_been_seen_to_fail() -> None:
    assert {name for name, _, _ in BREAKS} == set(CHECKS)


def test_what_was_written_down_is_read_back(tmp_path: Path) -> None:
    case = a_good_case()
    case.found.write(tmp_path / evidence.FILE)
    assert Evidence.read(tmp_path / evidence.FILE) == case.found
    notes = History(tmp_path / history.FILE)
    for act in case.told.acts.values():
        notes.note("act", key=act.key, kind=act.kind, life=0, centre=act.centre, release=None, body={})
        notes.note("attempt", key=act.key, to="somewhere")
        notes.note("answer", key=act.key, status=201, **act.answers[0])
    notes.note("trouble", key=act.key, cause="ReadTimeout")
    notes.note("end", unfinished=2)
    notes.close()
    read = Told.read(tmp_path / history.FILE)
    assert read.unfinished == 2
    assert [one.key for one in read.acts.values() if not one.acknowledged] == []
    assert {one.attempts for one in read.acts.values()} == {1}
