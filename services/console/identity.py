"""Who is signed in: the console is a relying party of an OpenID provider, whichever is configured.

Invariants: tokens stay at the server. A token is fresh before a page begins; a session whose token cannot be renewed
has ended. Signing in makes a new session.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import requests
import structlog
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.flask_client import FlaskOAuth2App, OAuth
from authlib.integrations.requests_client import OAuth2Session
from flask import Blueprint, current_app, g, redirect, render_template, request, session, url_for
from joserfc.errors import JoseError

from services.console.backchannel import reached_by
from services.console.clients import Away
from services.console.session_store import SessionStore
from services.console.sessions import KEPT_AFTER_SECONDS, ServerSession, Sessions, end
from services.console.settings import Settings
from shared.web.access import public
from shared.web.keys import discovery_url
from shared.web.principal import Principal, Role
from shared.web.tokens import Expected

bp = Blueprint("identity", __name__)
RENEW_BEFORE_SECONDS = 60
TIMEOUT_SECONDS = 5
_UI_LOCALES = {"zh": "zh-CN", "en": "en"}
_KEPT = ("language", "kept")  # of what was there before signing in

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Account:
    """Who is signed in, as the provider tells it."""

    username: str
    role: Role
    organisation: str
    division: str
    title_zh: str
    title_en: str

    @classmethod
    def from_claims(cls, claims: Mapping[str, Any], expected: Expected) -> "Account":
        """From an ID token's claims.

        Raises: KeyError, ValueError when they name nobody with a role here.
        """
        principal: Principal = expected.principal(claims)
        name = str(claims.get("name") or claims.get("preferred_username") or principal.subject)
        return cls(
            principal.subject,
            principal.role,
            principal.organisation,
            principal.division,
            title_zh=name,
            title_en=str(claims.get("name#en") or name),
        )


class SignedOut(Exception):
    """The session has ended while the request was on its way."""


def install(app: Any, settings: Settings) -> None:
    """Make the provider known to the application."""
    way = settings.backchannel
    OAuth(app).register(
        "provider",
        client_cls=reached_by(settings.issuer, way) if way else FlaskOAuth2App,
        client_id=settings.client_id,
        client_secret=settings.client_secret,
        server_metadata_url=discovery_url(way or settings.issuer),
        client_kwargs={
            "scope": settings.scope,
            "code_challenge_method": "S256",
            "default_timeout": TIMEOUT_SECONDS,
            "trust_env": False,
        },
    )


def current_account() -> Account | None:
    """Who is signed in."""
    if "account" not in g:
        kept = session.get("account")
        g.account = Account(**{**kept, "role": Role(kept["role"])}) if kept else None
    found: Account | None = g.account
    return found


def current_token() -> str:
    """A token of the signed-in user, for calls to the services."""
    if "token" not in g:
        g.token = _fresh_token()
    token: str = g.token
    return token


def end_session() -> None:
    """Whoever is signed in is so no more."""
    _store().save_tokens(_session().id, None)
    end(session)
    g.account = None
    g.pop("token", None)


@bp.get("/login")
@public
def login() -> Any:
    """To the provider. Whoever was signed out by time has to show again who it is."""
    session["next"] = safe(request.args.get("next"))
    asked = {"ui_locales": _UI_LOCALES[session.get("language", "zh")]}
    if "ended" in session:
        asked["prompt"] = "login"
    try:
        return _provider().authorize_redirect(_address("identity.signed_in"), **asked)
    except requests.RequestException as error:
        raise Away("identity") from error


@bp.get("/signed-in")
@public
def signed_in() -> Any:
    """Back from the provider, with a code."""
    try:
        if request.args.get("iss", _settings().issuer) != _settings().issuer:
            raise ValueError("the answer of another provider")
        tokens = _provider().authorize_access_token()
        claims = tokens.pop("userinfo")
        account = Account.from_claims(claims, _settings().expected)
    except requests.RequestException as error:
        raise Away("identity") from error
    except (AuthlibBaseError, JoseError, ValueError, KeyError, TypeError) as error:
        log.warning("sign_in.failed", error=type(error).__name__)
        return render_template("sign_in_failed.html"), 400
    return _begin(account, tokens, str(claims.get("locale")).partition("-")[0])


@bp.post("/logout")
@public  # also of a session that has ended
def logout() -> Any:
    """Sign out here, then at the provider: by a page that leads there, for a form may lead only to our own pages."""
    hint = (_store().tokens(_session().id) or {}).get("id_token")
    language = session.get("language", "zh")
    _session().renew({"language": language})
    g.account = None
    address = _address("identity.signed_out")
    try:
        there = _provider().create_logout_url(
            address, id_token_hint=hint, client_id=_settings().client_id, ui_locales=_UI_LOCALES[language]
        )["url"]
    except (requests.RequestException, RuntimeError) as error:  # away, or it has no such address
        log.warning("sign_out.not_at_provider", error=type(error).__name__)
        there = address
    return render_template("signing_out.html", there=there)


@bp.get("/signed-out")
@public
def signed_out() -> Any:
    """Signed out, here and there."""
    return render_template("signed_out.html")


def _begin(account: Account, tokens: dict[str, Any], language: str) -> Any:
    kept = {name: session[name] for name in _KEPT if name in session}
    there = session.get("next", "/")
    if kept.get("kept", {}).get("subject") != account.username:
        kept.pop("kept", None)  # what somebody else typed
    if language in _UI_LOCALES:
        kept["language"] = language
    _session().renew(kept | {"account": _as_kept(account)})
    sessions = _sessions()
    sessions.store.forget(sessions.now() - KEPT_AFTER_SECONDS)
    sessions.store.save(_session().id, dict(session), sessions.now())
    sessions.store.save_tokens(_session().id, _as_stored(tokens))
    _session().is_stored = True
    return redirect(url_for("kept_form.show") if "kept" in kept else there)


def _as_kept(account: Account) -> dict[str, str]:
    return {name: str(getattr(account, name)) for name in Account.__slots__}


def _as_stored(tokens: Mapping[str, Any]) -> dict[str, Any]:
    """What is needed later. A provider that says no lifetime gives a token that is asked for anew each time."""
    kept = {name: tokens[name] for name in ("access_token", "refresh_token", "id_token") if name in tokens}
    return kept | {"expires_at": float(tokens.get("expires_at") or 0)}


def _fresh_token() -> str:
    """The session's token, renewed if it soon ends.

    Raises: SignedOut when the provider gives no more; Away when it does not answer and the token has ended.
    """
    tokens = _store().tokens(_session().id)
    if tokens is not None and _is_fresh(tokens):
        return str(tokens["access_token"])
    with _store().alone(_session().id):
        tokens = _store().tokens(_session().id)  # another request may have been faster
        if tokens is None:
            raise SignedOut
        if not _is_fresh(tokens):
            tokens = _renewed(tokens)
            _store().save_tokens(_session().id, tokens)
    return str(tokens["access_token"])


def _is_fresh(tokens: Mapping[str, Any]) -> bool:
    return bool(tokens["expires_at"] - _sessions().now() > RENEW_BEFORE_SECONDS)


def _renewed(tokens: dict[str, Any]) -> dict[str, Any]:
    if "refresh_token" not in tokens:
        raise SignedOut
    settings = _settings()
    try:
        endpoint = _provider().load_server_metadata()["token_endpoint"]
        with OAuth2Session(settings.client_id, settings.client_secret, default_timeout=TIMEOUT_SECONDS) as asking:
            asking.trust_env = False
            new = asking.refresh_token(endpoint, refresh_token=tokens["refresh_token"])
    except AuthlibBaseError as error:
        log.info("session.not_renewed", error=error.error)
        raise SignedOut from error
    except (requests.RequestException, ValueError) as error:
        if tokens["expires_at"] > _sessions().now():
            return tokens  # still good for a moment
        raise Away("identity") from error
    return _as_stored({**tokens, **new})


def _address(endpoint: str) -> str:
    """One of our own pages as the provider knows it."""
    base = _settings().base_url
    return f"{base}{url_for(endpoint)}" if base else url_for(endpoint, _external=True)


def safe(path: str | None) -> str:
    """A path of ours; anything else could lead somewhere bad, also what browsers read as something else."""
    is_ours = path and path.startswith("/") and not path.startswith("//")
    return path if path and is_ours and path.isprintable() and "\\" not in path else "/"


def _provider() -> FlaskOAuth2App:
    return current_app.extensions["authlib.integrations.flask_client"].provider


def _session() -> ServerSession:
    return cast(ServerSession, session)


def _sessions() -> Sessions:
    found = current_app.session_interface
    assert isinstance(found, Sessions)
    return found


def _store() -> SessionStore:
    return _sessions().store


def _settings() -> Settings:
    found: Settings = current_app.extensions["settings"]
    return found
