"""Problem documents (RFC 9457): the one shape in which every refusal and every fault is told."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
import structlog
from flask import Flask, Response, current_app, g, has_request_context, request
from marshmallow import INCLUDE, Schema, ValidationError, fields
from sqlalchemy.exc import DataError, SQLAlchemyError
from werkzeug.exceptions import HTTPException

from shared.kernel.errors import BatonError, FieldProblem, InvalidInput
from shared.storage.errors import is_unavailable
from shared.web.body import pointer_to
from shared.web.refusals import BodyTooLarge, CodedText, TooManyRequests, Unauthenticated

CONTENT_TYPE = "application/problem+json"
RETRY_SECONDS = 2
TITLES = {
    400: "The request cannot be read",
    401: "Sign in first",
    403: "Not allowed",
    404: "Not found",
    405: "Not possible here",
    409: "Not possible in this state",
    413: "Too large",
    415: "Wrong content type",
    422: "Something in the request is wrong",
    429: "Too many requests",
    500: "An error on our side",
    503: "Not available at the moment",
}
_HTTP_CODES = {400: "request.malformed", 404: "route.not_found", 405: "route.method_not_allowed"}
# marshmallow gives texts only; these are how its own begin.
_FIELD_CODES = (
    ("Missing data", "required"),
    ("Unknown field", "unknown_field"),
    ("Field may not be null", "null"),
    ("Not a valid", "type"),
    ("Invalid input type", "type"),
    ("Must be one of", "choice"),
    ("Shorter than", "length"),
    ("Longer than", "length"),
    ("Length must be", "length"),
    ("Must be greater", "range"),
    ("Must be less", "range"),
)

log = structlog.get_logger(__name__)


class FieldProblemSchema(Schema):
    """One field's fault."""

    pointer = fields.String(required=True, metadata={"description": "JSON pointer within the location"})
    location = fields.String(required=True, metadata={"enum": ["body", "query", "headers"]})
    code = fields.String(required=True, metadata={"description": "Stable, for programs"})
    detail = fields.String(required=True)


class ProblemSchema(Schema):
    """A problem document (RFC 9457). Some refusals tell more, in members of their own."""

    class Meta:
        unknown = INCLUDE

    type = fields.String(required=True, metadata={"description": "urn:baton:problem: and the code"})
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    code = fields.String(required=True, metadata={"description": "Stable, for programs"})
    detail = fields.String(required=True)
    instance = fields.String()
    request_id = fields.String()
    errors = fields.List(fields.Nested(FieldProblemSchema))


def problem_of(error: BatonError) -> dict[str, Any]:
    """The problem document of a refusal, inside a request or outside."""
    location = getattr(error, "location", "body")
    faults = [
        {"pointer": fault.pointer, "location": location, "code": fault.code, "detail": fault.detail}
        for fault in error.fields
    ]
    return problem(error.status, error.code, error.detail, faults, error.extra)


def invalid_input_of(error: ValidationError) -> InvalidInput:
    """marshmallow's complaint about a body as a refusal (where no HTTP request is at hand)."""
    faults = list(field_problems(error.messages, "body"))
    problems = [FieldProblem(fault["pointer"], fault["code"], fault["detail"]) for fault in faults]
    return InvalidInput(_common_code(faults), _summary(faults), fields=problems)


