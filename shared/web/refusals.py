"""Refusals that only HTTP knows, beside those of `shared.kernel.errors`."""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError

from shared.kernel.errors import BatonError, FieldProblem, InvalidInput


class BadRequest(BatonError):
    """The request itself cannot be read."""

    status = 400


class Unauthenticated(BatonError):
    """Nobody known is asking. ``challenge`` tells a client how to sign in (RFC 6750)."""

    status = 401

    def __init__(self, code: str, detail: str, *, challenge: str = "Bearer") -> None:
        super().__init__(code, detail)
        self.challenge = challenge


class BodyTooLarge(BatonError):
    """More than is read of one request."""

    status = 413


class TooManyRequests(BatonError):
    """The client asks too often. ``headers`` tell how much it may ask."""

    status = 429

    def __init__(self, code: str, detail: str, headers: Mapping[str, str], *, retry_after: int) -> None:
        super().__init__(code, detail, retry_after=retry_after)
        self.headers = headers


class UnsupportedBody(BatonError):
    """A body in a format that is not read here."""

    status = 415


class InvalidQuery(InvalidInput):
    """One query parameter cannot be right. ``name`` is the parameter's."""

    location = "query"

    def __init__(self, name: str, code: str, detail: str, **extra: Any) -> None:
        super().__init__(code, detail, fields=[FieldProblem(f"/{name}", code, detail)], **extra)


class CodedText(str):
    """A validator's message that carries the stable code of the problem."""

    __slots__ = ("code",)
    code: str


def field_error(code: str, detail: str) -> ValidationError:
    """What a marshmallow validator raises so that the field's problem has a stable code."""
    text = CodedText(detail)
    text.code = code
    return ValidationError([text])
