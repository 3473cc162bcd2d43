"""The promises, checked: what clients were told against what is found. Pure, so that each can be seen to fail.

``python -m tests.faults.checks FOLDER`` repeats them on a run's history and evidence.
"""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from shared.messaging.subscriptions import SUBSCRIPTIONS
from shared.messaging.topology import UNROUTED
from tests.faults import messages
from tests.faults.by_amqp import ANSWERS_QUEUE
from tests.faults.case import TAG, Case
from tests.faults.evidence import Said
from tests.faults.history import ActTold
from tests.faults.lives import EVENT_OF, Kind

# Where messages may lie at the end: an answer that came once more when its client had gone.
MAY_HOLD = frozenset({ANSWERS_QUEUE})
# A task that was accepted goes on by itself when a deadline passes, also by a clock that jumped.
WITH_ITS_OFFICE = frozenset({"accepted", "not_met", "tracing"})
NOT_YET_LEFT = frozenset({"announced", "offered"}) | WITH_ITS_OFFICE
LEFT = frozenset({"offered"}) | WITH_ITS_OFFICE

Broken = Iterator[str]


def lost(case: Case) -> Broken:
    """Releases that were accepted and are not there, or have no task without a reason."""
    for release_id in case.accepted:
        if release_id not in case.releases or not case.streams.get(release_id):
            yield f"release {release_id} was accepted and is not there"
        elif not case.tasks_of.get(release_id) and not _rightly_none(case, release_id):
            yield f"release {release_id} has no task"


def _rightly_none(case: Case, release_id: str) -> bool:
    newest = case.newest_heard(release_id)
    if newest is None or newest.data.get("state") != "cancelled":
        return False
    return case.found.dropped.get(release_id) == newest.sequence


def unexpected(case: Case) -> Broken:
    """What is there and nobody asked for."""
    asked = {act.key for act in case.told.of(Kind.PLAN)}
    for release in case.releases.values():
        if str(release["order_id"]) not in asked:
            yield f"release {release['id']} was asked for by nobody"
    for release_id in case.tasks_of.keys() - case.releases.keys():
        yield f"a task names release {release_id}, which is not there"
    known = case.said.keys() | {one.id for one in case.poison if one.is_event}
    for name, service in case.found.services.items():
        for message_id in set(service.heard) - known:
            yield f"{name} has heard {message_id}, which nobody said"


def duplicated(case: Case) -> Broken:
    """More than one task for a release, more than one effect of one idempotency key."""
    for release_id, tasks in case.tasks_of.items():
        if len(tasks) > 1:
            yield f"release {release_id} has {len(tasks)} tasks"
    plans = Counter(str(release["order_id"]) for release in case.releases.values())
    yield from (f"key {key} made {number} releases" for key, number in plans.items() if number > 1)
    names = Counter(case.found.persons)
    yield from (f"{name} was registered {number} times" for name, number in names.items() if number > 1)
    for (event_type, tag), said in case.effects.items():
        if len(said) > 1:
            yield f"key {tag} had {len(said)} effects {event_type}: {', '.join(one.id for one in said)}"
    accepted = Counter(one.subject for one in case.said.values() if one.type == EVENT_OF[Kind.ACCEPT])
    yield from (f"task {task} was accepted {number} times" for task, number in accepted.items() if number > 1)
    for name in (*SUBSCRIPTIONS, "oversight's effects"):
        heard = case.found.remembered if name not in SUBSCRIPTIONS else case.found.services[name].heard
        yield from (f"{name}: {one} twice" for one, number in Counter(heard).items() if number > 1)


def undelivered(case: Case) -> Broken:
    """Events that did not reach the inbox of each who hears them, and gaps in what was said of an aggregate."""
    heard = {name: set(service.heard) for name, service in case.found.services.items()}
    for name, types in SUBSCRIPTIONS.items():
        for one in case.said.values():
            if one.type in types and one.id not in heard[name]:
                yield f"{one.type} {one.id} did not reach {name}"
    for one in case.poison:
        if one.is_event:
            missed = messages.hearers(one.key) - set(one.refused_by)
            yield from (f"{one.key} {one.id} did not reach {name}" for name in missed if one.id not in heard[name])
    for event_id in heard["oversight"] - set(case.found.remembered):
        yield f"oversight has heard {event_id} and does not remember it"
    for subject, said in case.streams.items():
        if [one.sequence for one in said] != list(range(1, len(said) + 1)):
            yield f"there is a gap in what was said of {subject}"


def stale(case: Case) -> Broken:
    """Tasks, and what services know of persons, that are not in the newest state."""
    for release_id, tasks in case.tasks_of.items():
        newest = case.newest_heard(release_id)
        if newest is not None:
            yield from (f"task {task['id']} {fault}" for task in tasks for fault in _follows(task, newest))
    for said in case.streams.values():
        if said[-1].type.startswith("person."):
            for name, versions in case.found.knows.items():
                if versions.get(said[-1].subject, 0) < said[-1].sequence:
                    yield f"{name} does not know person {said[-1].subject} as of version {said[-1].sequence}"


def _follows(task: Mapping[str, Any], newest: Said) -> Broken:
    if task["release_version"] != newest.sequence:
        yield f"follows version {task['release_version']} of its release, not {newest.sequence}"
    state, release = task["state"], newest.data
    if release["state"] == "cancelled":
        if state != "withdrawn":
            yield f"is {state} though its release is cancelled"
        return
    allowed = LEFT if release["state"] == "executed" else NOT_YET_LEFT
    if state not in allowed:
        yield f"is {state} though its release is {release['state']}"
    for name, wanted in (("release_at", "release_at"), ("released_at", "executed_at")):
        if _moment(task[name]) != _moment(release.get(wanted)):
            yield f"says {name} {task[name]}, its release {release.get(wanted)}"


