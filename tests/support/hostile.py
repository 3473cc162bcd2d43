"""Requests that nobody well-meaning sends: right ones by an OpenAPI document, with something wrong in them.

The same seed gives the same requests.
"""

import gzip
import json
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import quote
from uuid import UUID

SCRIPT = "\"'><script>hostile()</script><img src=x onerror=hostile()>{{7*7}}${7*7}"
TEXTS = (
    SCRIPT,
    "'; drop table persons; --",
    "' or 1=1 --",
    "\\'; select pg_sleep(9); --",
    "%s%s%n%x",
    "../../etc/passwd\0.png",
    "\0",
    "\x1b[31m\x07\x08",
    "\u202e\u2066evil\u2069",
    "\ud800",  # half of a character
    "\ufeff\u200b\u00a0",
    "𠮷𡈽𰻝" * 3,
    "👩‍👩‍👧‍👦",
    "=cmd|' /C calc'!A0",
    "x" * 5000,
    "${jndi:ldap://127.0.0.1/a}",
    "javascript:hostile()",
    "\r\nSet-Cookie: hostile=1",
    "٣",
    "NaN",
    "",
    " ",
)
MOMENTS = (
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.999999-14:00",
    "2026-02-30",
    "2026-12-31T23:59:60Z",
    "-2026-01-01",
    "20260101T000000Z",
    "2026-01-01T00:00:00",
    "1970-01-01",
)
NUMBERS = (-1, 0, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 2**64, 10**400, 1e308, -0.0, 0.1, 5e-324)
VALUES: tuple[Any, ...] = (None, True, [], {}, [[]], {"$ref": "#"}, [None] * 300, {"": {"": ""}}, *NUMBERS)
RAW_BODIES = (
    b"",
    b"null",
    b"[]",
    b"1",
    b'"text"',
    b"{",
    b"\xff\xfe{\x00}\x00",
    b"\xef\xbb\xbf{}",
    b"{}{}",
    b'{"a":NaN}',
    b'{"a":Infinity}',
    b'{"a":1e999}',
    b'{"a":' + b"9" * 5000 + b"}",
    b'{"a":"\\ud800"}',
    b"[" * 100_000,
    b'{"a":' * 900 + b"1" + b"}" * 900,
    b'{"note":"a","note":"b","note":null}',
    b"a=1&b=2",
    gzip.compress(b'{"note":"a"}'),
    gzip.compress(b'{"note":"' + b"a" * 1000 + b'"}')[:40],
)
HEADERS: tuple[dict[str, str], ...] = (
    {"Content-Type": "application/json; charset=gb18030"},
    {"Content-Type": "application/json; charset=no-such"},
    {"Content-Type": "text/plain"},
    {"Content-Type": "multipart/form-data; boundary="},
    {"Content-Type": "multipart/form-data; boundary=x"},
    {"Content-Type": "application/x-www-form-urlencoded"},
    {"Content-Type": "application/xml"},
    {"Content-Type": "\x7f"},
    {"Content-Encoding": "gzip"},
    {"Content-Length": "-1"},
    {"Content-Length": "9999999999999999999"},
    {"Transfer-Encoding": "chunked"},
    {"Idempotency-Key": ""},
    {"Idempotency-Key": "k" * 5000},
    {"Idempotency-Key": "é\xa0"},
    {"If-Match": '"x"'},
    {"Range": "bytes=5-1"},
    {"Accept": "*/"},
    {"Accept-Language": "x" * 300},
    {"X-Request-Id": "'; --"},
    {"X-Forwarded-For": "not an address, ::1"},
    {"traceparent": "00-0-0-0"},
    {"Expect": "100-continue"},
)


@dataclass(frozen=True, slots=True)
class Hostile:
    """A request: ``template`` is the operation's path, ``path`` the one that is asked."""

    method: str
    template: str
    path: str
    roles: tuple[str, ...]
    headers: dict[str, str]
    body: bytes | None


