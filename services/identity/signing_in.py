"""Checking a name and a password, slowly enough that guessing leads nowhere; and what a browser is known by."""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from flask import Response, current_app, g, request, session
from itsdangerous import BadSignature, URLSafeSerializer

from services.identity.accounts import Account
from services.identity.provider import current, note_refusal, provider, transaction
from services.identity.throttle import scopes_of_person

ACTION = "session.sign_in"
_DEVICE = "baton_device"
_KNOWN_FOR = timedelta(days=180)
_LONGEST = 200  # characters of what is typed; scrypt reads all of it


@dataclass(frozen=True, slots=True)
class Refused:
    """Not signed in. ``wait``: nothing was checked, for too many tries were wrong."""

    wait: timedelta = timedelta()


def check(username: str, password: str) -> Account | Refused:
    """The account, or why not. Counted before it is checked, so that many tries at once are many tries."""
    if len(username) > _LONGEST or len(password) > _LONGEST:
        return Refused()
    scopes = scopes_of_person(username, request.remote_addr or "", _device_of(username))
    with provider().storage.work() as work:
        wait = work.begin_attempt(scopes)
    if wait:
        return Refused(wait)
    account = provider().directory.check(username, password)
    if account is None:
        known = provider().directory.accounts.get(username)
        note_refusal(known.principal if known else None, ACTION, "credentials.wrong")
        return Refused()
    with provider().storage.work() as work:
        work.forgive(scopes)
    return account


def begin(account: Account) -> None:
    """Sign in, inside a transaction: with a new secret, so that nobody can have put theirs there before."""
    secret = secrets.token_urlsafe(32)
    old = g.sign_in
    if old is not None:
        current().end_sign_in(old.id)
    g.sign_in = current().begin_sign_in(account.username, secret)
    current().note_act("session.signed_in", None)
    session.clear()
    session["secret"] = secret


def remember_device(response: Response, account: Account) -> None:
    """Know this browser again when the account signs in next time."""
    known = _devices()
    known[account.username] = known.get(account.username) or secrets.token_urlsafe(12)
    kept = dict(list(known.items())[-10:])
    response.set_cookie(
        _DEVICE,
        _serializer().dumps(kept),
        max_age=_KNOWN_FOR,
        path=request.root_path or "/",
        httponly=True,
        samesite="Lax",
        secure=provider().settings.is_secure,
    )


def find_sign_in() -> None:
    """Who is signed in in this browser, as ``g.sign_in``; inside a transaction."""
    found = current().sign_in_of(session["secret"]) if "secret" in session else None
    g.sign_in = found if provider().account_of(found) else None


def signed_in() -> Account | None:
    """Who is signed in, outside of a transaction."""
    with transaction():
        find_sign_in()
    return provider().account_of(g.sign_in)


def _device_of(username: str) -> str | None:
    return _devices().get(username)


def _devices() -> dict[str, str]:
    """The accounts that have signed in from this browser, each with a number that is the browser's own."""
    try:
        found: dict[str, str] = _serializer().loads(request.cookies.get(_DEVICE, ""))
    except BadSignature:
        return {}
    return found


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt="device")
