"""What is checked: the delivery as it is built, and with mechanisms left out."""

from dataclasses import dataclass, replace
from functools import cache

from tests.model.checker import STUCK, Verdict, check
from tests.model.delivery import Delivery
from tests.model.promises import INNOCENT, LOST, TWICE, TWO_TASKS, UNDONE, WENT_BACK
from tests.model.setup import FAULTS, KILLER, POISON, Message, Setup

EVERY_FAULT = frozenset(FAULTS)
EVERY_LOSS = EVERY_FAULT - {"unbind"}
_RELAYING = frozenset({"crash_relay", "cut_relay", "session"})
_CONSUMING = frozenset({"crash_consumer", "cut_consumer", "database", "commit"})
A1, B1, A2, B2, A3 = (Message(name[0], int(name[1])) for name in ("a1", "b1", "a2", "b2", "a3"))
CANCELLED_A2 = Message("a", 2, needs_task=False)
AGAIN = Message("a", twin=True)
POISON_A, POISON_B, KILLER_B = Message("a", kind=POISON), Message("b", kind=POISON), Message("b", kind=KILLER)


def _chain(*messages: Message, faults: str = "", times: int = 1, **sizes: int | bool) -> Setup:
    """From the act to the task."""
    return Setup(messages, faults=times if faults else 0, kinds=frozenset(faults.split()), **sizes)  # type: ignore[arg-type]


def _queue(*messages: Message, faults: str = "", times: int = 1, **sizes: int | bool) -> Setup:
    """From the queue to the task."""
    return _chain(*messages, faults=faults, times=times, published=True, **sizes)


_WORK = Setup((A1,), published=True, consumers=2, faults=2, kinds=_CONSUMING)
_KILLED = replace(_WORK, messages=(A1, KILLER_B, A2), in_front=True)
_ONE_PROCESS = _queue(A1, KILLER_B, A2, consumers=2, one_process=True, in_front=True)
_BATCHES = _queue(A1, KILLER_B, consumers=5, at_work=True, in_front=True)

# As it is built: every promise holds, in every state.
BUILT = {
    "one of each": Setup((A1, B1, A2), faults=2, kinds=EVERY_LOSS),
    "two of each": Setup((A1, A2), relays=2, consumers=2, faults=2, kinds=EVERY_FAULT),
    "two releases": Setup((A1, B1, A2, B2), faults=1, kinds=EVERY_LOSS),
    "three faults": Setup((A1, A2), faults=3, kinds=EVERY_FAULT),
    "two relays": Setup((A1, B1, A2), relays=2, faults=1, kinds=_RELAYING),
    "asked again": Setup((A1, AGAIN), faults=2, kinds=frozenset({"crash_service", "crash_relay"})),
    "two consumers": replace(_WORK, messages=(A1, B1, A2)),
    "three versions": replace(_WORK, messages=(A1, A2, A3)),
    "cancelled": replace(_WORK, messages=(A1, CANCELLED_A2, B1)),
    "cancelled and planned anew": replace(_WORK, messages=(A1, CANCELLED_A2, A3)),
    "plain effects": replace(_WORK, messages=(A1, B1), plain_effect=True),
    "poison": replace(_WORK, messages=(A1, POISON_B, A2), kinds=_CONSUMING | {"refuse", "unbind"}),
    "poison all the way": Setup((A1, POISON_B), faults=2, kinds=EVERY_FAULT),
    "killer, two processes": _KILLED,
    "killer, one consumer": replace(_KILLED, consumers=1, kinds=_CONSUMING | {"refuse"}),
    "killer, two consumers of one process": _ONE_PROCESS,
    "killer, five replicas that take batches": _BATCHES,
    "database fails often": _queue(A1, faults="cut_consumer database", times=6, in_front=True),
}


@dataclass(frozen=True)
class Removal:
    """Mechanisms that are left out, in a setup, and the violation that follows; None: another mechanism covers it."""

    without: tuple[str, ...]
    setup: Setup
    kind: str | None
    why: str = ""  # none follows


_ACT = _chain(A1, faults="crash_service")
_UNBOUND = _chain(A1, faults="unbind")
_TWO_UNBOUND = _chain(A1, faults="unbind", times=2)
_ONE_FAULT = replace(BUILT["one of each"], faults=1)
_TWO_RELAYS = _chain(A1, A2, faults="crash_relay cut_relay", relays=2)
_IN_ORDER = _chain(A1, A2, faults="refuse cut_relay crash_consumer", times=2, in_front=True)
_RELAYS_IN_ORDER = _chain(A1, A2, relays=2, in_front=True)
_TWO_CONSUMERS = replace(BUILT["two consumers"], faults=1)
_THREE_VERSIONS = replace(BUILT["three versions"], faults=1)
_RACE = _queue(A1, A2, consumers=2)
_LOST_ACK = _queue(A1, faults="crash_consumer")
_KILLER = _queue(A1, KILLER_B, A2, in_front=True)
_LIMITED = replace(_KILLER, delivery_limit=4, suspicious_after=1)

