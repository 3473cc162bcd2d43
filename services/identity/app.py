"""The provider's Flask application: the chassis of every service, and around it pages and OAuth endpoints."""

from collections.abc import Iterable
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Flask, Response, abort, send_from_directory
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from services.identity import endpoints, pages
from services.identity.accounts import Directory
from services.identity.grants import make_server
from services.identity.provider import Provider
from services.identity.service import SERVICE
from services.identity.settings import ProviderSettings
from services.identity.signing import Signing
from services.identity.store import Work
from shared.observability.metrics import Metrics
from shared.storage.engine import Storage
from shared.web.access import public
from shared.web.app import create_app
from shared.web.keys import FileKeys
from shared.web.rate_limits import RateLimit
from shared.web.tokens import Expected, TokenVerifier

ASSETS = Path(__file__).parents[2] / "build" / "node_modules"
_PICO = "@picocss/pico/css/pico.min.css"
_OURS = Path(__file__).parent / "static"
_DAY_SECONDS = 86_400


def create_provider(
    settings: ProviderSettings,
    storage: Storage[Work],
    metrics: Metrics,
    *,
    assets: Path = ASSETS,
    rate_limit: RateLimit | None = None,
) -> Flask:
    """The application.

    Raises: ValueError, KeyError, TypeError when the accounts file is none.
    """
    app = create_app(
        name=SERVICE.name,
        title=SERVICE.title,
        blueprints=SERVICE.blueprints,
        open_work=storage.work,
        verifier=TokenVerifier(FileKeys(settings.public_jwks), storage.clock, Expected(settings.issuer)),
        metrics=metrics,
        probes={"database": lambda: _database_complaint(storage)},
        assets=assets,
        forwarded_hops=settings.forwarded_hops,
        rate_limit=rate_limit,
    )
    app.extensions["provider"] = open_provider(settings, storage)
    _mount(app)
    app.config.update(
        SECRET_KEY=settings.cookie_secret,
        SESSION_COOKIE_NAME="__Host-baton_identity" if settings.is_secure else "baton_identity",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.is_secure,
        WTF_CSRF_CHECK_DEFAULT=False,  # the pages ask for it themselves; programs have no cookie
        WTF_CSRF_SSL_STRICT=False,  # pages send no referrer
    )
    pages.csrf.init_app(app)
    app.extensions["authorization_server"] = make_server()
    app.register_blueprint(pages.bp)
    app.register_blueprint(endpoints.bp)
    _add_styles(app, assets)
    return app


def open_provider(settings: ProviderSettings, storage: Storage[Work]) -> Provider:
    """What the application's requests share.

    Raises: ValueError, KeyError, TypeError when the accounts file is none.
    """
    signing = Signing(settings.private_jwk, settings.public_jwks, settings.issuer, storage.clock)
    return Provider(settings, Directory.from_file(settings.accounts, settings.console), signing, storage)


def _mount(app: Flask) -> None:
    """Be below the issuer, by whatever way a request comes: the front door has taken off its path, and its TLS."""
    inner = app.wsgi_app

    def mounted(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        settings: ProviderSettings = app.extensions["provider"].settings
        environ["SCRIPT_NAME"] = settings.path
        environ["wsgi.url_scheme"] = "https" if settings.is_secure else "http"
        return inner(environ, start_response)

    app.wsgi_app = mounted  # type: ignore[method-assign]


def _add_styles(app: Flask, assets: Path) -> None:
    @app.get("/assets/<name>")
    @public
    def style(name: str) -> Response:
        folder, file = {"pico.css": (assets, _PICO), "identity.css": (_OURS, name)}.get(name) or abort(404)
        return send_from_directory(folder, file, max_age=_DAY_SECONDS)


def _database_complaint(storage: Storage[Work]) -> str | None:
    try:
        with storage.engine.connect() as connection:
            connection.execute(text("select 1"))
    except SQLAlchemyError as error:
        return type(error).__name__
    return None
