"""What people send as files is what it says it is, small, and neither a bomb nor a program."""

import io
import zipfile
from collections.abc import Mapping

import pytest
from defusedxml.common import EntitiesForbidden
from openpyxl import Workbook, load_workbook

from shared.kernel.errors import BatonError
from shared.web import uploads
from shared.web.uploads import SHEETS, Kind, checked_upload, kind_of

LIMIT = 1024 * 1024
XLSX = {"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook/>"}


def workbook(rows: int = 3) -> bytes:
    book, file = Workbook(), io.BytesIO()
    for number in range(rows):
        book.active.append([f"示例{number}", "430802001"])  # type: ignore[union-attr]
    book.save(file)
    return file.getvalue()


def archive(members: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in members.items():
            opened.writestr(name, content)
    return file.getvalue()


def refused(content: bytes, limit: int = LIMIT) -> tuple[int, str]:
    with pytest.raises(BatonError) as caught:
        checked_upload(content, kinds=SHEETS, limit=limit)
    return caught.value.status, caught.value.code


def test_tables_are_known_by_their_content() -> None:
    table = "姓名,区划\r\n示例,430802001\r\n"
    assert checked_upload(table.encode(), kinds=SHEETS, limit=LIMIT) is Kind.CSV
    assert checked_upload(b"\xef\xbb\xbf" + table.encode(), kinds=SHEETS, limit=LIMIT) is Kind.CSV
    assert checked_upload(table.encode("gb18030"), kinds=SHEETS, limit=LIMIT) is Kind.CSV
    assert checked_upload(workbook(), kinds=SHEETS, limit=LIMIT) is Kind.XLSX


def test_pictures_and_papers_are_known_by_their_content() -> None:
    assert kind_of(b"\xff\xd8\xff\xe0" + bytes(100)) is Kind.JPEG
    assert kind_of(b"\x89PNG\r\n\x1a\n" + bytes(100)) is Kind.PNG
    assert kind_of(b"%PDF-1.7\n" + bytes(100)) is Kind.PDF


@pytest.mark.parametrize(
    "content",
    [
        b"MZ" + bytes(200),
        b"\x7fELF" + bytes(200),
        b"%PDF-1.7\n" + bytes(200),
        b"\x89PNG\r\n\x1a\n" + bytes(200),
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),  # the old Excel's format
        b"a,b\x00c\n",
        b"a,b\x1b[2Jc\n",
        b"\xff\xfe\xff\xff",
        b" \n",
        b"",
    ],
)
def test_what_is_no_table_is_refused_whatever_it_is_called(content: bytes) -> None:
    assert refused(content) == (415, "upload.kind")


def test_a_file_that_is_too_large_is_not_looked_at() -> None:
    assert refused(b"a,b\n" * 100, limit=399) == (413, "upload.too_large")
    assert checked_upload(b"a,b\n" * 100, kinds=SHEETS, limit=400) is Kind.CSV


def test_an_archive_that_unpacks_to_very_much_is_refused_before_it_is_unpacked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(uploads, "UNPACKED_BYTES", 1024 * 1024)
    bomb = archive(XLSX | {"xl/worksheets/sheet1.xml": b" " * (uploads.UNPACKED_BYTES + 1)})
    dense = archive(XLSX | {"xl/worksheets/sheet1.xml": b" " * (uploads.SMALL_BYTES + 1)})
    assert len(bomb) < LIMIT
    assert refused(bomb) == (413, "upload.bomb")
    assert refused(dense) == (413, "upload.bomb")


def test_an_archive_with_very_many_files_is_refused() -> None:
    assert refused(archive(XLSX | {f"{n}": b"" for n in range(uploads.MEMBERS)})) == (413, "upload.bomb")


def test_a_bomb_that_lies_about_its_size_is_refused() -> None:
    honest = archive(XLSX | {"xl/worksheets/sheet1.xml": b"<sheet>" + b" " * uploads.SMALL_BYTES})
    said = (len(b"<sheet>") + uploads.SMALL_BYTES).to_bytes(4, "little")
    lying = honest.replace(said, (100).to_bytes(4, "little"))
    assert lying != honest
    assert refused(lying) == (415, "upload.damaged")


@pytest.mark.parametrize(
    "members",
    [
        {"word/document.xml": b"<document/>"},
        XLSX | {"xl/workbook.xml": b'<!DOCTYPE x [<!ENTITY a "aaaa">]><workbook>&a;</workbook>'},
        XLSX | {"xl/workbook.xml": b"<!--" + b"x" * 9000 + b"--><!DOCTYPE workbook><workbook/>"},
        XLSX | {"xl/workbook.xml": '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a><a/>'.encode("utf-16")},
        XLSX | {"xl/sharedStrings.xml": b"no XML"},
    ],
)
def test_what_is_no_workbook_inside_is_refused(members: Mapping[str, bytes]) -> None:
    assert refused(archive(members))[0] == 415


def test_a_damaged_workbook_is_refused() -> None:
    whole = workbook()
    assert refused(whole[: len(whole) // 2]) == (415, "upload.damaged")
    assert refused(whole[:100] + bytes(200) + whole[300:])[0] == 415


@pytest.mark.parametrize("name", ["xl/vbaProject.bin", "xl/embeddings/x.bin", "xl/macrosheets/sheet1.xml"])
def test_a_workbook_that_can_act_is_refused(name: str) -> None:
    assert refused(archive(XLSX | {name: b"<x/>"})) == (415, "upload.active_content")


def test_the_reader_of_workbooks_expands_no_entities() -> None:
    """The check before is one half; this is the other, for whoever reads a workbook without it."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook())) as good, zipfile.ZipFile(file, "w") as bad:
        for member in good.infolist():
            content = good.read(member)
            if member.filename == "xl/worksheets/sheet1.xml":
                content = b'<!DOCTYPE x [<!ENTITY a "1">]>' + content.partition(b"?>")[2]
            bad.writestr(member, content)
    with pytest.raises(ValueError, match="invalid XML") as caught:
        load_workbook(file)
    assert isinstance(caught.value.__cause__, EntitiesForbidden)
