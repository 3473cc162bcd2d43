"""A small application that shows each thing the HTTP chassis does: a notebook that officers write in."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Flask
from flask.views import MethodView
from joserfc.jwk import OKPKey
from marshmallow import RAISE, Schema, fields, validate
from sqlalchemy import Column, Integer, Table, Text, Uuid, event, func, select

from shared.kernel.clock import FixedClock
from shared.kernel.errors import Conflict, InvalidInput
from shared.kernel.ids import new_id
from shared.observability.metrics import Metrics
from shared.storage import Records, Storage, UnitOfWork, UtcDateTime, new_metadata
from shared.storage.repository import StaleAggregate
from shared.storage.work import Transaction
from shared.web import (
    Blueprint,
    CursorQuery,
    Jurisdiction,
    Role,
    current_principal,
    current_work,
    field_error,
    operation,
    page_of,
    page_schema,
)
from shared.web.app import create_app
from shared.web.chassis_routes import Probe
from shared.web.principal import Principal
from shared.web.tokens import TokenIssuer, TokenVerifier

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
KEY = OKPKey.generate_key("Ed25519", auto_kid=True)
OFFICER = Principal("officer-1", Role.COMMUNITY_OFFICER, "office-1", "430802")

metadata = new_metadata()
notes = Table(
    "note",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("text", Text, nullable=False, unique=True),
    Column("rank", Integer, nullable=False),
    Column("written_at", UtcDateTime, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Note:
    """One note. No two have the same text."""

    id: UUID
    text: str
    rank: int
    written_at: datetime


class Notes(UnitOfWork):
    """The notebook's transaction."""

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction)
        self.notes: Records[Note] = self.records(notes, Note)


class NoteIn(Schema):
    """What is written."""

    class Meta:
        unknown = RAISE

    text = fields.String(required=True, validate=validate.Length(1, 100))
    rank = fields.Integer(load_default=0, strict=True, validate=validate.Range(0, 9))
    until = fields.AwareDateTime(format="iso")
    colours = fields.List(fields.String(validate=validate.OneOf(["red", "blue"])))
    place = fields.String()


def _known_place(place: str) -> None:
    if place != "here":
        raise field_error("place.unknown", "there is no such place")


class NoteWithPlaceIn(NoteIn):
    """With a validator of our own."""

    place = fields.String(validate=_known_place)


class NoteOut(Schema):
    """What is read."""

    id = fields.UUID(required=True)
    text = fields.String(required=True)
    rank = fields.Integer(required=True)
    written_at = fields.AwareDateTime(required=True)


blp = Blueprint("notes", __name__, url_prefix="/notes", description="Notes")
# What a test lets happen inside a view, by the text of the note.
happenings: dict[str, Callable[[Notes], Any]] = {}


def work() -> Notes:
    """The request's transaction."""
    found: Notes = current_work()
    return found


@blp.route("")
class AllNotes(MethodView):
    """All notes."""

    @operation(Role.COMMUNITY_OFFICER, Role.AUDITOR, within=Jurisdiction.CITY)
    @blp.arguments(CursorQuery, location="query")
    @blp.response(200, page_schema(NoteOut))
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """Read the notes."""
        return page_of(work().notes, sort=notes.c.rank, **query)

    @operation(Role.COMMUNITY_OFFICER, within=Jurisdiction.CITY, creates=True)
    @blp.arguments(NoteWithPlaceIn)
    @blp.response(201, NoteOut)
    def post(self, body: dict[str, Any]) -> tuple[Note, int, dict[str, str]]:
        """Write a note."""
        note = Note(new_id(), body["text"], body["rank"], work().now)
        if note.text in happenings:
            happenings[note.text](work())
        known = work().notes.select(notes.c.text == note.text)
        if known:
            raise Conflict("note.already_written", "there is one with this text", note_id=known[0].id)
        work().notes.put(note)
        return note, 201, {"Location": f"/notes/{note.id}"}


@blp.route("/<uuid:note_id>")
class OneNote(MethodView):
    """One note."""

    @operation(Role.ANYONE_SIGNED_IN, within=Jurisdiction.CITY)
    @blp.response(200, NoteOut)
    def get(self, note_id: UUID) -> Note:
        """Read a note."""
        return work().notes.get(note_id)

    @operation(Role.COMMUNITY_OFFICER, within=Jurisdiction.CITY)
    @blp.arguments(NoteIn(partial=True))
    @blp.response(200, NoteOut)
    def put(self, body: dict[str, Any], note_id: UUID) -> Note:
        """Change a note."""
        note = replace(work().notes.get(note_id), **body)
        work().notes.put(note)
        return note


