"""What an application's requests share: the directory, the keys, the database; and who did what, for the audit."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import structlog
from flask import current_app, g, request
from sqlalchemy.exc import SQLAlchemyError

from services.identity.accounts import Account, Directory
from services.identity.settings import ProviderSettings
from services.identity.signing import Signing
from services.identity.store import SignIn, Work
from shared.storage.engine import Storage
from shared.storage.work import Actor
from shared.web.principal import Principal

IDLE_LIMIT = timedelta(minutes=30)  # nobody asked for a token or a sign-in
SESSION_LIMIT = timedelta(hours=12)
CODE_LIFETIME = timedelta(minutes=1)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Provider:
    """See the module."""

    settings: ProviderSettings
    directory: Directory
    signing: Signing
    storage: Storage[Work]

    def account_of(self, sign_in: SignIn | None) -> Account | None:
        """Who is signed in; None once a limit has passed or the account is gone."""
        if sign_in is None:
            return None
        now = self.storage.clock.now()
        if now - sign_in.at > SESSION_LIMIT or now - sign_in.seen_at > IDLE_LIMIT:
            return None
        return self.directory.accounts.get(sign_in.subject)


def provider() -> Provider:
    """The application's provider."""
    found: Provider = current_app.extensions["provider"]
    return found


@contextmanager
def transaction(by: Principal | None = None) -> Iterator[Work]:
    """A transaction of the request, which `current` gives meanwhile."""
    with provider().storage.work(_actor(by), request_id=g.request_id) as work:
        g.work = work
        yield work


def current() -> Work:
    """The request's transaction."""
    work: Work = g.work
    return work


def note_refusal(by: Principal | None, action: str, code: str) -> None:
    """Write down what was refused, in a transaction of its own; a database that is away does not change the answer."""
    try:
        with provider().storage.work(_actor(by), request_id=g.request_id) as work:
            work.note_refusal(action, None, code)
    except SQLAlchemyError as trouble:
        log.warning("audit.refusal_not_written", action=action, cause=type(trouble).__name__)


def _actor(principal: Principal | None) -> Actor:
    """Nobody known is nobody: what was typed as a name may be anything, a password too."""
    if principal is None:
        return Actor("unknown", "unknown", "unknown", request.remote_addr)
    return Actor(principal.subject, str(principal.role), principal.organisation, request.remote_addr)
