"""What a transaction of the consumer does to the tasks: decided from what it read, written unless a rival was faster.

A release's version that needs a task opens it or is followed by it; one that needs none (a cancelled release) is noted
as dropped and withdraws the task if there is one. Both look at the newest version known, of the task or the note.
"""

from typing import NamedTuple

from tests.model.setup import Setup
from tests.model.world import Consumer, World


class Effect(NamedTuple):
    """What will be written: for each aggregate the task's version, and the dropped version; who said an event."""

    tasks: dict[int, int]
    dropped: dict[int, int]
    said: tuple[int, ...]


def read(setup: Setup, world: World, fresh: tuple[int, ...]) -> tuple[tuple[tuple[int, ...], ...], tuple[int, ...]]:
    """The tasks, and the notes of dropped releases, that a transaction with these messages reads."""
    touched = aggregates(setup, fresh)
    tasks = tuple(versions if place in touched else () for place, versions in enumerate(world.tasks))
    dropped = tuple(version if place in touched else 0 for place, version in enumerate(world.dropped))
    return tasks, dropped


def aggregates(setup: Setup, numbers: tuple[int, ...]) -> set[int]:
    """The aggregates that messages tell of."""
    return {setup.aggregate_of[number] for number in numbers}


def decided(setup: Setup, consumer: Consumer) -> Effect:
    """The reactions to each fresh message, one after the other."""
    if setup.plain_effect:
        return Effect({}, {}, consumer.fresh)
    tasks: dict[int, int] = {}
    dropped: dict[int, int] = {}
    said = []
    for number in consumer.fresh:
        place, message = setup.aggregate_of[number], setup.messages[number]
        task = tasks.get(place, _newest(consumer.read[place]))
        known = max(task, dropped.get(place, consumer.read_dropped[place]))
        if setup.has("version_check") and message.version <= known:
            continue
        if not message.needs_task and setup.has("dropped_note"):
            dropped[place] = message.version
        if message.needs_task or task:
            tasks[place] = message.version
            said.append(number)
    return Effect(tasks, dropped, tuple(said))


def conflicts(setup: Setup, world: World, consumer: Consumer) -> bool:
    """Whether a rival has written a task that this transaction is about to write."""
    for place in decided(setup, consumer).tasks:
        before, now = consumer.read[place], world.tasks[place]
        created_meanwhile = not before and now and (setup.has("business_key") or setup.has("derived_id"))
        changed_meanwhile = before and before != now and setup.has("optimistic_lock")
        if created_meanwhile or changed_meanwhile:
            return True
    return False


def committed(setup: Setup, world: World, consumer: Consumer) -> World:
    """The effect, with the inbox rows, in the world."""
    effect = decided(setup, consumer)
    tasks, dropped, said = list(world.tasks), list(world.dropped), list(world.said)
    for place, version in effect.tasks.items():
        others = tasks[place][:-1] if consumer.read[place] else tasks[place]  # what a rival created stays beside ours
        tasks[place] = (*others, version)
    for place, version in effect.dropped.items():
        dropped[place] = max(dropped[place], version)
    for number in effect.said:
        said[number] = min(said[number] + 1, 2)
    inbox = world.inbox.union(consumer.parts[0]) if setup.has("inbox") else world.inbox
    return world._replace(
        tasks=tuple(tasks),
        dropped=tuple(dropped),
        said=tuple(said),
        inbox=inbox,
        dealt=world.dealt.union(consumer.fresh),
    )


def _newest(tasks: tuple[int, ...]) -> int:
    return tasks[-1] if tasks else 0
