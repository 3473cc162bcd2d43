"""The console's Flask application."""

from typing import Any

import httpx
import structlog
from flask import (
    Flask,
    Response,
    current_app,
    has_request_context,
    jsonify,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_babel import Babel, get_locale
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import InternalServerError, RequestEntityTooLarge
from werkzeug.middleware.proxy_fix import ProxyFix

from services.console import (
    assets,
    custody_words,
    dues,
    identity,
    import_words,
    kept_form,
    measure_words,
    problem_words,
    uploads,
    words,
)
from services.console.clients import Away, Refused, Services
from services.console.identity import SignedOut, current_account, current_token, end_session
from services.console.locale_files import compile_translations
from services.console.pages import (
    attachments,
    audit,
    cases,
    coverage_imports,
    discrepancies,
    indicators,
    measures,
    notices,
    notifications,
    ops,
    orders,
    persons,
    releases,
    result_imports,
    samples,
    session_pages,
    settings_pages,
    stays,
    tasks,
    test_notices,
    test_ordering,
    tests,
    webhooks,
)
from services.console.pages.common import wants_json
from services.console.session_store import SessionStore
from services.console.sessions import DATABASE_AWAY, Sessions, is_poll
from services.console.settings import Settings
from shared.kernel.addresses import network_of
from shared.kernel.ids import new_id
from shared.reference.divisions import divisions
from shared.web.access import access_of, public
from shared.web.refusals import TooManyRequests

LANGUAGES = ("zh", "en")
WITHOUT_SESSION = ("asset", "static", "live", "ready")
PAGES = (
    identity,
    kept_form,
    session_pages,
    tasks,
    measures,
    attachments,
    cases,
    orders,
    stays,
    releases,
    notices,
    samples,
    tests,
    test_ordering,
    test_notices,
    indicators,
    discrepancies,
    ops,
    persons,
    audit,
    webhooks,
    notifications,
    result_imports,
    coverage_imports,
    settings_pages,
)
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; "
        "form-action 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}

log = structlog.get_logger(__name__)


def create_console(settings: Settings, transport: httpx.BaseTransport | None = None) -> Flask:
    """The application; ``transport`` replaces the network in tests."""
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=settings.session_secret,
        SESSION_COOKIE_NAME="__Host-baton_console" if settings.is_secure else "baton_console",
        SESSION_COOKIE_SECURE=settings.is_secure,
        MAX_CONTENT_LENGTH=1024 * 1024,
        BABEL_DEFAULT_LOCALE="zh",
        BABEL_TRANSLATION_DIRECTORIES=str(compile_translations(settings.build / "locale")),
        WTF_CSRF_TIME_LIMIT=None,
    )
    app.extensions["services"] = Services(
        settings.urls, transport, lambda: request.remote_addr if has_request_context() else None
    )
    app.extensions["settings"] = settings
    app.session_interface = Sessions(
        SessionStore(settings.sessions_url, settings.session_secret),
        idle=settings.session_idle,
        longest=settings.session_longest,
    )
    identity.install(app, settings)
    hops = settings.forwarded_hops
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]
    Babel(app, locale_selector=lambda: session.get("language", "zh"))
    public(app.view_functions["static"])
    app.before_request(_count)
    app.before_request(attachments.allow_photographs)
    app.before_request(uploads.allow_a_file)  # before anything reads a form
    app.before_request(_sign_in_first)  # before forms are checked, for of a session that ended no form can be right
    CSRFProtect(app)
    for page in PAGES:
        app.register_blueprint(page.bp)
    app.after_request(_protect)
    app.register_error_handler(Refused, _on_refused)
    app.register_error_handler(Away, _on_away)
    app.register_error_handler(RequestEntityTooLarge, _on_too_large)
    app.register_error_handler(TooManyRequests, _on_too_many)
    for trouble in DATABASE_AWAY:
        app.register_error_handler(trouble, _on_database_away)
    app.register_error_handler(InternalServerError, _on_fault)
    app.register_error_handler(SignedOut, lambda _ended: _ask_to_sign_in())
    assets.install(app, assets.Assets(settings.assets))
    _add_health(app)
    app.context_processor(_helpers)
    return app


def _count() -> None:
    """Refuse whoever asks too often, before anything is done. What never changes and probes are not counted."""
    settings: Settings = current_app.extensions["settings"]
    if settings.rate_limit is None or request.endpoint in WITHOUT_SESSION:
        return
    account = current_account()
    asking = f"subject {account.username}" if account else f"address {network_of(request.remote_addr or '')}"
    settings.rate_limit.count(asking)


def _sign_in_first() -> Any:
    """Nothing begins without a token that is fresh, in a role that the page is not for, nor while nobody can say who is
    there.
    """
    if getattr(session, "is_away", False) and request.endpoint not in WITHOUT_SESSION:
        raise Away("sessions")
    if request.endpoint is None:
        return None
    needed = access_of(current_app.view_functions[request.endpoint])
    if needed is not None and needed.is_public:
        return None
    account = current_account()
    if account is None:
        return _ask_to_sign_in()
    current_token()
    if needed is None or not needed.permits(account.role):
        raise Refused(403, {"code": "authority.role"})
    return None


