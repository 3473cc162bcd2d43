"""Files that people send: refused unless their content is of a kind that is wanted here, small enough, and no bomb.

Invariant: a file's name and the type that a browser states decide nothing. Nothing of an archive is unpacked before
what its table of contents says of it is small enough; `zipfile` never unpacks more than that says.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Collection
from enum import StrEnum
from typing import IO, Any
from xml.parsers import expat

import filetype

from shared.web.refusals import BodyTooLarge, UnsupportedBody

UNPACKED_BYTES = 64 * 1024 * 1024
MEMBERS = 2000  # files in an archive
RATIO = 200  # unpacked to packed, of an archive that is not small; a sheet of equal rows reaches a hundred
SMALL_BYTES = 4 * 1024 * 1024  # unpacked
TEXT_ENCODINGS = ("utf-8-sig", "gb18030")
_CHUNK_BYTES = 4096
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_WORKBOOK = ("[Content_Types].xml", "xl/workbook.xml")
_MACROS = re.compile(r"(?i)(^|/)(vbaProject\.bin|macrosheets/|embeddings/|activeX/)")


class Kind(StrEnum):
    """What a file can be, as its media type."""

    CSV = "text/csv"
    XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"
    PDF = "application/pdf"


SHEETS = (Kind.CSV, Kind.XLSX)
_MAGIC = {kind.value: kind for kind in Kind} | {"application/zip": Kind.XLSX}


def checked_upload(content: bytes, *, kinds: Collection[Kind], limit: int) -> Kind:
    """What a file is. ``limit`` is in bytes.

    Raises: BodyTooLarge ``upload.too_large``, ``upload.bomb``; UnsupportedBody ``upload.kind``, ``upload.damaged``,
    ``upload.active_content``.
    """
    if len(content) > limit:
        raise BodyTooLarge("upload.too_large", f"a file has at most {limit} bytes", limit_bytes=limit)
    kind = kind_of(content)
    if kind is None or kind not in kinds:
        wanted = ", ".join(sorted(kinds))
        raise UnsupportedBody("upload.kind", f"send one of {wanted}; the content decides, not the name")
    if kind is Kind.XLSX:
        refuse_bad_workbook(content)
    return kind


def kind_of(content: bytes) -> Kind | None:
    """What the content says it is. A text has no mark: a table is whatever is one in an encoding that is read here."""
    guessed = filetype.guess_mime(content)
    if guessed is not None:
        return _MAGIC.get(guessed)
    return Kind.CSV if content.strip() and text_of(content) is not None else None


def text_of(content: bytes) -> str | None:
    """A text in UTF-8 or GB18030, without control characters; None when it is none."""
    for encoding in TEXT_ENCODINGS:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return None if _CONTROLS.search(text) else text
    return None


def refuse_bad_workbook(content: bytes) -> None:
    """Refuse an archive that is no workbook, has something that acts in it, or is far larger than it looks.

    Raises: BodyTooLarge ``upload.bomb``; UnsupportedBody ``upload.damaged``, ``upload.active_content``.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            _refuse_bomb(members, len(content))
            _refuse_strange(members)
            _refuse_entities(archive, members)
    except (
        zipfile.BadZipFile,
        zlib.error,
        expat.ExpatError,
        NotImplementedError,
        RuntimeError,
        EOFError,
        ValueError,
    ) as error:
        raise _damaged() from error


def _refuse_bomb(members: Collection[zipfile.ZipInfo], packed: int) -> None:
    unpacked = sum(member.file_size for member in members)
    too_dense = unpacked > SMALL_BYTES and unpacked > RATIO * packed
    if len(members) > MEMBERS or unpacked > UNPACKED_BYTES or too_dense:
        detail = f"it unpacks to {unpacked} bytes in {len(members)} parts, which is more than is read here"
        raise BodyTooLarge("upload.bomb", detail, limit_bytes=UNPACKED_BYTES)


def _refuse_strange(members: Collection[zipfile.ZipInfo]) -> None:
    names = {member.filename for member in members}
    is_encrypted = any(member.flag_bits & 0x1 for member in members)
    if len(names) < len(members) or is_encrypted or not names.issuperset(_WORKBOOK):
        raise _damaged()
    if any(_MACROS.search(name) for name in names):
        raise UnsupportedBody("upload.active_content", "a workbook with macros or embedded objects is not read here")


def _refuse_entities(archive: zipfile.ZipFile, members: Collection[zipfile.ZipInfo]) -> None:
    """No part of a workbook declares a document type; what does wants to be expanded, or to fetch something."""
    for member in members:
        if member.filename.endswith((".xml", ".rels", ".vml")):
            with archive.open(member) as part:
                _refuse_document_type(part)


def _refuse_document_type(part: IO[bytes]) -> None:
    """A document type stands before the first element, so nothing after that is read.

    Raises: ExpatError, UnsupportedBody.
    """
    parser, began = expat.ParserCreate(), []

    def refuse(*_declared: Any) -> None:
        raise _damaged()

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = lambda name, _attributes: began.append(name)
    while not began:
        chunk = part.read(_CHUNK_BYTES)
        parser.Parse(chunk, not chunk)


def _damaged() -> UnsupportedBody:
    return UnsupportedBody("upload.damaged", "the file is damaged, or is no workbook")
