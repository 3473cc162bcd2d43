"""Keeping personal data and secrets out of logs, whatever somebody puts in by mistake.

Two nets. By key: text is kept only under keys known to hold technical words; under any other it is withheld.
By pattern: identity and telephone numbers, tokens, credentials, values in database errors and Chinese text
(log lines are English, so Chinese in one is data) are masked everywhere, also inside exception texts.
"""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

MASK = "[redacted]"
WITHHELD = "[withheld]"

# Keys whose text is technical. Add a key here only if no value of it can ever tell who a person is.
ALLOWED_KEYS = frozenset(
    {
        "timestamp",
        "level",
        "event",
        "service",
        "logger",
        "request_id",
        "exception",
        "stack",
        "method",
        "route",
        "status",
        "code",
        "cause",
        "error",
        "reason",
        "outcome",
        "state",
        "action",
        "role",
        "queue",
        "exchange",
        "routing_key",
        "command",
        "type",
        "timer",
        "channel",
        "kind",
        "revisions",
        "needs",
        "sessions",
        "probe",
        "entity",
        "what",
        "away",
        "person_id",
        "subject",
        "task_id",
        "release_id",
        "order_id",
        "stay_id",
        "test_order_id",
        "message_id",
        "division",
        "office",
        "centre",
        "station",
        "organisation",
        "actor",
        "version",
        "revision",
        "table",
        "column",
        "setting",
        "file",
        "hash",
        "anchor",
        "day",
        "seal",
        "count",
    }
)

_HAN = r"\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_UUID = re.compile(r"(?<![0-9A-Fa-f-])([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})(?![0-9A-Fa-f-])")
_SECRETS_AND_ROWS = re.compile(
    r"(?s:\[parameters: .*?\](?=\n|$))"  # SQLAlchemy tells the values of a statement
    r"|^(?:DETAIL|LINE \d+|CONTEXT):.*$"  # PostgreSQL tells the row
    r"|(?i:\bbearer\s+[^\s\"']+)"
    r"|\bey[\w-]{8,}\.[\w-]+\.[\w-]*"  # JSON web token
    r"|(?<=://)[^/\s@]+(?=@)"  # credentials in a URL
    rf"|[{_HAN}]+(?:[·•.][{_HAN}]+)*",
    re.MULTILINE,
)
_NUMBERS = re.compile(
    r"\d{15,}[XxＸｘ]?"  # identity number, also the old one of 15 digits
    r"|(?<!\d)\d{6}[\s-]\d{8}[\s-]?\d{3}[\dXxＸｘ]"
    r"|(?<!\d)(?:\+?86[\s-]?)?1[3-9]\d[\s-]?\d{4}[\s-]?\d{4}(?!\d)"  # mobile telephone
    r"|(?<!\d)0\d{2,3}[\s-]?\d{7,8}(?!\d)"  # landline
)


def redacted_text(text: str) -> str:
    """The text, what looks like personal data or a secret masked. UUIDs stay: they are pseudonyms."""
    pieces = _UUID.split(_SECRETS_AND_ROWS.sub(MASK, text))
    pieces[::2] = [_NUMBERS.sub(MASK, piece) for piece in pieces[::2]]
    return "".join(pieces)


def redact_event(_logger: Any, _method: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """A structlog processor: the event as it may be written."""
    return {key: _redacted(value, key) for key, value in event.items()}


def _redacted(value: Any, key: str) -> Any:
    match value:
        case None | bool() | UUID() | date() | timedelta():
            return value
        case str():
            return redacted_text(str(value)) if key in ALLOWED_KEYS else WITHHELD
        case int() | float():
            return MASK if _could_be_a_number_of_somebody(value) else value
        case Mapping():
            return {redacted_text(str(inner)): _redacted(item, str(inner)) for inner, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_redacted(item, key) for item in value]
    return f"<{type(value).__name__}>"


def _could_be_a_number_of_somebody(value: float) -> bool:
    return abs(value) >= 10**10 and (isinstance(value, float) or _NUMBERS.search(str(value)) is not None)
