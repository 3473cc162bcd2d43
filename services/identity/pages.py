"""What people see: signing in, signing out, and being told that a program asked wrongly. No page has a script."""

from typing import Any
from urllib.parse import urlsplit

import structlog
from authlib.common.urls import add_params_to_uri
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2 import OAuth2Error
from authlib.oidc.core.errors import LoginRequiredError
from flask import Blueprint, Response, current_app, g, make_response, render_template, request, session
from flask_wtf.csrf import CSRFError, CSRFProtect
from sqlalchemy.exc import InterfaceError, OperationalError, TimeoutError

from services.identity.accounts import Account
from services.identity.provider import provider, transaction
from services.identity.signing_in import Refused, begin, check, find_sign_in, remember_device, signed_in
from services.identity.words import LANGUAGES, WORDS, language_of
from shared.web.access import public

bp = Blueprint("pages", __name__, template_folder="templates")
csrf = CSRFProtect()
_RETRY_SECONDS = 5
_CSP = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"

log = structlog.get_logger(__name__)


@bp.get("/authorize")
@public
def authorize() -> Response:
    """A client wants to know who is there. Whoever is signed in is not asked again, unless the client wants it."""
    account = signed_in()
    try:
        grant = _server().get_consent_grant(end_user=account)
        if account is not None and not _must_sign_in():
            return _granted(account, grant)
        if request.args.get("prompt") == "none":
            raise LoginRequiredError(redirect_uri=grant.redirect_uri, state=request.args.get("state"))
    except (OAuth2Error, ValueError) as error:
        return _asked_wrongly(error)
    return _login_page(grant.redirect_uri)


@bp.post("/authorize")
@public
def sign_in() -> Response:
    """Sign in with user name and password, and go back to the client."""
    signed_in()
    try:
        grant = _server().get_consent_grant()
    except (OAuth2Error, ValueError) as error:
        return _asked_wrongly(error)
    try:
        csrf.protect()
    except CSRFError:
        return _login_page(grant.redirect_uri, 400, "expired")
    outcome = check(request.form.get("username", ""), request.form.get("password", ""))
    if isinstance(outcome, Refused):
        return _refused(grant.redirect_uri, outcome)
    response = _granted(outcome, grant, is_new=True)
    remember_device(response, outcome)
    return response


@bp.route("/logout", methods=["GET", "POST"])
@public
def logout() -> Response:
    """A client signs somebody out, and somebody is asked first where the client does not prove who it speaks of."""
    account = signed_in()
    try:
        asked = _server().validate_endpoint_request("end_session")
    except (OAuth2Error, ValueError) as error:
        return _asked_wrongly(error)
    if asked.needs_confirmation and not _is_confirmed():
        return _page("logout.html", form_action="'self'", is_signed_in=account is not None)
    with transaction(account.principal if account else None):
        response: Response | None = _server().create_endpoint_response("end_session", asked)
    session.clear()
    return response or _page("logout.html", is_signed_in=False)


@bp.errorhandler(OperationalError)
@bp.errorhandler(InterfaceError)
@bp.errorhandler(TimeoutError)
def away(trouble: Exception) -> Response:
    """The database is away: told to people on a page, as everything is here."""
    log.warning("storage.unavailable", cause=type(trouble).__name__)
    page = _page("refused.html", 503, code="storage.unavailable", hint="away_hint")
    page.headers["Retry-After"] = str(_RETRY_SECONDS)
    return page


def _is_confirmed() -> bool:
    try:
        csrf.protect()
    except CSRFError:
        return False
    return request.method == "POST"


def _must_sign_in() -> bool:
    """Whether the client wants a sign-in that is new, or not older than so many seconds."""
    max_age = request.args.get("max_age", "")
    age = provider().storage.clock.now() - g.sign_in.at
    return "login" in request.args.get("prompt", "").split() or (
        max_age.isdecimal() and age.total_seconds() > int(max_age)
    )


def _granted(account: Account, grant: Any, *, is_new: bool = False) -> Response:
    with transaction(account.principal) as work:
        if is_new:
            begin(account)
        else:
            find_sign_in()
            work.see(g.sign_in)
        response: Response = _server().create_authorization_response(grant_user=account, grant=grant)
    response.status_code = 303  # never send the password on
    return response


def _refused(redirect_uri: str, refused: Refused) -> Response:
    if not refused.wait:
        return _login_page(redirect_uri, 401, "wrong")
    seconds = max(1, round(refused.wait.total_seconds()))
    page = _login_page(redirect_uri, 429, "wait", seconds=seconds)
    page.headers["Retry-After"] = str(seconds)
    return page


def _login_page(redirect_uri: str, status: int = 200, fault: str | None = None, **told: Any) -> Response:
    """The form leads back here and from here to the client, which browsers count as one way."""
    client = urlsplit(redirect_uri)
    words = WORDS[_language()]
    return _page(
        "login.html",
        status,
        form_action=f"'self' {client.scheme}://{client.netloc}",
        fault=words[fault].format(**told) if fault else None,
        shown=list(provider().directory) if provider().settings.shows_accounts else [],
    )


def _asked_wrongly(error: OAuth2Error | ValueError) -> Response:
    """Back to the client with the reason, if it is sure who that is; else only the person is told."""
    if getattr(error, "redirect_uri", None):
        response: Response = _server().handle_error_response(None, error)
        response.location = add_params_to_uri(response.location, {"iss": provider().signing.issuer})
        return response
    return _page("refused.html", 400, code=getattr(error, "error", "invalid_request"), hint="refused_hint")


def _page(template: str, status: int = 200, *, form_action: str = "'none'", **shown: Any) -> Response:
    language = _language()
    response = make_response(
        render_template(
            template,
            words=WORDS[language],
            lang=LANGUAGES[language],
            other=LANGUAGES["en" if language == "zh" else "zh"],
            language=language,
            here=_here,
            **shown,
        ),
        status,
    )
    response.headers["Content-Security-Policy"] = f"{_CSP}; form-action {form_action}"
    return response


def _language() -> str:
    return language_of(request.args.get("ui_locales"))


def _here(**changed: str) -> str:
    """This page's address with something changed."""
    kept = {**request.args, **changed}
    return f"{request.root_path}{request.path}{add_params_to_uri('', list(kept.items()))}"


def _server() -> AuthorizationServer:
    server: AuthorizationServer = current_app.extensions["authorization_server"]
    return server
