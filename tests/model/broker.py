"""The broker: where a message goes, and what happens to what a lost consumer had in hand.

It keeps what it has confirmed. What comes back from a lost consumer is counted, and given up after too often.
"""

from collections.abc import Iterator

from tests.model.checker import Step
from tests.model.setup import DEAD, UNROUTED, WORK, Setup
from tests.model.world import CONFIRMED, RETURNED, Delivery, World

BINDINGS = frozenset({WORK, DEAD, UNROUTED})


def steps(setup: Setup, world: World) -> Iterator[Step[World]]:
    """What happens in the broker by itself, or by hand."""
    yield from _adrift(setup, world)
    if world.bound != BINDINGS:
        yield Step("a service starts and declares the bindings", world._replace(bound=BINDINGS))
    if WORK in world.bound and setup.has("put_back"):
        for message in sorted(world.unrouted):
            kept = world._replace(unrouted=world.unrouted - {message})
            yield Step(f"an operator puts {setup.messages[message].name} into its queue", _queued(setup, kept, message))
    if world.faults and "unbind" in setup.kinds:
        for binding in sorted(world.bound):
            away = world._replace(bound=world.bound - {binding}, faults=world.faults - 1)
            yield Step(f"the binding {binding} is missing", away, is_fault=True)


def _adrift(setup: Setup, world: World) -> Iterator[Step[World]]:
    """What was sent over a connection that is gone: the broker reads some of it, in order, and never the rest."""
    for sent in dict.fromkeys(world.adrift):
        first, *rest = sent
        others = list(world.adrift)
        others.remove(sent)
        lost = world._replace(adrift=tuple(others))
        left = lost._replace(adrift=tuple(sorted((*others, tuple(rest))))) if rest else lost
        names = [setup.messages[number].name for number in sent]
        yield Step(f"{' and '.join(names)}, sent before the connection was lost, is lost with it", lost)
        yield Step(f"{names[0]}, sent before the connection was lost, arrives", arrived(setup, left, first)[0])


def arrived(setup: Setup, world: World, message: int) -> tuple[World, str]:
    """The broker takes an event; what it says about it."""
    if WORK in world.bound:
        return _queued(setup, world, message), CONFIRMED
    if UNROUTED in world.bound and setup.has("alternate_exchange"):
        return world._replace(unrouted=world.unrouted | {message}), CONFIRMED
    return world, RETURNED if setup.has("mandatory") else CONFIRMED


def place_of_event(setup: Setup, world: World) -> str:
    """Where the broker puts an event, in words."""
    if WORK in world.bound:
        return "into its queue"
    return "into baton.unrouted" if UNROUTED in world.bound and setup.has("alternate_exchange") else "nowhere"


def copy_arrived(setup: Setup, world: World, message: int) -> tuple[World, str]:
    """The broker takes the copy of a dead message; what it says about it. That exchange has no alternate."""
    if DEAD in world.bound:
        return world._replace(dead=world.dead | {message}), CONFIRMED
    return world, RETURNED if setup.has("mandatory") else CONFIRMED


def handed_back(setup: Setup, world: World, batch: tuple[Delivery, ...]) -> World:
    """A consumer is lost: what it had in hand is in the queue again, or given up after too often."""
    most = setup.suspicious_after if setup.delivery_limit is None else setup.delivery_limit + 1
    back = [(message, min(returns + 1, most)) for message, returns in batch]
    limit = setup.delivery_limit if setup.has("delivery_limit") else None
    given_up = {message for message, returns in back if limit is not None and returns > limit and DEAD in world.bound}
    back = [delivery for delivery in back if delivery[0] not in given_up]
    if not setup.in_front:
        queue = tuple(sorted((*world.queue, *back)))
    else:  # behind what came back earlier, before what was never given out
        earlier = sum(returns > 0 for _, returns in world.queue)
        queue = (*world.queue[:earlier], *back, *world.queue[earlier:])
    return world._replace(queue=queue, dead=world.dead | given_up)


def _queued(setup: Setup, world: World, message: int) -> World:
    queue = (*world.queue, (message, 0))
    return world._replace(queue=queue if setup.in_front else tuple(sorted(queue)))
