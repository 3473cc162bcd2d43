"""The HTTP application of a service: its blueprints, and around them what every service has.

Invariant: every answer, also to what no route takes, has a request id, security headers, an access line and,
when it is a refusal or a fault, the form of a problem document.
"""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import structlog
from flask import Flask, Response, current_app, g, request
from flask.json.provider import JSONProvider
from flask_smorest import Blueprint
from structlog.contextvars import bind_contextvars, clear_contextvars
from werkzeug.middleware.proxy_fix import ProxyFix

from shared.kernel.ids import new_id
from shared.observability.metrics import Metrics
from shared.observability.redaction import redacted_text
from shared.observability.tracing import OFF, Kind, Passed, Tracing, well_formed
from shared.web import problems
from shared.web.audit_routes import audit_blueprint
from shared.web.chassis_routes import Probe, add_chassis_routes
from shared.web.offload import Offload
from shared.web.offload import install as install_offload
from shared.web.openapi import ServiceApi
from shared.web.operation import Gate, OpenWork, note_refusal
from shared.web.ops import ops_blueprint
from shared.web.rate_limits import RateLimit, client_of
from shared.web.refusals import TooManyRequests
from shared.web.tokens import TokenVerifier

BODY_LIMIT_BYTES = 1024 * 1024
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{8,100}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PROBES = ("/health", "/metrics")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
}

log = structlog.get_logger("http")


class _FastJson(JSONProvider):
    """orjson, which writes datetimes, dates and UUIDs by itself."""

    def dumps(self, obj: Any, **_options: Any) -> str:
        """The object as JSON text."""
        return orjson.dumps(obj, default=str).decode()

    def loads(self, s: str | bytes, **_options: Any) -> Any:
        """JSON text as an object."""
        return orjson.loads(s)


def create_app(
    *,
    name: str,
    title: str,
    blueprints: Sequence[Blueprint],
    open_work: OpenWork,
    verifier: TokenVerifier,
    metrics: Metrics,
    probes: Mapping[str, Probe],
    assets: Path,
    body_limit: int = BODY_LIMIT_BYTES,
    offload: Offload = lambda compute: compute(),
    forwarded_hops: int = 0,
    tracing: Tracing = OFF,
    rate_limit: RateLimit | None = None,
) -> Flask:
    """A plain WSGI application.

    ``probes`` say by name what keeps the service from being ready; ``assets`` is the folder of installed page
    assets that holds ``swagger-ui-dist``; ``body_limit`` is in bytes; ``offload`` runs long computations;
    ``forwarded_hops`` is how many proxies say in ``X-Forwarded-For`` from where a request comes;
    ``tracing`` follows requests; ``rate_limit`` says how many a client may send.
    """
    app = Flask(name, static_folder=None)
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=forwarded_hops, x_proto=forwarded_hops)  # type: ignore[method-assign]
    app.json = _FastJson(app)
    app.url_map.strict_slashes = False
    app.config.update(
        API_TITLE=title,
        API_VERSION="1",
        OPENAPI_VERSION="3.1.0",
        MAX_CONTENT_LENGTH=body_limit,
        MAX_FORM_MEMORY_SIZE=body_limit,
    )
    app.extensions["baton_gate"] = Gate(open_work, verifier)
    app.extensions["baton_tracing"] = tracing
    problems.install(app)
    install_offload(app, offload)
    app.before_request(_begin)
    if rate_limit is not None:
        app.before_request(_limiter(rate_limit, verifier, metrics))
    app.after_request(_finisher(metrics))
    app.after_request(note_refusal)  # runs before the one above
    api = ServiceApi(app)
    for blueprint in (*blueprints, ops_blueprint(), audit_blueprint()):
        api.register_blueprint(blueprint)
    add_chassis_routes(app, api, metrics=metrics, probes=probes, assets=assets)
    return app


def _begin() -> None:
    g.started = time.perf_counter()
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _is_well_formed(given) else str(new_id())
    clear_contextvars()
    bind_contextvars(request_id=g.request_id)
    _begin_span()


def _limiter(limit: RateLimit, verifier: TokenVerifier, metrics: Metrics) -> Callable[[], None]:
    """Counts before anything else is done, so that what is refused costs little. Probes are not counted."""

    def count() -> None:
        if _route().startswith(_PROBES):
            return
        known_by, client = client_of(request, verifier)
        try:
            g.standing = limit.count(f"{known_by} {client}")
        except TooManyRequests:
            metrics.http_limited.labels(known_by).inc()
            raise

    return count


def _begin_span() -> None:
    """Follow whoever asks, unless it is a probe."""
    tracing, cause = current_app.extensions["baton_tracing"], well_formed(request.headers.get("traceparent", ""))
    if not tracing.is_on or _route().startswith(_PROBES):
        g.span = Passed(cause)
        return
    method, route = _method(), _route()
    attributes = {"http.request.method": method, "http.route": route, "baton.request_id": g.request_id}
    g.span = tracing.begin(f"{method} {route}", Kind.SERVER, cause, attributes)


def _is_well_formed(request_id: str) -> bool:
    return _REQUEST_ID.fullmatch(request_id) is not None and redacted_text(request_id) == request_id


def _finisher(metrics: Metrics) -> Callable[[Response], Response]:
    def finish(response: Response) -> Response:
        for header, value in _HEADERS.items():
            response.headers.setdefault(header, value)
        response.headers["X-Request-Id"] = g.request_id
        if "standing" in g:
            response.headers.update(g.standing.headers)
        _account(response, metrics)
        status = response.status_code
        g.span.end({"http.response.status_code": status}, error=str(status) if status >= 500 else None)
        return response

    return finish


def _account(response: Response, metrics: Metrics) -> None:
    """Count the request and write its access line: the route's template, never the path or the query."""
    seconds = time.perf_counter() - g.started
    method, route = _method(), _route()
    status_class = f"{response.status_code // 100}xx"
    metrics.http_requests.labels(method, route, status_class).inc()
    metrics.http_seconds.labels(method, route, status_class).observe(seconds)
    if not route.startswith(_PROBES):
        ms = round(seconds * 1000, 1)
        log.info("request", method=method, route=route, status=response.status_code, ms=ms)


def _method() -> str:
    return request.method if request.method in _METHODS else "OTHER"


def _route() -> str:
    return request.url_rule.rule if request.url_rule else "unmatched"