@blp.route("/named/<name>")
class NamedNote(MethodView):
    """A note by its text."""

    @operation(Role.ANYONE_SIGNED_IN, within=Jurisdiction.CITY)
    @blp.response(200, NoteOut)
    def get(self, name: str) -> Note:
        """Read a note by its text."""
        found = work().notes.select(notes.c.text == name)
        if not found:
            raise InvalidInput("note.unknown", "not known yet", retry_after=1)
        return found[0]


@blp.route("/asker")
class Asker(MethodView):
    """Who asks."""

    @operation(Role.ANYONE_SIGNED_IN, within=Jurisdiction.CITY)
    @blp.response(200)
    def get(self) -> dict[str, str | None]:
        """Read who I am."""
        actor = work().actor
        principal = current_principal()
        return {
            "subject": principal.subject,
            "role": principal.role,
            "actor": actor.subject if actor else None,
        }


@dataclass
class Notebook:
    """The application on a database of its own."""

    storage: Storage[Notes]
    app: Flask
    clock: FixedClock
    metrics: Metrics
    issuer: TokenIssuer
    http: Any = field(init=False)  # a FlaskClient, whose answers' JSON is looked into freely

    def __post_init__(self) -> None:
        self.http = self.app.test_client()

    def headers(self, asker: Principal | None = OFFICER, key: str | None = None) -> dict[str, str]:
        """The headers of a request by ``asker``, with an Idempotency-Key if one is given."""
        signed_in = {"Authorization": f"Bearer {self.issuer.issue(asker)}"} if asker else {}
        return signed_in | ({"Idempotency-Key": key} if key else {})

    def write(self, body: Any, *, key: str | None = None, asker: Principal | None = OFFICER) -> Any:
        """POST a note with a new key, or the given one."""
        return self.http.post(
            "/notes",
            data=json.dumps(body),  # the standard library's, which also writes numbers that no service takes
            content_type="application/json",
            headers=self.headers(asker, key or str(new_id())),
        )

    def read(self, path: str, *, asker: Principal | None = OFFICER, **options: Any) -> Any:
        """GET."""
        return self.http.get(path, headers=self.headers(asker), **options)

    def texts(self) -> list[str]:
        """The texts of all notes in the database."""
        with self.storage.engine.connect() as connection:
            return list(connection.execute(select(notes.c.text).order_by(notes.c.text)).scalars())

    def count(self, table: Table) -> int:
        """How many rows a table has."""
        with self.storage.engine.connect() as connection:
            return connection.execute(select(func.count()).select_from(table)).scalar_one()


@contextmanager
def notebook(database_url: str, **options: Any) -> Iterator[Notebook]:
    """The application with empty tables. ``options`` are those of `create_app`."""
    clock, metrics = FixedClock(NOON), Metrics()
    storage: Storage[Notes] = Storage(service="notebook", url=database_url, work=Notes, clock=clock)
    probes: dict[str, Probe] = {}
    settings: dict[str, Any] = {"probes": probes, "assets": Path("nowhere"), "open_work": storage.work}
    try:
        prepare(storage)
        app = create_app(
            name="notebook",
            title="Notebook",
            blueprints=[blp],
            verifier=TokenVerifier({"keys": [KEY.as_dict(private=False)]}, clock),
            metrics=metrics,
            **(settings | options),
        )
        yield Notebook(storage, app, clock, metrics, TokenIssuer(KEY.as_dict(private=True), clock))
    finally:
        happenings.clear()
        storage.dispose()


def prepare(storage: Storage[Notes]) -> None:
    """Make the tables; no test here pulls the plug, so SQLite need not wait for the disk."""
    if storage.dialect == "sqlite":
        event.listen(storage.engine, "connect", lambda db, _record: db.execute("PRAGMA synchronous=OFF"))
    with storage.engine.begin() as connection:
        if storage.dialect == "postgresql":
            connection.exec_driver_sql("create schema if not exists notebook")
        metadata.create_all(connection)


def lose_a_race_once() -> Callable[[Notes], None]:
    """A happening: the first time, another transaction turns out to have been faster."""
    calls: list[int] = []

    def happen(_work: Notes) -> None:
        calls.append(1)
        if len(calls) == 1:
            raise StaleAggregate("note")

    return happen
