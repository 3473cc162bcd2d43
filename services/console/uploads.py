"""Files that people send through the console: who may send a larger body, and what was sent."""

from typing import Any

from flask import request

from shared.importing.reading import MOST_BYTES as LARGEST_SHEET
from shared.importing.writing import XLSX

MOST_BYTES = LARGEST_SHEET
_FORM_AROUND = 64 * 1024  # bytes of a form beside its file
TAKES_A_FILE = frozenset({"result_imports.send", "coverage_imports.send"})
_ZIP = b"PK\x03\x04"


class NoFile(Exception):
    """The form came without a file."""


def allow_a_file() -> None:
    """Let the forms that take a file be as large as one."""
    if request.endpoint in TAKES_A_FILE:
        request.max_content_length = MOST_BYTES + _FORM_AROUND


def sent_file(name: str) -> tuple[bytes, str, str]:
    """The file of a form: its content, its media type as the content says, and what it is called.

    Raises: NoFile.
    """
    sent: Any = request.files.get(name)
    content: bytes = sent.read() if sent else b""
    if not content:
        raise NoFile
    return content, XLSX if content.startswith(_ZIP) else "text/csv", str(sent.filename or "")[:200]
