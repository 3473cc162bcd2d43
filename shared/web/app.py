"""The HTTP application of a service: its blueprints, and around them what every service has.

``/openapi.json``, ``/docs`` (browsable, no asset from another host), ``/metrics``, ``/health/live``, ``/health/ready``.
"""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import structlog
from flask import Flask, Response, g, jsonify, request, send_from_directory
from flask.json.provider import JSONProvider
from flask_smorest import Api, Blueprint
from structlog.contextvars import bind_contextvars, clear_contextvars
from werkzeug.exceptions import HTTPException

from shared.kernel.errors import BatonError, InvalidInput
from shared.kernel.ids import new_id
from shared.observability.metrics import Metrics
from shared.web import problems
from shared.web.openapi import complete
from shared.web.operation import BadRequest, Gate, OpenWork
from shared.web.tokens import TokenVerifier

BODY_LIMIT_BYTES = 1024 * 1024
Probe = Callable[[], str | None]  # what is wrong, or None
PUBLIC = ("/health/", "/metrics", "/openapi.json", "/docs")
_REQUEST_ID = re.compile(r"^[\w.:-]{8,100}$")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}

log = structlog.get_logger("http")


class UnsupportedBody(BatonError):
    """A body in a format that is not read here."""

    status = 415


class _FastJson(JSONProvider):
    """orjson, which writes datetimes, dates and UUIDs by itself."""

    def dumps(self, obj: Any, **_options: Any) -> str:
        """The object as JSON text."""
        return orjson.dumps(obj, default=str).decode()

    def loads(self, s: str | bytes, **_options: Any) -> Any:
        """JSON text as an object."""
        return orjson.loads(s)


class _Api(Api):  # type: ignore[misc]
    ERROR_SCHEMA = problems.ProblemSchema

    def handle_http_exception(self, error: HTTPException) -> Response:
        """Render werkzeug's and webargs' errors as problem documents."""
        return problems.on_http_error(error)


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
) -> Flask:
    """A plain WSGI application; ``probes`` say by name what keeps the service from being ready."""
    app = Flask(name, static_folder=None)
    app.json = _FastJson(app)
    app.url_map.strict_slashes = False
    app.config.update(
        API_TITLE=title,
        API_VERSION="1",
        OPENAPI_VERSION="3.1.0",
        MAX_CONTENT_LENGTH=BODY_LIMIT_BYTES,
        MAX_FORM_MEMORY_SIZE=BODY_LIMIT_BYTES,
    )
    app.extensions["baton_gate"] = Gate(open_work, verifier)
    problems.install(app)
    app.before_request(_begin)
    app.before_request(_check_body)
    app.after_request(lambda response: _end(response, metrics))
    api = _Api(app)
    for blueprint in blueprints:
        api.register_blueprint(blueprint)
    _add_chassis_routes(app, api, metrics, probes, assets)
    return app


def _begin() -> None:
    g.started = time.perf_counter()
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _REQUEST_ID.match(given) else str(new_id())
    clear_contextvars()
    bind_contextvars(request_id=g.request_id)


def _check_body() -> None:
    """Refuse a body that no operation can read, before any of them is reached."""
    if request.method not in ("POST", "PUT", "PATCH") or request.url_rule is None:
        return
    body = request.get_data(cache=True)
    if not body:
        return
    if request.mimetype != "application/json":
        raise UnsupportedBody("body.content_type", "send application/json")
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest("body.not_json", f"the body is not JSON: {error.msg} at byte {error.pos}") from None
    if b"\\u0000" in body:
        raise InvalidInput("body.nul_character", "texts cannot contain the character U+0000")


def _end(response: Response, metrics: Metrics) -> Response:
    for header, value in _HEADERS.items():
        response.headers.setdefault(header, value)
    response.headers["X-Request-Id"] = g.get("request_id", "")
    route = request.url_rule.rule if request.url_rule else "unmatched"
    seconds = time.perf_counter() - g.get("started", time.perf_counter())
    metrics.http_requests.labels(request.method, route, str(response.status_code)).inc()
    metrics.http_seconds.labels(request.method, route).observe(seconds)
    if not route.startswith(("/health", "/metrics")):
        ms = round(seconds * 1000, 1)
        log.info("request", method=request.method, route=route, status=response.status_code, ms=ms)
    return response


def _add_chassis_routes(app: Flask, api: Api, metrics: Metrics, probes: Mapping[str, Probe], assets: Path) -> None:
    document: dict[str, Any] = {}

    @app.get("/health/live")
    def live() -> Any:
        return jsonify({"status": "live"})

    @app.get("/health/ready")
    def ready() -> Any:
        wrong = {name: complaint for name, probe in probes.items() if (complaint := probe())}
        return jsonify({"status": "not ready" if wrong else "ready", "wrong": wrong}), 503 if wrong else 200

    @app.get("/metrics")
    def exposition() -> Response:
        return Response(metrics.exposition(), content_type="text/plain; version=0.0.4; charset=utf-8")

    @app.get("/openapi.json")
    def openapi() -> Any:
        if not document:
            document.update(complete(api.spec.to_dict(), app))
        return jsonify(document)

    @app.get("/docs")
    def docs() -> Any:
        return send_from_directory(_static(), "docs.html", max_age=0)

    @app.get("/docs/assets/<path:file>")
    def docs_assets(file: str) -> Any:
        ours = file in ("docs.js",)
        return send_from_directory(_static() if ours else assets / "swagger-ui-dist", file, max_age=86_400)


def _static() -> Path:
    return Path(__file__).parent / "static"