def taken_back(case: Case) -> Broken:
    """Acts that clients were told are done, and that are not, or not as they were told."""
    for act in case.told.acts.values():
        if not act.acknowledged:
            continue
        answers = {(str(answer["id"]), answer["version"]) for answer in act.answers}
        if len(answers) > 1:
            yield f"act {act.key} was answered in different ways: {sorted(answers)}"
        subject, version = min(answers)
        said = case.streams.get(subject, [])
        effect = next((one for one in said if one.sequence == version), None)
        if effect is None or effect.type != EVENT_OF[Kind(act.kind)] or _of_another(effect, act):
            yield f"act {act.key} ({act.kind}) was acknowledged as version {version} of {subject}, which is not so"
    yield from _releases_behind(case)
    yield from _acceptances_forgotten(case)


def _of_another(effect: Said, act: ActTold) -> bool:
    return effect.type in TAG and effect.data.get(TAG[effect.type]) != act.key


def _releases_behind(case: Case) -> Broken:
    for release in case.releases.values():
        newest = case.streams[str(release["id"])][-1]
        if release["version"] != newest.sequence or release["state"] != newest.data["state"]:
            yield f"release {release['id']} is in version {release['version']}, its newest event in {newest.sequence}"


def _acceptances_forgotten(case: Case) -> Broken:
    tasks = {str(task["id"]): task for task in case.found.tasks}
    for act in case.told.of(Kind.ACCEPT):
        task = tasks.get(str(act.answers[0]["id"])) if act.acknowledged else None
        if act.acknowledged and (task is None or task["state"] not in WITH_ITS_OFFICE | {"withdrawn"}):
            yield f"act {act.key} was an acceptance, and task {act.answers[0]['id']} is {task and task['state']}"


def refused(case: Case) -> Broken:
    """Acts that were refused though they were right, and refused acts that have an effect all the same."""
    for act in case.told.acts.values():
        if act.refusal is not None:
            yield f"act {act.key} ({act.kind}) was refused: {act.refusal['status']} {act.refusal['code']}"


def stuck(case: Case) -> Broken:
    """What waits though nothing hinders it any more: messages, acts without an answer, processes."""
    for name, service in case.found.services.items():
        if service.waiting:
            yield f"{service.waiting} messages wait in the outbox of {name}"
    for queue, (messages_there, consumers) in case.found.queues.items():
        if messages_there and queue not in MAY_HOLD:
            yield f"{messages_there} messages wait in {queue}"
        if consumers != case.found.consumers.get(queue, consumers):
            yield f"{queue} has {consumers} consumers, not {case.found.consumers[queue]}"
    for queue in {UNROUTED, *case.found.consumers} - case.found.queues.keys():
        yield f"there is no queue {queue}"
    yield from (f"act {act.key} ({act.kind}) has no answer" for act in case.told.acts.values() if act.open)
    if case.told.unfinished:
        yield f"{case.told.unfinished} acts were not begun or not answered"
    yield from (f"{name} is not ready" for name in case.found.not_ready)


def dead_letters(case: Case) -> Broken:
    """Dead letters that are missing, and innocents among them."""
    wanted, there = expected_dead(case), found_dead(case)
    yield from (f"{one} is not among the dead letters of {name}" for name, one in sorted(wanted - there))
    yield from (f"{one} is among the dead letters of {name} and was no poison" for name, one in sorted(there - wanted))


def expected_dead(case: Case) -> set[tuple[str, str]]:
    """Each poison message once for each service that must refuse it."""
    return {(name, one.id) for one in case.poison for name in one.refused_by}


def found_dead(case: Case) -> set[tuple[str, str]]:
    """Service and message id of all dead letters. A copy more of one is no fault: they come at least once."""
    return {(name, one) for name, ids in case.found.dead.items() for one in ids}


CHECKS: Mapping[str, Callable[[Case], Broken]] = {
    "lost": lost,
    "unexpected": unexpected,
    "duplicated": duplicated,
    "undelivered": undelivered,
    "stale": stale,
    "taken_back": taken_back,
    "refused": refused,
    "stuck": stuck,
    "dead_letters": dead_letters,
}


def broken_promises(case: Case) -> dict[str, list[str]]:
    """Of each check, what is wrong; all empty when every promise was kept."""
    return {name: list(check(case)) for name, check in CHECKS.items()}


def figures(case: Case, broken: Mapping[str, list[str]]) -> dict[str, int]:
    """The numbers of a run."""
    acts = list(case.told.acts.values())
    return {
        "accepted": len(case.accepted),
        "tasks": sum(len(tasks) for tasks in case.tasks_of.values()),
        **{name: len(broken[name]) for name in CHECKS if name != "dead_letters"},
        "dead_letters_expected": len(expected_dead(case)),
        "dead_letters_found": len(found_dead(case)),
        "acts": len(acts),
        "attempts": sum(act.attempts for act in acts),
        "events": len(case.said),
        "rightly_without_task": sum(not case.tasks_of.get(release_id) for release_id in case.accepted),
    }


def _moment(text: Any) -> datetime | None:
    return None if text is None else datetime.fromisoformat(str(text))


def main(arguments: list[str]) -> int:
    """The command line."""
    case = Case.read(Path(arguments[0]))
    broken = broken_promises(case)
    for name, faults in broken.items():
        for fault in faults[:20]:
            print(f"✗ {name}: {fault}")
    print(json.dumps(figures(case, broken)))
    return int(any(broken.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
