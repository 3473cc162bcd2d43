"""Refusals, with a stable code for machines and a sentence for people.

Rendered once, as a problem document (RFC 9457), in `shared.web.problems`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one field. ``pointer`` is a JSON pointer such as ``/release_at``."""

    pointer: str
    code: str
    detail: str


class BatonError(Exception):
    """A refusal that the asker can understand. ``extra`` is told too, e.g. who was faster and when."""

    status = 400

    def __init__(self, code: str, detail: str, *, fields: Sequence[FieldProblem] = (), **extra: Any) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.fields = tuple(fields)
        self.extra = extra


class InvalidInput(BatonError):
    """What was sent cannot be right."""

    status = 422


class NotFound(BatonError):
    """There is no such thing, or not for the asker."""

    status = 404


class Conflict(BatonError):
    """Right in itself, but not in the state that things are in."""

    status = 409


class Forbidden(BatonError):
    """Not for this asker."""

    status = 403


class Poison(Exception):
    """A message that can never work, however often it is tried. ``reason`` is a stable word."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(detail or reason)
        self.reason = reason


def invalid_field(pointer: str, code: str, detail: str, **extra: Any) -> InvalidInput:
    """An `InvalidInput` about one field, with the field's code as its own."""
    return InvalidInput(code, detail, fields=[FieldProblem(pointer, code, detail)], **extra)
