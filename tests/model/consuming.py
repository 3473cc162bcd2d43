"""The consumer: takes messages, notes the attempt at suspicious ones, applies, buries the dead, acknowledges.

The broker has what is in a consumer's hand until it is acknowledged; a consumer that is lost hands it back.
"""

from collections.abc import Iterator
from itertools import permutations

from tests.model import applying
from tests.model.applying import names
from tests.model.broker import copy_arrived, handed_back
from tests.model.checker import Step
from tests.model.setup import BATCH, KILLER, Setup
from tests.model.world import (
    CONFIRMED,
    DONE,
    IDLE,
    OPEN,
    TAKEN,
    WORKING,
    Consumer,
    Delivery,
    World,
)

Steps = Iterator[Step[World]]


def steps(setup: Setup, world: World) -> Steps:
    """What the consumers can do, and what can happen to them."""
    for place, consumer in enumerate(world.consumers):
        if place and consumer == world.consumers[place - 1]:
            continue  # it makes no difference which of two equal ones acts
        yield from _work(setup, world, place, consumer)
        if world.faults and consumer.phase != IDLE:
            yield from _faults(setup, world, place, consumer)


def _work(setup: Setup, world: World, place: int, consumer: Consumer) -> Steps:
    if consumer.phase == IDLE:
        yield from _take(setup, world, place, consumer)
    elif consumer.phase == DONE and consumer.dead:
        yield _bury(setup, world, place, consumer)
    elif consumer.phase == DONE:
        yield _acknowledge(setup, world, place, consumer)
    elif not _must_wait(setup, world, place, consumer):
        yield from _process(setup, world, place, consumer)


def _process(setup: Setup, world: World, place: int, consumer: Consumer) -> Steps:
    if consumer.phase == TAKEN:
        yield _note_attempts(setup, world, place, consumer)
    elif consumer.phase == WORKING and not consumer.parts:
        yield from _end_attempts(setup, world, place, consumer)
    elif consumer.phase == WORKING and not _meets_killer(setup, world, consumer):
        yield from applying.begun(setup, world, place, consumer)
    elif consumer.phase == OPEN and applying.first_bad(setup, consumer) != KILLER:
        yield from applying.ended(setup, world, place, consumer)
    else:
        killer = next(number for number in consumer.parts[0] if setup.messages[number].kind == KILLER)
        words = f"{names(setup, (killer,))} kills the process"
        for after in process_lost(setup, world, place):
            yield Step(words, after)


def _meets_killer(setup: Setup, world: World, consumer: Consumer) -> bool:
    """Whether the next part kills at once, where nothing can happen between its beginning and its end."""
    fresh = tuple(number for number in consumer.parts[0] if number not in world.inbox)
    return setup.consumers == 1 and applying.first_bad(setup, consumer._replace(fresh=fresh)) == KILLER


def _take(setup: Setup, world: World, place: int, consumer: Consumer) -> Steps:
    for batch in _batches(setup, world, consumer):
        left = list(world.queue)
        for delivery in batch:
            left.remove(delivery)
        held = consumer._replace(phase=TAKEN, batch=batch, cut=not setup.has("ack_after_commit"))
        taken = applying.again(setup, held)
        takes = "takes and acknowledges" if held.cut else "takes"
        words = f"a consumer {takes} {names(setup, tuple(number for number, _ in batch))}"
        yield Step(words, world.with_consumer(place, taken, queue=tuple(left)))


def _batches(setup: Setup, world: World, consumer: Consumer) -> Iterator[tuple[Delivery, ...]]:
    """What may be taken next: as much as is there, and the network decides how much that is."""
    sizes = range(1, (BATCH if consumer.wide else 1) + 1)
    if setup.in_front:
        batches = [world.queue[:size] for size in sizes if size <= len(world.queue)]
    else:
        batches = list(dict.fromkeys(batch for size in sizes for batch in permutations(world.queue, size)))
    for batch in batches:
        if len(batch) == 1 or not setup.has("suspect_single") or not _is_suspicious(setup, batch):
            yield batch


def _is_suspicious(setup: Setup, batch: tuple[Delivery, ...]) -> bool:
    return any(returns >= setup.suspicious_after for _, returns in batch)


def _must_wait(setup: Setup, world: World, place: int, consumer: Consumer) -> bool:
    """Whether another consumer of the process is at work, and one of the two is suspicious."""
    if not (setup.one_process and setup.has("suspect_alone")):
        return False
    others = (*world.consumers[:place], *world.consumers[place + 1 :])
    if consumer.phase == TAKEN and any(other.phase in (WORKING, OPEN) for other in others):
        return True
    return any(other.begun and other.phase in (WORKING, OPEN) for other in others)


