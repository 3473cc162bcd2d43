"""Reading what was sent: what cannot be read or could not be stored is refused here, and the place told.

Invariant: no text with control characters and no number beyond 64 bits reaches a schema, whatever the schema allows.
Control characters are those that no document has (C0 except tab and ends of lines, C1), and those that change the
order in which what stands beside them is shown.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from flask import Request, current_app
from flask_smorest import Blueprint as SmorestBlueprint
from marshmallow import RAISE, Schema, missing
from webargs.flaskparser import FlaskParser
from webargs.multidictproxy import MultiDictProxy
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from shared.kernel.errors import FieldProblem, InvalidInput, NotFound
from shared.web.refusals import BadRequest, InvalidQuery, UnsupportedBody

_LARGEST = 2**63
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def read_body(request: Request) -> bytes:
    """The whole body.

    Raises: werkzeug's RequestEntityTooLarge, and BadRequest ``body.unreadable`` when it breaks off.
    """
    limit: int = request.max_content_length or current_app.config["MAX_CONTENT_LENGTH"]
    if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
        # Every server that we run under ends a chunked body itself; werkzeug would take it for empty.
        request.environ["wsgi.input_terminated"] = True
        # And it would cut a body at the limit without a word; one byte more tells.
        request.max_content_length = limit + 1
    try:
        body = request.get_data(cache=True)
    except ClientDisconnected as error:
        raise BadRequest("body.unreadable", "the body broke off or is wrongly chunked") from error
    if len(body) > limit:
        raise RequestEntityTooLarge
    return body


def parse_json(body: bytes) -> Any:
    """A body as JSON.

    Raises: BadRequest ``body.not_json`` (with the position), InvalidInput ``body.not_storable``.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        detail = f"the body is not JSON: {error.msg} (line {error.lineno}, column {error.colno})"
        raise BadRequest("body.not_json", detail, position=error.pos) from None
    faults = list(_unstorable(value, ""))
    if faults:
        raise InvalidInput("body.not_storable", f"{faults[0].pointer}: {faults[0].detail}", fields=faults)
    return value


def refuse_unstorable_path(arguments: Mapping[str, Any]) -> None:
    """Nothing has an id with U+0000 in it.

    Raises: NotFound.
    """
    if any(isinstance(value, str) and "\0" in value for value in arguments.values()):
        raise NotFound("route.not_found", "nothing has such an id")


class RequestParser(FlaskParser):
    """webargs' parser, strict about what it reads: a misspelt filter is refused, not taken for none."""

    DEFAULT_UNKNOWN_BY_LOCATION = FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION | {"query": RAISE}

    def load_json(self, req: Request, schema: Schema) -> Any:
        """The body as JSON, or missing when there is none."""
        body = read_body(req)
        if not body:
            return missing
        charset = req.mimetype_params.get("charset", "utf-8")
        if req.mimetype != "application/json" or charset.lower() != "utf-8":
            raise UnsupportedBody("body.content_type", "send application/json in UTF-8")
        return parse_json(body)

    def load_querystring(self, req: Request, schema: Schema) -> MultiDictProxy:
        """The query parameters."""
        for name, value in req.args.items(multi=True):
            if "\0" in name or "\0" in value:
                name = name.replace("\0", "")
                raise InvalidQuery(name, "text.nul_character", "texts cannot contain U+0000")
        return super().load_querystring(req, schema)  # type: ignore[no-any-return]


class Blueprint(SmorestBlueprint):  # type: ignore[misc]
    """flask-smorest's blueprint with our parser."""

    ARGUMENTS_PARSER = RequestParser()

    def arguments(self, schema: Schema | type[Schema], **options: Any) -> Any:
        """See flask-smorest. The schema is made once, not for each request."""
        return super().arguments(schema() if isinstance(schema, type) else schema, **options)


def pointer_to(parent: str, key: object) -> str:
    """A JSON pointer one step deeper (RFC 6901)."""
    return f"{parent}/{str(key).replace('~', '~0').replace('/', '~1')}"


def _told(character: str) -> tuple[str, str]:
    code = "text.control_character" if ord(character) else "text.nul_character"
    return code, f"texts cannot contain U+{ord(character):04X}"


def _unstorable(value: Any, pointer: str) -> Iterator[FieldProblem]:
    if isinstance(value, str):
        found = _CONTROLS.search(value)
        if found is not None:
            yield FieldProblem(pointer, *_told(found[0]))
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _unstorable(key, pointer)
            yield from _unstorable(inner, pointer_to(pointer, key))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _unstorable(inner, pointer_to(pointer, place))
    elif isinstance(value, int | float) and abs(value) >= _LARGEST:
        yield FieldProblem(pointer, "number.out_of_range", "numbers have at most 64 bits")
