"""Papers to be printed and stamped, as PDF. The type is the operating system's, for it has to have Chinese letters.

``PAPER_FONT`` names a font file; else the usual places are looked at. Where there is none, there are no PDFs, and
browsers print the page.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from fpdf import FPDF

VARIABLE = "PAPER_FONT"
PLACES = (
    Path("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc"),
    Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"),
    Path("/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc"),
    Path("/System/Library/Fonts/Supplemental/Songti.ttc"),
)
MARGIN_MM, LINE_MM = 25, 9
TITLE_POINTS, TEXT_POINTS, SMALL_POINTS = 20, 13, 10


@dataclass(frozen=True, slots=True)
class Paper:
    """What stands on one sheet."""

    title: str
    addressee: str
    paragraphs: Sequence[str]
    signature: Sequence[str]
    foot: str


def day_of(at: datetime) -> str:
    """A day as papers write it: ``2026年11月23日``."""
    return f"{at.year}年{at.month}月{at.day}日"


def moment_of(at: datetime) -> str:
    """A moment as papers write it."""
    return f"{day_of(at)}{at:%H:%M}"


@cache
def font() -> Path | None:
    """The file of a font with Chinese letters."""
    named = os.environ.get(VARIABLE)
    return next((path for path in ((Path(named),) if named else PLACES) if path.is_file()), None)


def pdf_of(papers: Sequence[Paper]) -> bytes:
    """One sheet for each. There must be a `font`."""
    path = font()
    assert path is not None
    document = FPDF(format="A4")
    document.set_margin(MARGIN_MM)
    document.add_font("paper", fname=path)
    for paper in papers:
        _write(document, paper)
    return bytes(document.output())


def _write(document: FPDF, paper: Paper) -> None:
    document.add_page()
    _line(document, paper.title, points=TITLE_POINTS, align="C", after=2 * LINE_MM)
    _line(document, paper.addressee, after=LINE_MM / 2)
    for paragraph in paper.paragraphs:
        _line(document, f"\u3000\u3000{paragraph}")
    document.ln(2 * LINE_MM)
    for line in paper.signature:
        _line(document, line, align="R")
    document.ln(LINE_MM)
    _line(document, paper.foot, points=SMALL_POINTS)


def _line(document: FPDF, text: str, *, points: int = TEXT_POINTS, align: str = "L", after: float = 0) -> None:
    document.set_font("paper", size=points)
    document.multi_cell(0, LINE_MM, text, align=align, new_x="LMARGIN", new_y="NEXT")
    document.ln(after)