def _note_attempts(setup: Setup, world: World, place: int, consumer: Consumer) -> Step[World]:
    """A transaction of its own, before the work."""
    suspects, watched = list(world.suspects), applying.watched(setup, consumer.batch)
    for number, _ in consumer.batch:  # a message that is in the batch twice is noted twice
        if number in watched and not consumer.begun:
            suspects[number] = min(suspects[number] + 1, setup.killer_after + 1)
    killers = frozenset(number for number in watched if suspects[number] > setup.killer_after)
    after = applying.working(consumer._replace(begun=True), killers)
    words = f"the attempt at {names(setup, tuple(sorted(watched)))} is noted"
    return Step(words, world.with_consumer(place, after, suspects=tuple(suspects)))


def _end_attempts(setup: Setup, world: World, place: int, consumer: Consumer) -> Steps:
    watched = applying.watched(setup, consumer.batch)
    suspects = tuple(0 if number in watched else attempts for number, attempts in enumerate(world.suspects))
    after = consumer._replace(phase=DONE, begun=False)
    words = f"the attempt at {names(setup, tuple(sorted(watched)))} has ended"
    yield Step(words, world.with_consumer(place, after, suspects=suspects))
    if world.faults and "database" in setup.kinds:
        failed = world.with_consumer(place, applying.again(setup, consumer), faults=world.faults - 1)
        yield Step("the database fails the end of the attempt", failed, is_fault=True)


def _bury(setup: Setup, world: World, place: int, consumer: Consumer) -> Step[World]:
    """The copy of a dead message is published and its confirm awaited; without it the batch is let go."""
    first, *rest = consumer.dead
    copied, what = copy_arrived(setup, world, first)
    where = "into the dead-letter queue" if first in copied.dead else "nowhere"
    words = f"the broker puts the copy of {names(setup, (first,))} {where}; it is {what}"
    if what == CONFIRMED or not setup.has("dead_letter_confirm"):
        return Step(words, copied.with_consumer(place, consumer._replace(dead=tuple(rest))))
    return Step(f"{words}; the batch is handed back", consumer_lost(setup, copied, place))


def _acknowledge(setup: Setup, world: World, place: int, consumer: Consumer) -> Step[World]:
    lost_hold = consumer.cut and setup.has("ack_after_commit")
    wide = not lost_hold and (consumer.wide or not _is_suspicious(setup, consumer.batch))
    batch = names(setup, tuple(number for number, _ in consumer.batch))
    words = f"a consumer cannot acknowledge {batch}" if lost_hold else f"a consumer acknowledges {batch}"
    return Step(words, world.with_consumer(place, Consumer(wide=wide or not setup.has("one_by_one"))))


def _faults(setup: Setup, world: World, place: int, consumer: Consumer) -> Steps:
    faults, kinds = world.faults - 1, setup.kinds
    holding = names(setup, tuple(number for number, _ in consumer.batch))
    if "crash_consumer" in kinds:
        for lost in process_lost(setup, world, place):
            yield Step(f"the consumer with {holding} ends", lost._replace(faults=faults), is_fault=True)
    if "cut_consumer" in kinds and not consumer.cut:
        back = handed_back(setup, world, consumer.batch)
        cut = back.with_consumer(place, consumer._replace(cut=True), faults=faults)
        yield Step(f"the consumer with {holding} loses its connection", cut, is_fault=True)
    if "refuse" in kinds and consumer.phase == DONE and consumer.dead:
        yield _refused(setup, world, place, consumer)


def _refused(setup: Setup, world: World, place: int, consumer: Consumer) -> Step[World]:
    first, *rest = consumer.dead
    words = f"the broker refuses the copy of {names(setup, (first,))} for the dead-letter queue"
    if setup.has("dead_letter_confirm"):
        after = consumer_lost(setup, world, place)
    else:
        after = world.with_consumer(place, consumer._replace(dead=tuple(rest)))
    return Step(words, after._replace(faults=world.faults - 1), is_fault=True)


def consumer_lost(setup: Setup, world: World, place: int) -> World:
    """A consumer is gone and back again: its transaction is rolled back, what it held is in the queue again."""
    consumer = world.consumers[place]
    back = world if consumer.cut else handed_back(setup, world, consumer.batch)
    return back.with_consumer(place, fresh_consumer(setup))


def process_lost(setup: Setup, world: World, place: int) -> list[World]:
    """A process is gone and back again, with all its consumers; which of them the broker misses first is chance."""
    if not setup.one_process:
        return [consumer_lost(setup, world, place)]
    fresh = (fresh_consumer(setup),) * len(world.consumers)
    after: dict[World, None] = {}
    for order in permutations(consumer.batch for consumer in world.consumers if not consumer.cut):
        back = world
        for batch in order:
            back = handed_back(setup, back, batch)
        after[back._replace(consumers=fresh)] = None
    return list(after)


def fresh_consumer(setup: Setup) -> Consumer:
    """As it starts."""
    return Consumer(wide=not setup.has("one_by_one"))