class HostileRequests:
    """See the module. Ids that are ``known`` make some requests reach what is there."""

    def __init__(self, document: dict[str, Any], seed: int, known: list[str], rarely: str = "") -> None:
        """``rarely`` is the end of paths that are asked for a tenth as often, because they cost much."""
        self._document = document
        self._chance = Random(seed)
        self._known = known
        self._rarely = rarely
        self._operations = [
            (verb, path, item)
            for path, item in document["paths"].items()
            for verb in ("get", "put", "post", "delete")
            if verb in item
        ]

    def __iter__(self) -> Iterator[Hostile]:
        """Without end, each operation as often as every other."""
        while True:
            for verb, path, item in self._operations:
                if self._rarely and path.endswith(self._rarely) and self._chance.random() < 0.9:
                    continue
                yield self._request(verb, path, item)

    def _request(self, verb: str, path: str, item: dict[str, Any]) -> Hostile:
        operation, chance = item[verb], self._chance
        parameters = [*item.get("parameters", ()), *operation.get("parameters", ())]
        target = self._path(path, parameters) + self._query(parameters)
        headers = {"Idempotency-Key": str(UUID(int=chance.getrandbits(128)))}
        body = None
        if "requestBody" in operation:
            kind, content = chance.choice(list(operation["requestBody"]["content"].items()))
            headers["Content-Type"] = kind
            is_json = kind == "application/json"
            body = self._body(content["schema"]) if is_json else chance.choice(TEXTS).encode(errors="replace")
        if chance.random() < 0.08:
            headers |= chance.choice(HEADERS)
        return Hostile(verb.upper(), path, target, tuple(operation["x-roles"]), headers, body)

    def _path(self, template: str, parameters: list[dict[str, Any]]) -> str:
        schemas = {one["name"]: one["schema"] for one in parameters if one.get("in") == "path"}

        def value(found: re.Match[str]) -> str:
            schema = schemas[found[1]]
            if self._chance.random() < 0.06:
                return self._quoted(self._chance.choice(TEXTS))
            return self._quoted(self._value(schema))

        return re.sub(r"\{([^}]+)\}", value, template)

    def _query(self, parameters: list[dict[str, Any]]) -> str:
        said = []
        for one in parameters:
            if one.get("in") == "query" and (one.get("required") or self._chance.random() < 0.4):
                wrong = self._chance.random() < 0.3
                value = self._hostile() if wrong else self._value(self._resolved(one["schema"]))
                said.append(f"{one['name']}={self._quoted(value)}")
        if self._chance.random() < 0.05:
            said.append(f"{self._quoted(self._chance.choice(TEXTS))}=1")
        return f"?{'&'.join(said)}" if said else ""

    @staticmethod
    def _quoted(value: Any) -> str:
        text = value if isinstance(value, str) else json.dumps(value)
        return quote(text.encode("utf-8", "surrogatepass"), safe="") or "%20"

    def _body(self, schema: dict[str, Any]) -> bytes:
        chance = self._chance
        if chance.random() < 0.08:
            return chance.choice(RAW_BODIES)
        value = self._value(schema)
        for _ in range(chance.choice((0, 0, 1, 1, 1, 2, 3))):
            value = self._changed(value)
        body = json.dumps(value).encode()
        return self._damaged(body) if chance.random() < 0.06 else body

    def _damaged(self, body: bytes) -> bytes:
        chance, place = self._chance, self._chance.randrange(len(body) + 1)
        ways: tuple[Callable[[], bytes], ...] = (
            lambda: body[:place],
            lambda: body[:place] + bytes([chance.randrange(256)]) + body[place:],
            lambda: body + body,
            lambda: body.decode().encode("utf-16"),
        )
        return chance.choice(ways)()

    def _changed(self, value: Any) -> Any:
        """The value with one thing in it replaced, left out or added."""
        chance, value = self._chance, deepcopy(value)
        place = value
        while isinstance(place, dict | list) and place:
            key = chance.choice(list(place)) if isinstance(place, dict) else chance.randrange(len(place))
            if isinstance(place[key], dict | list) and place[key] and chance.random() < 0.8:
                place = place[key]
                continue
            match chance.randrange(8):
                case 0:
                    del place[key]
                case 1 if isinstance(place, dict):
                    place[chance.choice(TEXTS)] = self._hostile()
                case _:
                    place[key] = self._hostile()
            return value
        return self._hostile()

    def _hostile(self) -> Any:
        return self._chance.choice(self._chance.choice((TEXTS, MOMENTS, VALUES)))

    def _value(self, schema: dict[str, Any]) -> Any:
        """A value that the schema allows, as far as it says."""
        schema, chance = self._resolved(schema), self._chance
        if "enum" in schema:
            return chance.choice(schema["enum"])
        for choice in ("oneOf", "anyOf"):
            if choice in schema:
                return self._value(chance.choice(schema[choice]))
        if "allOf" in schema:
            return self._value(schema["allOf"][0])
        kind = schema.get("type", "object" if "properties" in schema else "string")
        return self._of_kind(chance.choice(kind) if isinstance(kind, list) else kind, schema)

    def _of_kind(self, kind: str, schema: dict[str, Any]) -> Any:
        chance = self._chance
        low, high = schema.get("minimum", 0), schema.get("maximum", 1000)
        match kind:
            case "object":
                names = schema.get("properties", {})
                said = [name for name in names if name in schema.get("required", ()) or chance.random() < 0.6]
                return {name: self._value(names[name]) for name in said}
            case "array":
                return [
                    self._value(schema["items"]) for _ in range(max(schema.get("minItems", 0), chance.randrange(3)))
                ]
            case "integer":
                return chance.randint(int(low), int(max(low, min(high, low + 1000))))
            case "number":
                return chance.uniform(low, max(low, min(high, low + 1000)))
            case "boolean":
                return chance.random() < 0.5
            case "null":
                return None
        return self._text(schema)

    def _text(self, schema: dict[str, Any]) -> str:
        chance = self._chance
        day = f"20{chance.randrange(24, 28)}-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}"
        match schema.get("format"):
            case "uuid":
                return chance.choice(self._known) if self._known and chance.random() < 0.8 else _random_id(chance)
            case "date":
                return day
            case "date-time":
                return f"{day}T{chance.randrange(24):02}:00:00+08:00"
        if "example" in schema:
            return str(schema["example"])
        length = chance.randint(schema.get("minLength", 1), max(schema.get("minLength", 1), 12))
        if chance.random() < 0.5:
            return chance.choice(("示例", "430802001", "centre-1", "org-1", "2026-11-22", "drug_testing", "figures"))
        return "".join(chance.choice("示例abc 0123-_/.'\"<>") for _ in range(length))

    def _resolved(self, node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            target: Any = self._document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node


def _random_id(chance: Random) -> str:
    return str(UUID(int=chance.getrandbits(128), version=4))
