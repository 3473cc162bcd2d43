"""What surrounds every operation of an API: who asks, one transaction, and at most one effect for each request.

``@operation(Role.X, creates=True)`` stands outermost on a view. It authenticates and authorises, opens the unit
of work, answers a repeated request from memory, commits when the answer is a success and rolls back otherwise.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from flask import Flask, Response, current_app, g, make_response, request

from shared.kernel.errors import BatonError, Forbidden
from shared.storage.work import Actor, UnitOfWork
from shared.web import idempotency
from shared.web.principal import Principal, Role
from shared.web.tokens import InvalidToken, TokenVerifier

OpenWork = Callable[..., UnitOfWork]
_READING = ("GET", "HEAD")


class Unauthenticated(BatonError):
    """Nobody known is asking."""

    status = 401


class BadRequest(BatonError):
    """The request itself is wrong."""

    status = 400


@dataclass(frozen=True, slots=True)
class Declaration:
    """What an operation says of itself."""

    roles: frozenset[Role]
    creates: bool


@dataclass(frozen=True, slots=True)
class Gate:
    """What an application needs to let operations through."""

    open_work: OpenWork
    verifier: TokenVerifier


def operation(*roles: Role, creates: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Response]]:
    """Declare who may do this, and whether it creates something (then ``Idempotency-Key`` is required)."""
    if not roles:
        raise TypeError("an operation states who may do it")
    declaration = Declaration(frozenset(roles), creates)

    def decorate(view: Callable[..., Any]) -> Callable[..., Response]:
        @wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Response:
            return _run(declaration, lambda: view(*args, **kwargs))

        wrapper.__baton_operation__ = declaration  # type: ignore[attr-defined]
        return wrapper

    return decorate


def declaration_of(view: Any) -> Declaration | None:
    """What a view declared, if it did."""
    declared = getattr(view, "__baton_operation__", None)
    return declared if isinstance(declared, Declaration) else None


def undeclared_routes(app: Flask, *, public: tuple[str, ...] = ()) -> list[str]:
    """The routes that state nothing about who may use them."""
    missing = []
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        view_class = getattr(view, "view_class", None)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            target = getattr(view_class, method.lower(), None) if view_class else view
            if declaration_of(target) is None and not rule.rule.startswith(public):
                missing.append(f"{method} {rule.rule}")
    return missing


def current_principal() -> Principal:
    """Who asks."""
    principal: Principal = g.principal
    return principal


def current_work() -> Any:
    """The request's unit of work (of the service's own kind)."""
    return g.work


def _run(declaration: Declaration, view: Callable[[], Any]) -> Response:
    gate: Gate = current_app.extensions["baton_gate"]
    principal = g.principal = _authenticate(gate.verifier)
    _authorise(declaration, principal)
    key = _idempotency_key() if declaration.creates else None
    actor = Actor(principal.subject, principal.role.value, principal.organisation)
    with gate.open_work(
        actor,
        request_id=g.request_id,
        traceparent=request.headers.get("traceparent"),
        read_only=request.method in _READING,
    ) as work:
        g.work = work
        return _answer(work, view) if key is None else _answer_once(work, view, principal, key)


def _answer(work: UnitOfWork, view: Callable[[], Any]) -> Response:
    response = make_response(view())
    if response.status_code >= 400 or request.method in _READING:
        work.rollback()
    return response


def _answer_once(work: UnitOfWork, view: Callable[[], Any], principal: Principal, key: str) -> Response:
    scope = f"{principal.organisation} {principal.subject} {request.method} {request.path}"
    fingerprint = hashlib.sha256(request.get_data(cache=True)).hexdigest()
    earlier = idempotency.claim(work, scope, key, fingerprint)
    if earlier is not None:
        work.rollback()
        return earlier
    response = _answer(work, view)
    if response.status_code < 400:
        idempotency.keep(work, scope, key, response)
    return response


def _authenticate(verifier: TokenVerifier) -> Principal:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("authority.no_token", "send an access token: Authorization: Bearer …")
    try:
        return verifier.verify(token.strip())
    except InvalidToken as error:
        raise Unauthenticated("authority.invalid_token", f"the access token is not valid: {error}") from error


def _authorise(declaration: Declaration, principal: Principal) -> None:
    if Role.ANYONE_SIGNED_IN not in declaration.roles and principal.role not in declaration.roles:
        needed = sorted(role.value for role in declaration.roles)
        raise Forbidden("authority.role", f"the role {principal.role.value} may not do this", needed=needed)


def _idempotency_key() -> str:
    key = request.headers.get("Idempotency-Key", "").strip()
    if not key:
        detail = "send a new Idempotency-Key header with every new act, and the same one when you try again"
        raise BadRequest("idempotency.key_missing", detail)
    if len(key) > 200 or not key.isprintable():
        raise BadRequest("idempotency.key_malformed", "an Idempotency-Key has 1 to 200 printable characters")
    return key