REMOVALS = (
    Removal(("outbox",), _ACT, LOST),
    Removal(("answer_after_commit",), _ACT, UNDONE),
    Removal(("idempotency_key",), BUILT["asked again"], TWO_TASKS),
    Removal(("publisher_confirm",), _chain(A1, faults="cut_relay"), LOST),
    Removal(("own_tag",), _chain(A1, B1, faults="refuse"), LOST),
    Removal(("fresh_channel",), _chain(A1, B1, A2, faults="cut_relay refuse", times=2), LOST),
    Removal(("one_relay",), _TWO_RELAYS, None, "who hears a message twice finds it in the inbox"),
    Removal(("aggregate_order",), _ONE_FAULT, None, "versions decide; a queue may reorder anyhow"),
    Removal(("one_relay", "aggregate_order"), _TWO_RELAYS, None, "inbox and versions together"),
    Removal(("version_check",), _queue(A1, A2, consumers=2, in_front=True), WENT_BACK),
    Removal(("version_check",), _IN_ORDER, None, "the only consumer hears an aggregate in order"),
    Removal(("version_check", "aggregate_order"), _IN_ORDER, WENT_BACK),
    Removal(("version_check", "one_relay"), _RELAYS_IN_ORDER, None, "what comes late was heard before: the inbox"),
    Removal(("version_check", "one_relay", "inbox"), _RELAYS_IN_ORDER, TWICE),
    Removal(("alternate_exchange",), _TWO_UNBOUND, None, "what is returned stays in the outbox"),
    Removal(("mandatory",), _UNBOUND, None, "`baton.unrouted` takes the event"),
    Removal(("mandatory", "alternate_exchange"), _UNBOUND, LOST),
    Removal(("mandatory",), _TWO_UNBOUND, LOST),
    Removal(("mandatory",), _queue(POISON_A, faults="unbind"), LOST),
    Removal(("put_back",), _UNBOUND, STUCK),
    Removal(("put_back", "alternate_exchange"), _UNBOUND, None, "the relay publishes again by itself"),
    Removal(("inbox",), BUILT["plain effects"], TWICE),
    Removal(("inbox",), _TWO_CONSUMERS, None, "the version check knows what the task follows already"),
    Removal(("inbox", "version_check"), _LOST_ACK, TWICE),
    Removal(("one_transaction",), _LOST_ACK, LOST),
    Removal(("dropped_note",), _queue(A1, CANCELLED_A2), STUCK),
    Removal(("turns",), _queue(A1, CANCELLED_A2, consumers=2), STUCK),
    Removal(("turns",), _TWO_CONSUMERS, None, "whoever writes the same task second runs again"),
    Removal(("optimistic_lock",), _THREE_VERSIONS, None, "taking turns, nobody changes what another read"),
    Removal(("optimistic_lock", "turns"), _THREE_VERSIONS, WENT_BACK),
    Removal(("business_key",), _TWO_CONSUMERS, None, "the derived id is a key, too"),
    Removal(("derived_id",), _TWO_CONSUMERS, None, "the business key is enough"),
    Removal(("business_key", "derived_id"), _RACE, None, "taking turns, the second finds the first one's task"),
    Removal(("business_key", "derived_id", "turns"), _RACE, TWO_TASKS),
    Removal(("conflict_retry",), _RACE, None, "taking turns, nobody loses a race"),
    Removal(("conflict_retry", "turns"), _RACE, INNOCENT),
    Removal(("ack_after_commit",), _LOST_ACK, LOST),
    Removal(("dead_letter_confirm",), _queue(POISON_A, faults="refuse"), LOST),
    Removal(("split",), _queue(A1, POISON_B, A2), INNOCENT),
    Removal(("one_by_one",), _KILLER, None, "what came back twice stands alone"),
    Removal(("one_by_one", "suspect_single"), _KILLER, INNOCENT),
    Removal(("suspect_single",), _BATCHES, INNOCENT),
    Removal(("suspect_alone",), _ONE_PROCESS, INNOCENT),
    Removal(("attempt_once",), BUILT["database fails often"], INNOCENT),
    Removal(("suspects",), _LIMITED, None, "the delivery limit stops the killer, later"),
    Removal(("delivery_limit",), _LIMITED, None, "attempts are counted long before"),
    Removal(("suspects", "delivery_limit"), _LIMITED, STUCK),
)


def verdict_as_built(name: str) -> Verdict:
    """The verdict on the delivery as it is built; what only a process or a wire holds counts as not kept."""
    return _verdict(BUILT[name], True)


def verdict_without(removal: Removal) -> Verdict:
    """The verdict on what is left. Where it should hold, it is looked at as strictly as what is built."""
    return _verdict(replace(removal.setup, without=frozenset(removal.without)), removal.kind is None)


@cache
def _verdict(setup: Setup, strictly: bool) -> Verdict:
    """Found once in a run of the tests."""
    return check(Delivery(setup, strictly=strictly))
