"""Coverage from a spreadsheet: which office covers which division, with the offices themselves where they are new.

A row says what is to be; what is so already changes nothing. Before somebody confirms, each township that would be
without an office is named.
"""

from collections.abc import Iterable, Mapping, Sequence

from services.community_handover import coverage as commands
from services.community_handover.store import Coverage, Office, Work, import_tables
from services.community_handover.store import coverage as coverage_table
from shared.importing import Change, Column, Importer, Kind, Notice, Row
from shared.kernel.errors import Forbidden, invalid_field
from shared.reference.divisions import containing, divisions
from shared.web import Principal, Role
from shared.web.scope import require_area

MOST_NOTICES = 100
CLOSE = "close"
_ACTIONS = {"设置": "set", "停用": CLOSE, "set": "set", "close": CLOSE}
_LEVELS = {
    "村": "village",
    "社区": "village",
    "乡镇": "township",
    "街道": "township",
    "区县": "county",
    "市": "city",
    "village": "village",
    "township": "township",
    "county": "county",
    "city": "city",
}
COLUMNS = (
    Column(
        "division",
        "区划代码",
        "Division code",
        required=True,
        only_once=True,
        hint_zh="6、9 或 12 位",
        hint_en="6, 9 or 12 digits",
    ),
    Column("office", "单位代码", "Office code", hint_zh="停用时可不填", hint_en="not needed to close"),
    Column("office_name", "单位名称", "Office name", Kind.WORDS, hint_zh="新单位必填", hint_en="of a new office"),
    Column("office_level", "单位级别", "Office level", Kind.CHOICE, choices=_LEVELS),
    Column("action", "操作", "Action", Kind.CHOICE, choices=_ACTIONS, hint_zh="不填即设置", hint_en="else set"),
)


def apply_row(row: Row, principal: Principal, work: Work) -> Change:
    """Set or close the coverage of one division.

    Raises: InvalidInput ``division.unknown``, ``authority.area``, ``office.*``; see `coverage.put_coverage`.
    """
    division = row.values["division"]
    if division not in divisions():
        raise invalid_field("/division", "division.unknown", "there is no such division")
    _check_area(principal, "/division", division)
    before = work.coverage.find(division)
    if row.values.get("action") == CLOSE:
        if before is None:
            return Change.NONE
        commands.close_coverage(division, work=work)
        return Change.CLOSED
    office = row.values.get("office")
    if office is None:
        raise invalid_field("/office", "cell.missing", "say which office")
    office_changed = _put_office(office, row, principal, work)
    if before is not None and before.office == office:
        return Change.CHANGED if office_changed else Change.NONE
    commands.put_coverage(Coverage(division, office), work=work)
    return Change.CHANGED if before else Change.ADDED


def prefetch(rows: Sequence[Row], work: Work) -> None:
    """Read the coverage and the offices of some rows in one query each."""
    work.coverage.prefetch("division", [row.values["division"] for row in rows])
    work.offices.prefetch("code", [row.values["office"] for row in rows if "office" in row.values])


def prefill(principal: Principal, work: Work) -> Iterable[Mapping[str, str]]:
    """The coverage as it is, and the townships that have none."""
    mine = coverage_table.c.division.startswith(principal.division)
    rows = {row.division: row for row in work.coverage.select(mine)}
    work.offices.prefetch("code", [row.office for row in rows.values()])
    gaps = {one.code for one in commands.uncovered(commands.covered_places(work=work), principal.division)}
    return [_told(code, rows.get(code), work) for code in sorted(gaps | set(rows))]


def gaps_left(rows: Iterable[Row], principal: Principal, work: Work) -> list[Notice]:
    """The townships of the area that have no office once the good rows are applied, those that lose theirs first."""
    before = commands.covered_places(work=work)
    after = set(before)
    for row in rows:
        closes = row.values.get("action") == CLOSE
        (after.discard if closes else after.add)(row.values["division"])
    codes = [one.code for one in commands.uncovered(after, principal.division)]
    notices = [Notice("coverage.lost" if _is_covered(code, before) else "coverage.gap", code) for code in codes]
    return sorted(notices, key=lambda one: one.code != "coverage.lost")[:MOST_NOTICES]


def _is_covered(code: str, covered: set[str]) -> bool:
    return any(place in covered for place in containing(code))


def _put_office(code: str, row: Row, principal: Principal, work: Work) -> bool:
    """Enter or change the office if the row says more of it than its code; whether that changed anything."""
    before = work.offices.find(code)
    name, level = row.values.get("office_name"), row.values.get("office_level")
    if before is None and name is None:
        raise invalid_field("/office", "office.name_missing", "there is no such office; a new one needs its name")
    place = before.division if before else row.values["division"]
    known_name, known_level = (before.name, before.level) if before else ("", _level_of(place))
    after = Office(code, name or known_name, level or known_level, place)
    if after == before:
        return False
    _check_area(principal, "/office", place)
    commands.put_office(after, work=work)
    return True


def _level_of(code: str) -> str:
    """The level of an office that works in a place."""
    place = divisions().get(code)
    return place.level if place else "township"


def _check_area(principal: Principal, pointer: str, place: str) -> None:
    try:
        require_area(principal, place)
    except Forbidden as error:
        raise invalid_field(pointer, error.code, error.detail) from error


def _told(code: str, row: Coverage | None, work: Work) -> dict[str, str]:
    office = work.offices.find(row.office) if row else None
    if office is None:
        return {"division": code}
    words = {value: word for word, value in reversed(_LEVELS.items()) if not word.isascii()}
    return {
        "division": code,
        "office": office.code,
        "office_name": office.name,
        "office_level": words.get(office.level, ""),
    }


COVERAGE = Importer(
    kind="coverage",
    tables=import_tables,
    columns=COLUMNS,
    roles=(Role.COUNTY_SUPERVISOR, Role.CITY_SUPERVISOR),
    apply=apply_row,
    prefetch=prefetch,
    prefill=prefill,
    notices=gaps_left,
)
