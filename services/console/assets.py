"""Styles and scripts: under names that change with their content, compressed once, kept by browsers for ever.

Pages are compressed as they are sent. A page that holds a secret beside what somebody else chose could be guessed by
its length (BREACH); our cookies are not sent with what other sites ask for (SameSite), so nobody can try.
"""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePath

import brotli
from flask import Flask, Response, request
from werkzeug.exceptions import NotFound

from shared.web.access import public

OWN = Path(__file__).parent / "static"
INSTALLED = {
    "pico.css": "@picocss/pico/css/pico.min.css",
    "htmx.js": "htmx.org/dist/htmx.min.js",
}
NAMES = (*INSTALLED, "console.css", "officer.js")
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
YEAR_SECONDS = 365 * 86_400
PAGE_QUALITY = 5  # brotli's, for what is compressed again and again
SMALLEST = 500  # bytes; below it compressing saves nothing
_COMPRESSED = frozenset({"text/html", "text/csv", "application/json"})


@dataclass(frozen=True)
class Asset:
    """One file. ``name`` is what it is asked for by."""

    source: str
    plain: bytes = field(repr=False)

    @cached_property
    def name(self) -> str:
        """With a fingerprint: another content has another name."""
        path = PurePath(self.source)
        return f"{path.stem}.{hashlib.sha256(self.plain).hexdigest()[:12]}{path.suffix}"

    @cached_property
    def encoded(self) -> Mapping[str, bytes]:
        """By content coding, the smallest first."""
        return {"br": brotli.compress(self.plain), "gzip": gzip.compress(self.plain, 9, mtime=0)}


class Assets:
    """All of them. ``installed`` is the folder of npm packages."""

    def __init__(self, installed: Path) -> None:
        files = {name: installed / INSTALLED[name] if name in INSTALLED else OWN / name for name in NAMES}
        self._assets = {name: Asset(name, path.read_bytes()) for name, path in files.items() if path.exists()}
        self._by_name = {asset.name: asset for asset in self._assets.values()}

    def url(self, name: str) -> str:
        """Where a page finds it; one that is not installed is nowhere."""
        asset = self._assets.get(name)
        return f"/assets/{asset.name if asset else name}"

    def answer(self, name: str) -> Response:
        """The file as the browser takes it.

        Raises: NotFound.
        """
        if name not in self._by_name:
            raise NotFound
        asset = self._by_name[name]
        coding = _coding()
        content = asset.encoded[coding] if coding else asset.plain
        answer = Response(content, content_type=TYPES[PurePath(name).suffix])
        answer.headers["Cache-Control"] = f"public, max-age={YEAR_SECONDS}, immutable"
        _say_coding(answer, coding)
        return answer


def install(app: Flask, assets: Assets) -> None:
    """Serve them, and compress pages."""

    @app.get("/assets/<name>")
    @public
    def asset(name: str) -> Response:
        return assets.answer(name)

    app.context_processor(lambda: {"asset": assets.url})
    app.after_request(_compress)


def _compress(response: Response) -> Response:
    """What is worth it."""
    is_worth_it = (
        response.mimetype in _COMPRESSED and not response.is_streamed and "Content-Encoding" not in response.headers
    )
    if not is_worth_it or len(response.get_data()) < SMALLEST:
        return response
    coding = _coding()
    if coding == "br":
        response.set_data(brotli.compress(response.get_data(), quality=PAGE_QUALITY))
    elif coding == "gzip":
        response.set_data(gzip.compress(response.get_data(), 6, mtime=0))
    _say_coding(response, coding)
    return response


def _coding() -> str | None:
    accepted = request.accept_encodings
    return next((one for one in ("br", "gzip") if accepted[one] > 0), None)


def _say_coding(response: Response, coding: str | None) -> None:
    response.vary.add("Accept-Encoding")
    if coding:
        response.headers["Content-Encoding"] = coding