def _may(endpoint: str) -> bool:
    """Whether a page is for the role of whoever is signed in."""
    needed, account = access_of(current_app.view_functions[endpoint]), current_account()
    return needed is not None and account is not None and needed.permits(account.role)


def _ask_to_sign_in() -> Any:
    """Nobody is signed in any more. What was typed is kept, and a page that asks by itself stays as it is."""
    end_session()
    if is_poll(request):
        return "", 204
    if wants_json():
        return jsonify(said=str(_("请重新登录"))), 401
    if request.method == "POST":
        return kept_form.keep()
    return redirect(url_for("identity.login", next=request.full_path.rstrip("?")))


def _protect(response: Response) -> Response:
    response.headers.update(_HEADERS)
    if request.endpoint not in ("asset", "static"):
        response.headers["Cache-Control"] = "no-store"
    return response


def _on_refused(refused: Refused) -> Any:
    if refused.status == 401:  # the token is not good any more, whatever it says of itself
        return _ask_to_sign_in()
    return render_template("problem.html", refused=refused), refused.status


def _on_too_many(refusal: TooManyRequests) -> tuple[str, int, dict[str, str]]:
    log.warning("console.rate_limit", route=request.url_rule.rule if request.url_rule else "unmatched")
    headers = {"Retry-After": str(refusal.extra["retry_after"])}
    there = identity.safe(request.path) if request.method == "GET" else "/"
    page = render_template("too_many.html", seconds=refusal.extra["retry_after"], there=there)
    return page, refusal.status, headers


def _on_away(away: Away) -> tuple[str, int]:
    log.warning("console.service_away", away=str(away))
    return render_template("away.html"), 503


def _on_too_large(_error: RequestEntityTooLarge) -> tuple[str, int]:
    return render_template("too_large.html", most=uploads.MOST_BYTES // 2**20), 413


def _on_database_away(trouble: Exception) -> tuple[str, int]:
    """It went while the request was on its way; what the session would have kept is not kept."""
    log.warning("console.database_away", cause=type(trouble).__name__)
    session.is_away = True  # type: ignore[attr-defined]
    return render_template("away.html"), 503


def _on_fault(fault: InternalServerError) -> Any:
    """What comes when the answer is made already comes here: the session could not be kept."""
    trouble = fault.original_exception
    return _on_database_away(trouble) if isinstance(trouble, DATABASE_AWAY) else fault


def _add_health(app: Flask) -> None:
    @app.get("/health/live")
    @public
    def live() -> Response:
        return jsonify(status="live")

    @app.get("/health/ready")
    @public
    def ready() -> Response:
        return jsonify(status="ready")


def _helpers() -> dict[str, Any]:
    return {
        "account": current_account(),
        "may": _may,
        "clock_words": words.clock_words,
        "due_words": words.due_words,
        "is_overdue": words.is_overdue,
        "place": lambda code: divisions().full_name(code),
        "language": str(get_locale()),
        "is_large": session_pages.is_large(),
        "can_undo": words.can_undo,
        "rejection_grounds": words.REJECTION_GROUNDS,
        "attachment_kinds": words.ATTACHMENT_KINDS,
        "new_key": lambda: str(new_id()),
        "states": words.STATES,
        "state_words": words.state_words,
        "kinds": words.KINDS,
        "grounds": words.GROUNDS,
        "release_kinds": words.RELEASE_KINDS,
        "addressees": words.ADDRESSEES,
        **custody_words.TABLES,
        **measure_words.TABLES,
        "due_asks": dues.due_asks,
        "due_basis": dues.due_basis,
        "outcomes": words.OUTCOMES,
        "trace_kinds": words.TRACE_KINDS,
        "pause_reasons": words.PAUSE_REASONS,
        "close_reasons": words.CLOSE_REASONS,
        "closed_by_itself": words.CLOSED_BY_ITSELF,
        "rules": words.RULES,
        "verdicts": words.VERDICTS,
        "letter_states": words.LETTER_STATES,
        "discrepancy_kinds": words.DISCREPANCIES,
        "discrepancy_details": words.DISCREPANCY_DETAILS,
        "remedies": words.REMEDIES,
        "owner_words": words.owner_words,
        "sexes": words.SEXES,
        "looks": words.LOOKS,
        "services": words.SERVICES,
        "party_roles": words.PARTY_ROLES,
        "holder_words": words.holder_words,
        "office_choices": words.office_choices,
        "problems": problem_words.PROBLEMS,
        "import_states": import_words.STATES,
        "import_changes": import_words.CHANGES,
        "import_fault": import_words.fault_words,
        "import_refusal": import_words.refusal_words,
        "import_notice": import_words.notice_words,
        "field_fault": problem_words.field_fault,
        "channels": words.CHANNELS,
        "telling_states": words.TELLING_STATES,
        "delivery_states": words.DELIVERY_STATES,
        "delivery_reasons": words.DELIVERY_REASONS,
        "digests": words.DIGESTS,
        "recipient_words": words.recipient_words,
    }
