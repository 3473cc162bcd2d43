"""Flask's sessions, kept by `session_store`. The browser has only a number, made at random, that no script can read.

A session ends when its user has not been there for a while, and at the latest after a day's work. Of one that ended,
whose it was is remembered, so that what was typed meanwhile can be given back to that person and to nobody else.
While the database is away nobody is known and nothing is kept, and no cookie changes, so that everybody is signed in
again when it is back.
"""

import secrets
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Flask, Request, Response
from flask.sessions import SecureCookieSession, SessionInterface
from sqlalchemy.exc import InterfaceError, OperationalError, TimeoutError

from services.console.session_store import SessionStore, Stored

SEEN_EVERY_SECONDS = 60.0
KEPT_AFTER_SECONDS = 24 * 3600.0
DATABASE_AWAY = (OperationalError, InterfaceError, TimeoutError)


class ServerSession(SecureCookieSession):
    """One browser's session. ``id`` is what its cookie holds; ``is_away``: nobody can say whose it is."""

    def __init__(self, session_id: str, contents: dict[str, Any] | None = None, *, is_stored: bool = False) -> None:
        super().__init__(contents)
        self.id = session_id
        self.is_stored = is_stored
        self.is_away = False
        self.left: list[str] = []  # ids it had before

    def renew(self, contents: dict[str, Any]) -> None:
        """Another session with other contents: nobody who knew its number before knows it now."""
        if self.is_stored:
            self.left.append(self.id)
        self.id, self.is_stored = secrets.token_urlsafe(32), False
        self.clear()
        self.update(contents)
        self.modified = True


class Sessions(SessionInterface):
    """Opens and keeps sessions."""

    session_class = ServerSession

    def __init__(
        self,
        store: SessionStore,
        *,
        idle: timedelta,
        longest: timedelta,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.store = store
        self.now = now
        self._idle, self._longest = idle.total_seconds(), longest.total_seconds()

    def open_session(self, app: Flask, request: Request) -> ServerSession:
        """The request's session, or a new one."""
        session_id = request.cookies.get(self.get_cookie_name(app), "")
        try:
            return self._opened(session_id, request)
        except DATABASE_AWAY:
            unknown = ServerSession(session_id)
            unknown.is_away = True
            return unknown

    def save_session(self, app: Flask, session: Any, response: Response) -> None:
        """Keep what has changed."""
        response.vary.add("Cookie")
        if session.is_away:
            return
        for left in session.left:
            self.store.delete(left)
        if not session.modified or (not session and not session.is_stored):
            return
        self.store.save(session.id, dict(session), self.now())
        response.set_cookie(
            self.get_cookie_name(app),
            session.id,
            httponly=True,
            samesite="Lax",
            secure=self.get_cookie_secure(app),
            path="/",
        )

    def _opened(self, session_id: str, request: Request) -> ServerSession:
        stored = self.store.load(session_id) if session_id else None
        if stored is None:
            return ServerSession(secrets.token_urlsafe(32))
        opened = ServerSession(session_id, stored.contents, is_stored=True)
        if "account" in opened and self._is_over(stored):
            end(opened)
            self.store.save_tokens(session_id, None)
        elif not is_poll(request) and self.now() - stored.seen_at > SEEN_EVERY_SECONDS:
            self.store.see(session_id, self.now())
        return opened

    def _is_over(self, stored: Stored) -> bool:
        now = self.now()
        return now - stored.seen_at > self._idle or now - stored.began_at > self._longest


def end(session: Any) -> None:
    """Whoever is signed in is so no more, and is remembered as the one who was."""
    account = session.pop("account", None)
    if account is not None:
        session["ended"] = account["username"]


def is_poll(request: Request) -> bool:
    """Whether a page asks by itself, which says nothing of its user."""
    return "HX-Request" in request.headers
