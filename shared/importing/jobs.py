"""How an import goes on: taken in, checked, confirmed or cancelled, applied; each in bounded steps.

A step is one transaction: it works on some rows, writes what came of them, and leaves the rest to the next one. So a
process that is killed loses at most one step, which the next one does anew, and nothing is ever done twice.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import structlog
from marshmallow import ValidationError
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import DataError, SQLAlchemyError

from shared.importing.columns import CellFault, class_of, value_of
from shared.importing.importer import Change, Importer, Row
from shared.importing.reading import Sheet, repeated
from shared.importing.tables import Authority, Fault, Import, ImportRow, RowState, State
from shared.kernel.errors import BatonError, Conflict, NotFound
from shared.kernel.ids import new_id
from shared.storage.bulk import Writes, insert_rows, is_one_of
from shared.storage.repository import StaleAggregate
from shared.storage.work import Actor
from shared.web.principal import SUPERVISORS, Principal, Role
from shared.web.problems import invalid_input_of
from shared.web.scope import in_area

CHECK_AT_ONCE, APPLY_AT_ONCE = 100, 50  # rows in one transaction
MOST_UNDER_WAY = 5  # of one organisation
KEPT_FOR = timedelta(days=30)
_UNDER_WAY = (State.CHECKING, State.APPLYING)

log = structlog.get_logger(__name__)


def take_in(
    importer: Importer, sheet: Sheet, *, filename: str, principal: Principal, request_id: str | None, work: Any
) -> Import:
    """Keep a file that was read; it is checked in the background. Nothing else is changed.

    Raises: Conflict ``import.too_many_under_way``.
    """
    columns = importer.tables.imports.c
    own = (columns.organisation == principal.organisation, columns.state.in_(_UNDER_WAY))
    if work.connection.execute(select(func.count()).select_from(importer.tables.imports).where(*own)).scalar_one() >= (
        MOST_UNDER_WAY
    ):
        raise Conflict("import.too_many_under_way", "several files are being worked on; wait until one is finished")
    job = Import(
        id=new_id(),
        kind=importer.kind,
        state=State.CHECKING,
        filename=filename,
        rows=len(sheet.lines),
        keys=sheet.keys,
        headings=sheet.headings,
        counts={RowState.WAITING.value: len(sheet.lines)},
        changes={},
        notices=(),
        created_at=work.now,
        stepped_at=work.now,
        subject=principal.subject,
        role=principal.role.value,
        organisation=principal.organisation,
        division=principal.division,
        origin=work.actor.origin if work.actor else None,
        request_id=request_id,
    )
    work.note_act("import.taken_in", job.id)
    insert_rows(work.connection, importer.tables.imports, [_shallow(job)])
    insert_rows(work.connection, importer.tables.rows, [_shallow(row) for row in _rows_of(job.id, sheet, importer)])
    return job


def find(importer: Importer, import_id: UUID, principal: Principal, work: Any, *, lock: bool = False) -> Import:
    """An import that the asker's own organisation sent, or, for supervisors, that somebody of their area sent.

    Raises: NotFound ``import.not_found``.
    """
    table = importer.tables.imports
    statement = select(table).where(table.c.id == import_id, table.c.kind == importer.kind, *_own(table, principal))
    found = work.connection.execute(statement.with_for_update() if lock else statement).one_or_none()
    if found is None:
        raise NotFound("import.not_found", f"no import {import_id}")
    return Import(**found._mapping)


def confirm(importer: Importer, import_id: UUID, principal: Principal, work: Any) -> Import:
    """Have the good rows applied, in the name of who confirms. A second confirmation changes nothing.

    Raises: NotFound; Conflict ``import.wrong_state``, ``import.nothing_to_apply``.
    """
    job = find(importer, import_id, principal, work, lock=True)
    if job.confirmed_at is not None:
        return job
    _require(job, State.READY)
    if not job.counts.get(RowState.GOOD):
        raise Conflict("import.nothing_to_apply", "no row of this file would change anything")
    work.note_act("import.confirmed", job.id)
    who = Authority(
        principal.subject,
        principal.role.value,
        principal.organisation,
        principal.division,
        work.actor.origin if work.actor else None,
    )
    return _save(importer, job, work, state=State.APPLYING, confirmed_at=work.now, confirmed_as=who)


def cancel(importer: Importer, import_id: UUID, principal: Principal, work: Any) -> Import:
    """Give a file up before it is applied. A second time changes nothing.

    Raises: NotFound; Conflict ``import.wrong_state``.
    """
    job = find(importer, import_id, principal, work, lock=True)
    if job.state is State.CANCELLED:
        return job
    _require(job, State.CHECKING, State.READY)
    work.note_act("import.cancelled", job.id)
    return _save(importer, job, work, state=State.CANCELLED, finished_at=work.now)


def advance(importer: Importer, work: Any) -> int:
    """One step of the import that waited longest; how many rows it worked on."""
    table = importer.tables.imports
    waiting = select(table).where(table.c.kind == importer.kind, table.c.state.in_(_UNDER_WAY))
    found = work.connection.execute(waiting.order_by(table.c.stepped_at, table.c.id).limit(1).with_for_update()).first()
    if found is None:
        return 0
    job = Import(**found._mapping)
    who = job.confirmed_as or Authority(job.subject, job.role, job.organisation, job.division, job.origin)
    principal = Principal(who.subject, Role(who.role), who.organisation, who.division)
    work.act_for(Actor(who.subject, who.role, who.organisation, who.origin), job.request_id)
    return (
        _check(importer, job, principal, work)
        if job.state is State.CHECKING
        else _apply(importer, job, principal, work)
    )


def forget_old(importer: Importer, work: Any) -> int:
    """Delete the rows of an import that was finished, or left unconfirmed, long ago; what came of it stays."""
    table, rows = importer.tables.imports, importer.tables.rows
    old = select(table).where(table.c.created_at < work.now - KEPT_FOR, table.c.state.not_in(_UNDER_WAY))
    kept = select(rows.c.import_id).where(rows.c.import_id == table.c.id).exists()
    found = work.connection.execute(old.where(kept).limit(1).with_for_update()).first()
    if found is None:
        return 0
    job = Import(**found._mapping)
    if job.state is State.READY:
        _save(importer, job, work, state=State.CANCELLED, finished_at=work.now)
    deleted: int = work.connection.execute(delete(rows).where(rows.c.import_id == job.id)).rowcount
    return deleted


def _check(importer: Importer, job: Import, principal: Principal, work: Any) -> int:
    rows = _some_rows(importer, job, RowState.WAITING, CHECK_AT_ONCE, work)
    read = [_read(importer, job, row) for row in rows]
    importer.prefetch([values for _, values in read if values], work)
    known = _known_digests(importer, [row for row, _ in read], work)
    _write_rows(importer, [_tried(importer, row, values, principal, known, work) for row, values in read], work)
    if len(rows) == CHECK_AT_ONCE:
        _save(importer, job, work)
        return len(rows)
    good = (values for row in _all_rows(importer, job, RowState.GOOD, work) if (values := _read(importer, job, row)[1]))
    notices = tuple(importer.notices(good, principal, work))
    checked = _save(importer, job, work, state=State.READY, notices=notices)
    if not checked.counts.get(RowState.GOOD):
        _save(importer, checked, work, state=State.DONE, finished_at=work.now)
    return max(len(rows), 1)


def _apply(importer: Importer, job: Import, principal: Principal, work: Any) -> int:
    rows = _some_rows(importer, job, RowState.GOOD, APPLY_AT_ONCE, work)
    read = [_read(importer, job, row) for row in rows]
    importer.prefetch([values for _, values in read if values], work)
    known = _known_digests(importer, rows, work)
    new = [(row, values) for row, values in read if values and row.digest not in known]
    old = [replace(row, state=RowState.KNOWN) for row in rows if row.digest in known]
    applied = _together(importer, new, principal, work) or [
        _applied(importer, row, values, principal, work) for row, values in new
    ]
    _write_rows(importer, [*old, *applied], work)
    if importer.once:
        fresh = [row for row in applied if row.state is RowState.APPLIED]
        marks = [{"digest": row.digest, "import_id": job.id, "number": row.number, "at": work.now} for row in fresh]
        insert_rows(work.connection, importer.tables.imported, marks)
    is_last = len(rows) < APPLY_AT_ONCE
    _save(importer, job, work, **({"state": State.DONE, "finished_at": work.now} if is_last else {}))
    return max(len(rows), 1)


def _read(importer: Importer, job: Import, row: ImportRow) -> tuple[ImportRow, Row | None]:
    """The row's values, or what is wrong with its cells."""
    values: dict[str, Any] = {}
    faults = list(row.faults)
    told = {fault.column for fault in faults}
    for key, text in zip(job.keys, row.texts, strict=True):
        if key in told:
            continue
        try:
            value = value_of(importer.column(key), text)
        except CellFault as fault:
            faults.append(Fault(key, fault.code, "", class_of(text)))
            continue
        if value is not None:
            values[key] = value
    if faults:
        return replace(row, faults=tuple(faults)), None
    return replace(row, digest=_digest(importer, job, values)), Row(row.number, values)


