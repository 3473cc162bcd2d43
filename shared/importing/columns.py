"""What a column of a spreadsheet holds, and how a cell becomes a value of the API.

People type full-width digits, trailing spaces and dates in every form; what can mean only one thing is read as that
(NFKC for codes and numbers, never for prose), what could mean two is a fault of the cell.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from shared.kernel.clock import CHINA

_LONGEST_CELL = 500  # characters
_SERIAL = re.compile(r"\d{5}(\.\d+)?")  # a day as Excel counts it
_DAY_ZERO = datetime(1899, 12, 30, tzinfo=CHINA)
_SCIENTIFIC = re.compile(r"\d(\.\d+)?[eE]\+\d+")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_BETWEEN = re.compile(r"[,;、，；\n/]+")
_MOMENT = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?"
    r"(?:[T\s]*(\d{1,2})\s*[:时点]\s*(\d{1,2})\s*分?(?:[:秒]?\s*(\d{1,2})\s*秒?)?(?:\.\d+)?)?"
)
_YES = frozenset({"是", "y", "yes", "true", "1", "√"})
_NO = frozenset({"否", "n", "no", "false", "0", "×"})


class Kind(StrEnum):
    """How a cell is read."""

    CODE = "code"  # a number or code: full-width is the same as half-width, no spaces around
    WORDS = "words"
    LIST = "list"  # several words, with a comma between
    MOMENT = "moment"  # a time in China
    YES_NO = "yes_no"
    CHOICE = "choice"


class CellFault(Exception):
    """A cell cannot be read. ``code`` is stable."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``choices`` are the words that may be typed and what each means; ``only_once``: no two rows may
    have the same. The heading may be written in either language, or as the key.
    """

    key: str
    zh: str
    en: str
    kind: Kind = Kind.CODE
    required: bool = False
    only_once: bool = False
    choices: Mapping[str, str] = field(default_factory=dict)
    hint_zh: str = ""
    hint_en: str = ""

    @property
    def headings(self) -> tuple[str, ...]:
        """Everything that the column may be called."""
        return tuple(plain_heading(name) for name in (self.zh, self.en, self.key))


def plain_heading(text: str) -> str:
    """What makes two spellings of a heading the same."""
    return re.sub(r"[\s_*＊:：]+", "", unicodedata.normalize("NFKC", text)).casefold()


def plain_code(text: str) -> str:
    """A code as everybody writes it: half-width, without spaces around."""
    return unicodedata.normalize("NFKC", text).strip()


def value_of(column: Column, text: str) -> Any:
    """What a cell says; None when it is empty.

    Raises: CellFault.
    """
    text = text.strip()
    if len(text) > _LONGEST_CELL:
        raise CellFault("cell.too_long")
    if _CONTROL.search(text):
        raise CellFault("cell.control_character")
    if not text:
        if column.required:
            raise CellFault("cell.missing")
        return None
    return _READERS[column.kind](column, text)


def class_of(text: str) -> str:
    """What kind of thing a cell holds, said instead of what it holds."""
    text = plain_code(text)
    if not text:
        return "empty"
    if text.startswith("="):
        return "formula"
    if _MOMENT.fullmatch(text):
        return "time"
    return "number" if re.fullmatch(r"[\d.,+-]+([eE][+-]?\d+)?", text) else "text"


def _code(_column: Column, text: str) -> str:
    text = plain_code(text)
    if _SCIENTIFIC.fullmatch(text):
        raise CellFault("cell.number_too_long")
    return text


def _words(_column: Column, text: str) -> str:
    return text


def _list(_column: Column, text: str) -> list[str]:
    return [plain_code(part) for part in _BETWEEN.split(text) if part.strip()]


def _moment(_column: Column, text: str) -> str:
    text = plain_code(text)
    if _SERIAL.fullmatch(text) and "." in text:
        return (_DAY_ZERO + timedelta(seconds=round(float(text) * 86_400))).isoformat()
    found = _MOMENT.fullmatch(text)
    if found is None and not _SERIAL.fullmatch(text):
        raise CellFault("cell.not_a_time")
    if found is None or found[4] is None:
        raise CellFault("cell.no_time_of_day")
    try:
        return datetime(*(int(part or 0) for part in found.groups()), tzinfo=CHINA).isoformat()  # type: ignore[misc, arg-type]
    except ValueError:
        raise CellFault("cell.not_a_time") from None


def _yes_no(_column: Column, text: str) -> bool:
    text = plain_code(text).casefold()
    if text not in _YES | _NO:
        raise CellFault("cell.not_yes_or_no")
    return text in _YES


def _choice(column: Column, text: str) -> str:
    found = {**{value: value for value in column.choices.values()}, **column.choices}.get(plain_code(text).casefold())
    if found is None:
        raise CellFault("cell.not_a_choice")
    return found


_READERS = {
    Kind.CODE: _code,
    Kind.WORDS: _words,
    Kind.LIST: _list,
    Kind.MOMENT: _moment,
    Kind.YES_NO: _yes_no,
    Kind.CHOICE: _choice,
}
