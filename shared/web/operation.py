"""What surrounds every operation of an API: who asks, one transaction, at most one effect for each request.

``@operation(Role.X, within=Jurisdiction.Y, creates=True)`` stands outermost on a view. It authenticates and authorises
(`shared.web.access`), opens the unit of work, answers a repeated request from memory, commits when the answer is a
success and rolls back otherwise. One that loses a race for a row runs again on the new state, so that it can say who
was faster. What is refused to somebody known is written down, in a transaction of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Protocol
from uuid import UUID

import structlog
from flask import Response, current_app, g, make_response, request
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from shared.kernel.errors import Conflict
from shared.storage.errors import is_conflict
from shared.storage.work import Actor, UnitOfWork
from shared.web import idempotency
from shared.web.access import Access, Jurisdiction, Outside, access, declare, not_in_role
from shared.web.body import read_body, refuse_unstorable_path
from shared.web.idempotency import Claim
from shared.web.principal import Principal, Role
from shared.web.refusals import Unauthenticated
from shared.web.tokens import InvalidToken, TokenVerifier

RACE_RETRIES = 2
_READING = ("GET", "HEAD")
_REFUSED_LOOKS = (403, 404)
REFUSED_COMMANDS = (403, 404, 409)  # what cannot be read or cannot be right was no command yet

log = structlog.get_logger(__name__)


class OpenWork(Protocol):
    """Opens a unit of work, e.g. `shared.storage.Storage.work`."""

    def __call__(
        self,
        actor: Actor | None = None,
        *,
        request_id: str | None = None,
        traceparent: str | None = None,
        read_only: bool = False,
    ) -> UnitOfWork: ...


@dataclass(frozen=True, slots=True)
class Declaration:
    """What an operation says of itself. ``guard`` is the function that keeps it."""

    access: Access
    creates: bool
    looks: bool
    guard: Callable[..., Response]

    @property
    def roles(self) -> frozenset[Role]:
        """Who may do it."""
        return self.access.roles


@dataclass(frozen=True, slots=True)
class Gate:
    """What an application needs to let operations through."""

    open_work: OpenWork
    verifier: TokenVerifier


def operation(
    *roles: Role,
    within: Jurisdiction,
    outside: Outside | None = None,
    creates: bool = False,
    looks: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Response]]:
    """Declare who may do this within which jurisdiction, and whether it creates something (then ``Idempotency-Key`` is
    required). What lies outside is not found, unless ``outside`` says otherwise.

    A GET only reads, and everything else writes. What ``looks`` at somebody's identity, with whatever method, writes
    that down and nothing else, so its answer is never kept.

    Raises: TypeError where roles are missing, or what is answered outside does not fit the jurisdiction.
    """
    needed = access(*roles, within=within, outside=outside)

    def decorate(view: Callable[..., Any]) -> Callable[..., Response]:
        @wraps(view)
        def guard(*args: Any, **kwargs: Any) -> Response:
            return _run(declaration, lambda: make_response(view(*args, **kwargs)))

        declaration = Declaration(needed, creates, looks, guard)
        guard.__baton_operation__ = declaration  # type: ignore[attr-defined]
        guard.__baton_guard__ = guard  # type: ignore[attr-defined]
        return declare(needed)(guard)

    return decorate


def declaration_of(view: Any) -> Declaration | None:
    """What a view declared, if it did so outermost."""
    declared = getattr(view, "__baton_operation__", None)
    return declared if isinstance(declared, Declaration) and declared.guard is view else None


def current_principal() -> Principal:
    """Who asks."""
    principal: Principal = g.principal
    return principal


def current_work() -> Any:
    """The request's unit of work (of the service's own kind)."""
    return g.work


def _run(declaration: Declaration, view: Callable[[], Response]) -> Response:
    gate: Gate = current_app.extensions["baton_gate"]
    principal = g.principal = _authenticate(gate.verifier)
    _authorise(declaration, principal)
    refuse_unstorable_path(request.view_args or {})
    body = read_body(request)  # before the transaction begins, so that a slow client holds none open
    writes = declaration.looks or request.method not in _READING
    has_claim = writes and not declaration.looks
    claim = idempotency.claim_of(request, body, principal, required=declaration.creates) if has_claim else None
    return _until_no_race(lambda: _in_one_transaction(gate, view, claim, writes=writes))


def note_refusal(response: Response) -> Response:
    """Write down what was refused to somebody known: any command, and a look where one may not look."""
    of_interest = _REFUSED_LOOKS if request.method in _READING else REFUSED_COMMANDS
    if response.status_code not in of_interest or "principal" not in g:
        return response
    gate: Gate = current_app.extensions["baton_gate"]
    route = request.url_rule.rule if request.url_rule else "unmatched"
    try:
        with gate.open_work(_actor(), request_id=g.request_id) as work:
            work.note_refusal(f"{request.method} {route}", _subject(), g.get("refused", f"http.{response.status_code}"))
    except SQLAlchemyError as trouble:
        log.warning("audit.refusal_not_written", route=route, cause=type(trouble).__name__)
    return response


def _actor() -> Actor:
    principal = current_principal()
    return Actor(principal.subject, principal.role.value, principal.organisation, request.remote_addr)


def _subject() -> UUID | None:
    """What the route is about."""
    return next((value for value in (request.view_args or {}).values() if isinstance(value, UUID)), None)


def _until_no_race(attempt: Callable[[], Response]) -> Response:
    for _ in range(RACE_RETRIES):
        try:
            return attempt()
        except Exception as error:
            if not _lost_a_race(error):
                raise
    try:
        return attempt()
    except Exception as error:
        if _is_unique_violation(error):
            detail = "somebody else was faster; read it again"
            raise Conflict("aggregate.changed_meanwhile", detail) from error
        raise


def _in_one_transaction(gate: Gate, view: Callable[[], Response], claim: Claim | None, *, writes: bool) -> Response:
    with gate.open_work(
        _actor(),
        request_id=g.request_id,
        traceparent=g.span.traceparent,
        read_only=not writes,
    ) as work:
        g.work = work
        response = _answer(work, view, claim)
        if not writes or response.status_code >= 400:
            work.rollback()
    return response


def _answer(work: UnitOfWork, view: Callable[[], Response], claim: Claim | None) -> Response:
    if claim is None:
        return view()
    earlier = idempotency.take(work, claim)
    if earlier is not None:
        return earlier
    response = view()
    if response.status_code < 400:
        idempotency.keep(work, claim, response)
    return response


def _authenticate(verifier: TokenVerifier) -> Principal:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("authority.no_token", "send an access token: Authorization: Bearer …")
    try:
        return verifier.verify(token.strip())
    except InvalidToken as error:
        raise Unauthenticated(
            "authority.invalid_token",
            f"the access token is not valid: {error}",
            challenge='Bearer error="invalid_token"',
        ) from error


def _authorise(declaration: Declaration, principal: Principal) -> None:
    if not declaration.access.permits(principal.role):
        raise not_in_role(declaration.access, principal.role)


def _lost_a_race(error: Exception) -> bool:
    """Whether running again on the new state is right: a stale version, a duplicate key, a deadlock."""
    return is_conflict(error) or _sqlstate(error).startswith("40")


def _is_unique_violation(error: Exception) -> bool:
    return _sqlstate(error) == "23505" or "UNIQUE constraint failed" in str(getattr(error, "orig", ""))


def _sqlstate(error: Exception) -> str:
    return str(getattr(error.orig, "pgcode", None) or "") if isinstance(error, DBAPIError) else ""