def _tried(
    importer: Importer, row: ImportRow, values: Row | None, principal: Principal, known: set[str], work: Any
) -> ImportRow:
    if values is None:
        return replace(row, state=RowState.BAD)
    if row.digest in known:
        return replace(row, state=RowState.KNOWN)
    try:
        with work.attempt(keep=False):
            change = importer.apply(values, principal, work)
    except Exception as error:
        return replace(row, state=RowState.BAD, faults=_faults_of(importer, error))
    return replace(row, state=RowState.KNOWN if change is Change.NONE else RowState.GOOD, change=change.value)


def _together(
    importer: Importer, rows: Sequence[tuple[ImportRow, Row]], principal: Principal, work: Any
) -> list[ImportRow] | None:
    """All of these rows applied and written at once, which is several times faster; None when one is refused."""
    try:
        with work.attempt():
            changes = [importer.apply(values, principal, work) for _, values in rows]
    except Exception as error:
        _faults_of(importer, error)
        return None
    return [_outcome(row, change) for (row, _), change in zip(rows, changes, strict=True)]


def _applied(importer: Importer, row: ImportRow, values: Row, principal: Principal, work: Any) -> ImportRow:
    try:
        with work.attempt():
            change = importer.apply(values, principal, work)
    except Exception as error:
        return replace(row, state=RowState.REFUSED, faults=_faults_of(importer, error))
    return _outcome(row, change)