def problem(
    status: int,
    code: str,
    detail: str,
    faults: Sequence[Mapping[str, str]] = (),
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A problem document. ``extra`` adds members and replaces none."""
    document: dict[str, Any] = dict(extra or {})
    document |= {
        "type": f"urn:baton:problem:{code}",
        "title": TITLES.get(status, "Problem"),
        "status": status,
        "code": code,
        "detail": detail,
    }
    if has_request_context():
        document |= {"instance": request.path, "request_id": g.get("request_id")}
    if faults:
        document["errors"] = list(faults)
    return document


def respond(document: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """A problem document as the answer."""
    if has_request_context():
        g.refused = document["code"]
    body = orjson.dumps(document, default=str)
    return Response(body, status=document["status"], content_type=CONTENT_TYPE, headers=dict(headers or {}))


def install(app: Flask) -> None:
    """Render every error of the application as a problem document."""
    app.register_error_handler(HTTPException, on_http_error)
    app.register_error_handler(BatonError, _on_refusal)
    app.register_error_handler(SQLAlchemyError, _on_database_error)
    app.register_error_handler(OverflowError, _on_unstorable_value)
    app.register_error_handler(Exception, _on_fault)


def on_http_error(error: HTTPException) -> Any:
    """werkzeug's and webargs' errors."""
    status = error.code or 500
    messages = (getattr(error, "data", None) or {}).get("messages")
    if status < 400 or error.response is not None:
        return error
    if isinstance(messages, dict):
        faults = [fault for location, found in messages.items() for fault in field_problems(found, location)]
        return respond(problem(status, _common_code(faults), _summary(faults), faults))
    if status == 413:
        return _on_refusal(_too_large())
    code = _HTTP_CODES.get(status, f"http.{status}")
    headers = {name: value for name, value in error.get_headers() if name.lower() != "content-type"}
    return respond(problem(status, code, error.description or error.name), headers)


def field_problems(found: Any, location: str, pointer: str = "") -> Iterator[dict[str, str]]:
    """marshmallow's nested messages as a flat list of field problems."""
    if isinstance(found, Mapping):
        for key, inner in found.items():
            deeper = pointer if key == "_schema" else pointer_to(pointer, key)
            yield from field_problems(inner, location, deeper)
        return
    place = {"json": "body", "querystring": "query"}.get(location, location)
    for message in found if isinstance(found, list) else [found]:
        yield {"pointer": pointer, "location": place, "code": _code_of(message), "detail": str(message)}


def _code_of(message: Any) -> str:
    if isinstance(message, CodedText):
        return message.code
    return next((code for start, code in _FIELD_CODES if str(message).startswith(start)), "invalid")


def _common_code(faults: Sequence[Mapping[str, str]]) -> str:
    """A single coded fault names the whole problem, e.g. ``division.unknown``; else ``validation.failed``."""
    codes = {fault["code"] for fault in faults}
    only = codes.pop() if len(codes) == 1 else ""
    return only if "." in only else "validation.failed"


def _summary(faults: Sequence[Mapping[str, str]]) -> str:
    told = "; ".join(f"{fault['pointer'] or 'body'}: {fault['detail']}" for fault in faults[:3])
    return told or "the request is not valid"


def _too_large() -> BodyTooLarge:
    limit = request.max_content_length or current_app.config["MAX_CONTENT_LENGTH"]
    return BodyTooLarge("body.too_large", f"a body has at most {limit} bytes", limit_bytes=limit)


def _on_refusal(error: BatonError) -> Response:
    headers = {}
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = error.challenge
    if isinstance(error, TooManyRequests):
        headers |= error.headers
    if error.status == 413:
        headers["Connection"] = "close"
    if "retry_after" in error.extra:
        headers["Retry-After"] = str(error.extra["retry_after"])
    return respond(problem_of(error), headers)


def _on_database_error(error: SQLAlchemyError) -> Response:
    if is_unavailable(error):
        log.warning("storage.unavailable", cause=type(error).__name__)
        detail = "the database does not answer; nothing was changed, try again"
        document = problem(503, "storage.unavailable", detail, extra={"retry_after": RETRY_SECONDS})
        return respond(document, {"Retry-After": str(RETRY_SECONDS)})
    # A value that the database refuses, or that its driver cannot even write, such as a moment before year 1 in UTC.
    if isinstance(error, DataError) or isinstance(getattr(error, "orig", None), OverflowError):
        return _on_unstorable_value(error)
    return _on_fault(error)


def _on_unstorable_value(error: Exception) -> Response:
    """A number or a date that passed the schema and is beyond what can be reckoned with or stored."""
    log.warning("request.value_out_of_range", error=type(error).__name__, exc_info=error)
    return respond(problem(422, "value.out_of_range", "a number or a date in the request is out of range"))


def _on_fault(error: Exception) -> Response:
    log.error("request.failed", error=type(error).__name__, exc_info=error)
    return respond(problem(500, "internal", "an error on our side; the request id finds it in the log"))
