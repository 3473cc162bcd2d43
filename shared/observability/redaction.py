"""Keeping personal data out of logs, whatever somebody puts in by mistake."""

import re
from collections.abc import Mapping
from typing import Any

MASK = "[redacted]"
_PERSONAL_KEYS = frozenset(
    {
        "name",
        "full_name",
        "identity_number",
        "phone",
        "telephone",
        "address",
        "residence_detail",
        "password",
        "authorization",
        "token",
        "cookie",
        "body",
    }
)
_PATTERNS = (
    re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)"),  # identity number
    re.compile(r"(?<!\d)(?:\+?86)?1[3-9]\d{9}(?!\d)"),  # mobile telephone
    re.compile(r"(?<!\d)0\d{2,3}-?\d{7,8}(?!\d)"),  # landline
    re.compile(r"\bey[\w-]{8,}\.[\w-]+\.[\w-]*"),  # JSON web token
    re.compile(r"(?i)bearer\s+\S+"),
    re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"),  # credentials in a URL
)


def redacted_text(text: str) -> str:
    """The text with everything that looks like personal data or a secret masked."""
    for pattern in _PATTERNS:
        text = pattern.sub(MASK, text)
    return text


def redacted(value: Any) -> Any:
    """The value with personal keys and patterns masked, at any depth."""
    if isinstance(value, str):
        return redacted_text(value)
    if isinstance(value, Mapping):
        return {k: MASK if str(k).lower() in _PERSONAL_KEYS else redacted(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redacted(item) for item in value]
    return value


def redact_event(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """A structlog processor."""
    return {key: MASK if key.lower() in _PERSONAL_KEYS else redacted(value) for key, value in event.items()}