def _outcome(row: ImportRow, change: Change) -> ImportRow:
    return replace(row, state=RowState.KNOWN if change is Change.NONE else RowState.APPLIED, change=change.value)


def _faults_of(importer: Importer, error: Exception) -> tuple[Fault, ...]:
    """A refusal as faults of the row. A lost race and a database that is away are no row's fault: the step is repeated.

    Raises: the error, when it is none of the row's.
    """
    if isinstance(error, ValidationError):
        error = invalid_input_of(error)
    if isinstance(error, OverflowError | DataError):
        return (Fault(None, "value.out_of_range", "a number or a date is out of range"),)
    if isinstance(error, StaleAggregate | SQLAlchemyError):
        raise error
    if not isinstance(error, BatonError):
        log.error("import.row_failed", kind=importer.kind, error=type(error).__name__, exc_info=error)
        return (Fault(None, "internal", "an error on our side"),)
    if not error.fields:
        return (Fault(None, error.code, error.detail),)
    return tuple(Fault(importer.column_of(one.pointer), one.code, one.detail) for one in error.fields)


def _rows_of(import_id: UUID, sheet: Sheet, importer: Importer) -> Iterator[ImportRow]:
    again = repeated(sheet, importer.columns)
    for line in sheet.lines:
        faults = [
            Fault(sheet.keys[place], code, "", class_of(line.texts[place])) for place, code in line.faults.items()
        ]
        if line.number in again:
            place, first = again[line.number]
            faults.append(Fault(sheet.keys[place], "row.repeated", str(first)))
        yield ImportRow(import_id, line.number, RowState.WAITING, line.texts, tuple(faults), None, None)


def _digest(importer: Importer, job: Import, values: dict[str, Any]) -> str:
    whole = [importer.kind, job.organisation, values]
    return hashlib.sha256(orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _known_digests(importer: Importer, rows: Sequence[ImportRow], work: Any) -> set[str]:
    digests = [row.digest for row in rows if row.digest]
    if not importer.once or not digests:
        return set()
    table = importer.tables.imported
    statement = select(table.c.digest).where(is_one_of(work.dialect, table, "digest", digests))
    return set(work.connection.execute(statement).scalars())


def _some_rows(importer: Importer, job: Import, state: RowState, most: int, work: Any) -> list[ImportRow]:
    rows = importer.tables.rows
    statement = (
        select(rows).where(rows.c.import_id == job.id, rows.c.state == state).order_by(rows.c.number).limit(most)
    )
    return [ImportRow(**row._mapping) for row in work.connection.execute(statement)]


def _all_rows(importer: Importer, job: Import, state: RowState, work: Any) -> Iterator[ImportRow]:
    rows = importer.tables.rows
    statement = select(rows).where(rows.c.import_id == job.id, rows.c.state == state).order_by(rows.c.number)
    return (ImportRow(**row._mapping) for row in work.connection.execute(statement))


def _write_rows(importer: Importer, rows: Sequence[ImportRow], work: Any) -> None:
    writes = Writes(work.connection)
    writes.upsert(importer.tables.rows, [_shallow(row) for row in rows])
    writes.send()


def _save(importer: Importer, job: Import, work: Any, **changes: Any) -> Import:
    """Store what changed of an import, with its rows counted anew. The caller holds the row."""
    table, rows = importer.tables.imports, importer.tables.rows
    told = (rows.c.state, rows.c.change, func.count())
    counts: dict[str, int] = {}
    kinds: dict[str, int] = {}
    own = select(*told).where(rows.c.import_id == job.id).group_by(rows.c.state, rows.c.change)
    for state, change, number in work.connection.execute(own):
        counts[state.value] = counts.get(state.value, 0) + number
        if change and state in (RowState.GOOD, RowState.APPLIED):
            kinds[change] = kinds.get(change, 0) + number
    saved = replace(job, stepped_at=work.now, counts=counts, changes=kinds, **changes)
    values = {name: value for name, value in _shallow(saved).items() if name != "id"}
    work.connection.execute(update(table).where(table.c.id == job.id).values(values))
    return saved


def _own(table: Any, principal: Principal) -> tuple[Any, ...]:
    if principal.role in SUPERVISORS:
        return tuple(in_area(principal, table.c.division))
    return (table.c.organisation == principal.organisation,)


def own_imports(importer: Importer, principal: Principal) -> list[Any]:
    """The conditions of the imports that somebody may see."""
    table = importer.tables.imports
    return [table.c.kind == importer.kind, *_own(table, principal)]


def _require(job: Import, *states: State) -> None:
    if job.state not in states:
        detail = f"the import is {job.state.value}"
        raise Conflict("import.wrong_state", detail, state=job.state.value)


def _shallow(one: Import | ImportRow) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__slots__}
