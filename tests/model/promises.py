"""What the delivery promises, for every state and every step, and when everything is settled."""

from tests.model.setup import GOOD, Setup
from tests.model.world import IDLE, World

TWO_TASKS = "two tasks for one release"
UNDONE = "an answered act is not stored"
LOST = "a message is lost before its effect"
UNKEPT = "a message is neither in the outbox, nor at the broker, nor in the inbox"
INNOCENT = "an innocent message is dead"
TWICE = "an effect happened twice"
WENT_BACK = "a task went back to an older version"


def broken_in(setup: Setup, world: World, *, strictly: bool) -> str | None:
    """The promise that a state breaks; ``strictly``, what is on its way or in memory only counts as not kept."""
    if not world.told <= world.stored:
        return UNDONE
    if any(setup.messages[number].kind == GOOD for number in world.dead):
        return INNOCENT
    if 2 in world.said:
        return TWICE
    if _has_two_tasks(setup, world):
        return TWO_TASKS
    missing = world.stored.difference(world.outbox) - world.dealt - world.unrouted - world.dead
    if missing and missing - _at_the_broker(world):
        if strictly:
            return UNKEPT
        if missing - _at_the_broker(world) - _on_its_way(world):
            return LOST
    return None


def broken_by(before: World, after: World) -> str | None:
    """The promise that a step breaks."""
    if before.tasks == after.tasks:
        return None
    pairs = zip(before.tasks, after.tasks, strict=True)
    return WENT_BACK if any(len(old) == len(new) and old > new for old, new in pairs) else None


def is_settled(setup: Setup, world: World) -> bool:
    """Nothing under way; every act answered; each release with the one task it needs, at its newest good version; all
    that is bad, and only that, dead.
    """
    under_way = world.outbox or world.queue or world.adrift or world.unrouted
    busy = any(relay.window or relay.late for relay in world.relays) or any(c.phase != IDLE for c in world.consumers)
    return not (under_way or busy) and _everything_came_about(setup, world)


def _everything_came_about(setup: Setup, world: World) -> bool:
    asked = {number for number, message in enumerate(setup.messages) if not message.twin}
    bad = {number for number in world.stored if setup.messages[number].kind != GOOD}
    if not world.told >= asked or world.dead != bad:
        return False
    if setup.plain_effect:
        return all(world.said[number] == 1 for number in world.stored - bad)
    for place, chain in enumerate(setup.aggregates):
        good = [number for number in chain if number in world.stored - bad]
        if not _follows(setup, world, place, good):
            return False
    return True


def _follows(setup: Setup, world: World, place: int, good: list[int]) -> bool:
    """Whether a release has the one task it needs, at its newest version; or rightly none."""
    tasks = world.tasks[place]
    if not good:
        return tasks == ()
    newest = setup.messages[good[-1]]
    withdrawn_or_none = not newest.needs_task and tasks == () and world.dropped[place] == newest.version
    return tasks == (newest.version,) or withdrawn_or_none


def _has_two_tasks(setup: Setup, world: World) -> bool:
    if not any(world.tasks):
        return False
    releases: dict[str, int] = {}
    for chain, tasks in zip(setup.aggregates, world.tasks, strict=True):
        release = setup.messages[chain[0]].release
        releases[release] = releases.get(release, 0) + len(tasks)
    return max(releases.values()) > 1


def _at_the_broker(world: World) -> set[int]:
    held = {number for consumer in world.consumers if not consumer.cut for number, _ in consumer.batch}
    return held | {number for number, _ in world.queue}


def _on_its_way(world: World) -> set[int]:
    wires = {number for relay in world.relays for number, _ in (*relay.window, *relay.late)}
    hands = {number for consumer in world.consumers for number, _ in consumer.batch}
    return wires | hands | {number for sent in world.adrift for number in sent}
