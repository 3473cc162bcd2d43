"""The consumer's transaction: inbox rows, turns, the effect and its own events, all or nothing.

Where only one consumer works, reading and committing are one step: nothing could happen in between that a crash
before it does not show as well.
"""

from collections.abc import Iterator

from tests.model import reacting
from tests.model.checker import Step
from tests.model.setup import GOOD, KILLER, POISON, Setup
from tests.model.world import DONE, OPEN, TAKEN, WORKING, Consumer, Delivery, World

Steps = Iterator[Step[World]]


def begun(setup: Setup, world: World, place: int, consumer: Consumer) -> Steps:
    """The transaction of the next part begins: inbox rows are entered and the tasks are read."""
    part = consumer.parts[0]
    rivals = [other for other in world.consumers if other.phase == OPEN]
    if setup.has("inbox"):
        if any(set(part) & set(rival.parts[0]) for rival in rivals):
            return  # the database makes us wait at the rival's inbox row
        fresh = tuple(number for number in dict.fromkeys(part) if number not in world.inbox)
    else:
        fresh = tuple(dict.fromkeys(part))
    if setup.has("turns") and any(
        reacting.aggregates(setup, fresh) & reacting.aggregates(setup, r.fresh) for r in rivals
    ):
        return  # the database makes us wait for our turn
    tasks, dropped = reacting.read(setup, world, fresh)
    opened = consumer._replace(phase=OPEN, fresh=fresh, read=tasks, read_dropped=dropped)
    if not setup.has("one_transaction"):
        inbox = world.inbox | set(part)
        after = world.with_consumer(place, opened, inbox=inbox)
        yield Step(f"a consumer commits the inbox rows of {names(setup, part)}", after)
    elif setup.consumers == 1:
        yield from ended(setup, world, place, opened)
    else:
        yield Step(f"a consumer begins {names(setup, part)}", world.with_consumer(place, opened))


def ended(setup: Setup, world: World, place: int, consumer: Consumer) -> Steps:
    """The open transaction ends, one way or another; not when it kills the process, which is told elsewhere."""
    part, bad = consumer.parts[0], first_bad(setup, consumer)
    if bad == POISON:
        after = world.with_consumer(place, _failed(setup, consumer))
        yield Step(f"the transaction of {names(setup, part)} fails and is rolled back", after)
        return
    if bad == KILLER:
        return
    if reacting.conflicts(setup, world, consumer):
        exhausted = not setup.has("conflict_retry") or consumer.tries == setup.conflict_retries
        again = consumer._replace(phase=WORKING, fresh=(), read=(), read_dropped=(), tries=consumer.tries + 1)
        after = world.with_consumer(place, _failed(setup, consumer) if exhausted else again)
        yield Step(f"the transaction of {names(setup, part)} loses a race and is rolled back", after)
        return
    committed = reacting.committed(setup, world, consumer)
    words = f"a consumer commits {names(setup, part)}"
    yield Step(words, committed.with_consumer(place, _next_part(setup, consumer)))
    if world.faults:
        yield from _faults(setup, world, committed, place, consumer)


def first_bad(setup: Setup, consumer: Consumer) -> str | None:
    """The kind of the first message that the transaction cannot get past."""
    kinds = (setup.messages[number].kind for number in consumer.fresh)
    return next((kind for kind in kinds if kind != GOOD), None)


def names(setup: Setup, numbers: tuple[int, ...]) -> str:
    """In words."""
    return " and ".join(setup.messages[number].name for number in numbers)


def _failed(setup: Setup, consumer: Consumer) -> Consumer:
    """Rolled back; halves are tried, and what fails alone is dead."""
    part, rest = consumer.parts[0], consumer.parts[1:]
    if len(part) == 1 or not setup.has("split"):
        return _next_part(setup, consumer._replace(dead=(*consumer.dead, *part)))
    middle = len(part) // 2
    halves = (part[:middle], part[middle:])
    return consumer._replace(phase=WORKING, parts=(*halves, *rest), fresh=(), read=(), read_dropped=(), tries=0)


def _next_part(setup: Setup, consumer: Consumer) -> Consumer:
    rest = consumer.parts[1:]
    phase = WORKING if rest or consumer.begun else DONE
    return consumer._replace(phase=phase, parts=rest, fresh=(), read=(), read_dropped=(), tries=0)


def _faults(setup: Setup, world: World, committed: World, place: int, consumer: Consumer) -> Steps:
    """The database fails: the whole batch is given to the processor again."""
    if "database" in setup.kinds:
        after = world.with_consumer(place, again(setup, consumer), faults=world.faults - 1)
        yield Step(f"the database fails the transaction of {names(setup, consumer.parts[0])}", after, is_fault=True)
    if "commit" in setup.kinds:
        after = committed.with_consumer(place, again(setup, consumer), faults=world.faults - 1)
        yield Step(f"the commit of {names(setup, consumer.parts[0])} seems to have failed", after, is_fault=True)


def again(setup: Setup, consumer: Consumer) -> Consumer:
    """The batch as when it was taken."""
    begun = consumer.begun and setup.has("attempt_once")
    taken = Consumer(TAKEN, consumer.wide, consumer.cut, begun, consumer.batch)
    return taken if watched(setup, taken.batch) else working(taken, frozenset())


def watched(setup: Setup, batch: tuple[Delivery, ...]) -> frozenset[int]:
    """The messages of a batch at which each attempt is noted."""
    if not setup.has("suspects"):
        return frozenset()
    return frozenset(number for number, returns in batch if returns >= setup.suspicious_after)


def working(consumer: Consumer, killers: frozenset[int]) -> Consumer:
    """The work on a batch begins; killers are not worked on."""
    harmless = tuple(number for number, _ in consumer.batch if number not in killers)
    parts = (harmless,) if harmless else ()
    return consumer._replace(phase=WORKING, parts=parts, dead=tuple(sorted(killers)))
