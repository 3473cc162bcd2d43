"""What every service serves beside its API, to anybody: health, metrics, the description of the API."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import structlog
from flask import Flask, Response, abort, jsonify, send_from_directory

from shared.observability.metrics import Metrics
from shared.web.access import public
from shared.web.openapi import ServiceApi, openapi_document

Probe = Callable[[], str | None]  # what is wrong, or None

_OURS = Path(__file__).parent / "static"
_ASSET_SECONDS = 86_400
_SWAGGER_FILES = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")

log = structlog.get_logger(__name__)


def add_chassis_routes(
    app: Flask, api: ServiceApi, *, metrics: Metrics, probes: Mapping[str, Probe], assets: Path
) -> None:
    """Add health, metrics, ``/openapi.json`` and ``/docs`` to an application that has its blueprints."""
    _add_health(app, probes)
    _add_documentation(app, api, assets)

    @app.get("/metrics")
    @public
    def exposition() -> Response:
        return Response(metrics.exposition(), content_type="text/plain; version=0.0.4; charset=utf-8")


def _add_health(app: Flask, probes: Mapping[str, Probe]) -> None:
    @app.get("/health/live")
    @public
    def live() -> Response:
        return jsonify({"status": "live"})

    @app.get("/health/ready")
    @public
    def ready() -> tuple[Response, int]:
        wrong = {name: complaint for name, probe in probes.items() if (complaint := _complaint(name, probe))}
        return jsonify({"status": "not ready" if wrong else "ready", "wrong": wrong}), 503 if wrong else 200


def _complaint(name: str, probe: Probe) -> str | None:
    try:
        return probe()
    except Exception as error:
        log.exception("health.probe_failed", probe=name)
        return f"could not be asked: {type(error).__name__}"


def _add_documentation(app: Flask, api: ServiceApi, assets: Path) -> None:
    document: dict[str, Any] = {}

    @app.get("/openapi.json")
    @public
    def openapi() -> Response:
        if not document:
            document.update(openapi_document(api, app))
        return jsonify(document)

    @app.get("/docs")
    @public
    def docs() -> Response:
        return send_from_directory(_OURS, "docs.html", max_age=0)

    @app.get("/docs/assets/<file>")
    @public
    def docs_assets(file: str) -> Response:
        if file == "docs.js":
            return send_from_directory(_OURS, file, max_age=0)
        if file not in _SWAGGER_FILES:
            abort(404)
        return send_from_directory(assets / "swagger-ui-dist", file, max_age=_ASSET_SECONDS)
