"""Commands by message, for systems that speak AMQP instead of HTTP: same validation, same idempotency, an answer.

A command is a message to the exchange ``baton.intake.releases``: routing key = the command, ``message_id`` = the
idempotency key, header ``centre`` = who sends it. The answer, accepted or rejected with the reason as a problem
document, goes to ``baton.intake.replies`` with routing key = ``reply_to`` if given, else the centre's code. It
leaves through the outbox, so an accepted command is always answered.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL

import orjson
import structlog
from sqlalchemy import select

from shared.kernel.errors import BatonError, Conflict, InvalidInput
from shared.kernel.ids import derived_id
from shared.messaging.delivery import DeadLetter, Delivery
from shared.messaging.processor import Unavailable
from shared.messaging.suspects import Suspects
from shared.messaging.topology import REPLIES
from shared.observability.metrics import Metrics
from shared.storage.bulk import insert_rows
from shared.storage.chassis import IDEMPOTENCY
from shared.storage.engine import Storage
from shared.storage.errors import is_conflict, is_unavailable
from shared.storage.work import Actor, UnitOfWork
from shared.web.access import Access, not_in_role
from shared.web.operation import REFUSED_COMMANDS
from shared.web.principal import Role
from shared.web.problems import problem_of

ANSWER_CONTENT_TYPE = "application/json"
CONFLICT_RETRIES = 3

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class IntakeMessage:
    """A command as it came."""

    command: str
    body: bytes
    content_type: str | None
    message_id: str
    centre: str


Handler = Callable[[IntakeMessage, Any], Mapping[str, Any]]
SENDER = Role.CENTRE_CLERK  # the broker lets centres' systems in, and nobody else


@dataclass(frozen=True)
class Intake:
    """A service's door for commands by message. ``handle`` gives the receipt or raises a BatonError.

    ``commands`` says of each command what it needs; one that is not there is not carried out.
    """

    handle: Handler
    commands: Mapping[str, Access]

    def require(self, command: str) -> None:
        """Check that there is such a command, and that a centre's system may give it.

        Raises: InvalidInput ``intake.unknown_command``; Forbidden ``authority.role``.
        """
        if command not in self.commands:
            raise InvalidInput("intake.unknown_command", f"commands are {', '.join(self.commands)}")
        if not self.commands[command].permits(SENDER):
            raise not_in_role(self.commands[command], SENDER)


class IntakeProcessor:
    """Gives each command its effect and its answer in one transaction; a rejection changes nothing else."""

    def __init__(
        self, storage: Storage[Any], intake: Intake, metrics: Metrics, suspects: Suspects | None = None
    ) -> None:
        self._storage = storage
        self._intake = intake
        self._metrics = metrics
        self._suspects = suspects or Suspects(storage)

    def process(self, deliveries: Sequence[Delivery]) -> list[DeadLetter]:
        """See `Processor.process`; commands are taken one by one."""
        dead = (self._one(delivery) for delivery in deliveries)
        return [letter for letter in dead if letter is not None]

    def _one(self, delivery: Delivery) -> DeadLetter | None:
        address = _address(delivery)
        if address is None:
            return DeadLetter(delivery, "no_sender", "neither header centre nor reply_to says who is to be answered")
        try:
            with self._suspects.watched([delivery]) as (harmless, dead):
                if harmless:
                    self._accept_or_reject(delivery, address)
        except Exception as error:
            if is_unavailable(error):
                raise Unavailable(type(error).__name__) from error
            log.exception("intake.failed", command=delivery.routing_key)
            return DeadLetter(delivery, "command_failed", type(error).__name__)
        return dead[0] if dead else None

    def _accept_or_reject(self, delivery: Delivery, address: str) -> None:
        for attempt in range(1 + CONFLICT_RETRIES):
            try:
                self._accept(delivery, address)
            except BatonError as refusal:
                if not is_conflict(refusal) or attempt == CONFLICT_RETRIES:
                    self._reject(delivery, address, refusal)
                    return
            except Exception as error:
                if not is_conflict(error) or attempt == CONFLICT_RETRIES:
                    raise
            else:
                return

    def _accept(self, delivery: Delivery, address: str) -> None:
        message = _message(delivery)
        actor = _actor(delivery, message.centre)
        with self._storage.work(actor, request_id=message.message_id) as work:
            earlier = _earlier_answer(work, message, delivery)
            answer = earlier or self._first_answer(work, message, delivery)
            _send(work, message.message_id, address, answer)
        self._metrics.intake_commands.labels(message.command, "repeated" if earlier else "accepted").inc()

    def _first_answer(self, work: UnitOfWork, message: IntakeMessage, delivery: Delivery) -> bytes:
        self._intake.require(message.command)
        receipt = self._intake.handle(message, work)
        answer = _answer(delivery, accepted=True, receipt=dict(receipt))
        insert_rows(
            work.connection,
            IDEMPOTENCY,
            [
                {
                    "scope": f"amqp {message.centre}",
                    "key": message.message_id,
                    "fingerprint": _fingerprint(delivery),
                    "status": 200,
                    "headers": {},
                    "body": answer,
                    "created_at": work.now,
                }
            ],
        )
        return answer

    def _reject(self, delivery: Delivery, address: str, refusal: BatonError) -> None:
        centre = delivery.headers.get("centre")
        actor = _actor(delivery, str(centre)) if centre else None
        with self._storage.work(actor, request_id=delivery.message_id) as work:
            answer = _answer(delivery, accepted=False, problem=problem_of(refusal))
            _send(work, delivery.message_id or "", address, answer)
            if actor is not None and refusal.status in REFUSED_COMMANDS:
                work.note_refusal(_known(delivery.routing_key), None, refusal.code)
        self._metrics.intake_commands.labels(_known(delivery.routing_key), "rejected").inc()


def _actor(delivery: Delivery, centre: str) -> Actor:
    """Who sent a command; the broker vouches for the user only."""
    return Actor(f"amqp:{delivery.user_id or centre}", SENDER.value, centre, "amqp")


def _address(delivery: Delivery) -> str | None:
    address = delivery.reply_to or delivery.headers.get("centre")
    return str(address) if address else None


def _message(delivery: Delivery) -> IntakeMessage:
    centre = delivery.headers.get("centre")
    if not isinstance(centre, str) or not centre:
        raise InvalidInput("intake.centre_missing", "the header centre must say which centre sends the command")
    if not delivery.message_id:
        raise InvalidInput("idempotency.key_missing", "the property message_id must hold the idempotency key")
    return IntakeMessage(
        command=delivery.routing_key,
        body=delivery.body,
        content_type=delivery.content_type,
        message_id=delivery.message_id,
        centre=centre,
    )


def _earlier_answer(work: UnitOfWork, message: IntakeMessage, delivery: Delivery) -> bytes | None:
    row = work.connection.execute(
        select(IDEMPOTENCY.c.fingerprint, IDEMPOTENCY.c.body).where(
            IDEMPOTENCY.c.scope == f"amqp {message.centre}", IDEMPOTENCY.c.key == message.message_id
        )
    ).first()
    if row is None:
        return None
    if row.fingerprint != _fingerprint(delivery):
        raise Conflict("idempotency.key_reused", "this message_id was used for another command")
    return bytes(row.body)


def _fingerprint(delivery: Delivery) -> str:
    return hashlib.sha256(delivery.routing_key.encode() + b"\0" + delivery.body).hexdigest()


def _answer(delivery: Delivery, *, accepted: bool, **content: Any) -> bytes:
    return orjson.dumps(
        {"in_reply_to": delivery.message_id, "command": delivery.routing_key, "accepted": accepted, **content},
        default=str,
    )


def _send(work: UnitOfWork, message_id: str, address: str, answer: bytes) -> None:
    work.post(
        exchange=REPLIES,
        routing_key=address,
        content_type=ANSWER_CONTENT_TYPE,
        body=answer.decode(),
        subject=derived_id(NAMESPACE_URL, "intake", address, message_id),
    )


def _known(command: str) -> str:
    return command if command.startswith("release.") and len(command) < 30 else "unknown"
