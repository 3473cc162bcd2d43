"""notification's HTTP API for people: what they were told, who was told what they caused, how they want to be told."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask.views import MethodView
from sqlalchemy import ColumnElement, Select, func, or_, select

from services.notification.audience import keys_of
from services.notification.channels.profile import current_profile
from services.notification.commands import SetContact, note_visit, set_contact, set_office
from services.notification.schemas import (
    AddressIn,
    ContactIn,
    ContactOut,
    NothingIn,
    NoticeOut,
    NoticePage,
    NoticeQuery,
    OfficeOut,
    OwnContactOut,
    ReadOut,
    TellingPage,
    TellingQuery,
    UnreadOut,
    VisitIn,
)
from services.notification.seal import unseal
from services.notification.store import Contact, OfficeAddress, Work
from services.notification.tables import is_unread, notices, tellings
from services.notification.tell import mark_read
from shared.kernel.errors import NotFound
from shared.web import (
    SUPERVISORS,
    Blueprint,
    Jurisdiction,
    Outside,
    Principal,
    Role,
    current_principal,
    current_work,
    operation,
    page_of,
    page_of_rows,
)

blp = Blueprint("notices", __name__, url_prefix="/notices", description="What the asker was told")
tellings_blp = Blueprint("tellings", __name__, url_prefix="/tellings", description="Who was told, by what, read when")
contacts_blp = Blueprint("contact", __name__, url_prefix="/contact", description="How the asker is told")

ANYONE = Role.ANYONE_SIGNED_IN
_SHOWN = ("rule", "kind", "subject", "event_type", "due_at")


def work() -> Work:
    """The request's transaction."""
    found: Work = current_work()
    return found


def _keys() -> tuple[str, ...]:
    by = current_principal()
    return keys_of(by.subject, by.role.value, by.organisation, by.division)


def _mine(*where: ColumnElement[bool]) -> Select[Any]:
    own = (notices.c.recipient.in_(_keys()), *where)
    columns: list[Any] = [notices, *(tellings.c[name] for name in _SHOWN)]
    return select(*columns).join(tellings, tellings.c.id == notices.c.telling_id).where(*own)


@blp.route("")
class Notices(MethodView):
    """The asker's notices."""

    @operation(ANYONE, within=Jurisdiction.SELF, outside=Outside.LEFT_OUT)
    @blp.arguments(NoticeQuery, location="query")
    @blp.response(200, NoticePage)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List what the asker was told, the newest first."""
        statement = _mine(*([is_unread] if query["unread"] else []))
        return page_of_rows(
            work().connection,
            statement,
            sort=notices.c.made_at,
            key=notices.c.id,
            limit=query["limit"],
            cursor=query["cursor"],
            descending=True,
        )


@blp.route("/unread")
class Unread(MethodView):
    """What the bell shows."""

    @operation(ANYONE, within=Jurisdiction.SELF, outside=Outside.LEFT_OUT)
    @blp.response(200, UnreadOut)
    def get(self) -> dict[str, int]:
        """How many are unread and not past."""
        count = select(func.count()).select_from(notices).where(is_unread, notices.c.recipient.in_(_keys()))
        return {"unread": work().connection.execute(count).scalar_one()}


@blp.route("/read")
class ReadAll(MethodView):
    """All at once."""

    @operation(ANYONE, within=Jurisdiction.SELF, outside=Outside.LEFT_OUT)
    @blp.arguments(NothingIn)
    @blp.response(200, ReadOut)
    def post(self, _body: dict[str, Any]) -> dict[str, int]:
        """Note that the asker has read everything."""
        return {"read": mark_read(None, _keys(), current_principal().subject, work())}


@blp.route("/<uuid:notice_id>")
class OneNotice(MethodView):
    """One notice."""

    @operation(ANYONE, within=Jurisdiction.SELF)
    @blp.response(200, NoticeOut)
    def get(self, notice_id: UUID) -> Any:
        """Read one of the asker's notices."""
        return _own(notice_id)


@blp.route("/<uuid:notice_id>/read")
class Read(MethodView):
    """That it was read."""

    @operation(ANYONE, within=Jurisdiction.SELF)
    @blp.arguments(NothingIn)
    @blp.response(200, NoticeOut)
    def post(self, _body: dict[str, Any], notice_id: UUID) -> Any:
        """Note that the asker has read it; done twice, it is done once."""
        _own(notice_id)
        mark_read([notice_id], _keys(), current_principal().subject, work())
        return _own(notice_id)


def _own(notice_id: UUID) -> Any:
    found = work().connection.execute(_mine(notices.c.id == notice_id)).one_or_none()
    if found is None:
        raise NotFound("notice.not_found", f"no notice {notice_id}")
    return found


@tellings_blp.route("")
class Tellings(MethodView):
    """What was told to others."""

    @operation(ANYONE, within=Jurisdiction.CAUSED, outside=Outside.LEFT_OUT)
    @tellings_blp.arguments(TellingQuery, location="query")
    @tellings_blp.response(200, TellingPage)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List who was told of what the asker caused, and of what happens in the area that the asker supervises."""
        where = [visible_to(current_principal())]
        if "about" in query:
            where.append(tellings.c.subject == query["about"])
        if "state" in query:
            where.append(tellings.c.state == query["state"])
        sort = tellings.c.made_at
        page = page_of(
            work().tellings, *where, sort=sort, limit=query["limit"], cursor=query["cursor"], descending=True
        )
        return page | {"items": _with_told(page["items"])}


def visible_to(principal: Principal) -> ColumnElement[bool]:
    """The condition that somebody caused it, or supervises where it is."""
    caused = tellings.c.caused_by == principal.subject
    if principal.role not in SUPERVISORS:
        return caused
    everywhere = tellings.c.id.is_not(None)
    here = tellings.c.division.startswith(principal.division) if principal.division else everywhere
    return or_(caused, here)


def _with_told(found: Sequence[Any]) -> list[dict[str, Any]]:
    told = work().notices_of([one.id for one in found])
    messages = work().deliveries_of(one.id for one in told)
    return [
        {name: getattr(one, name) for name in one.__slots__}
        | {
            "told": [
                {
                    "recipient": notice.recipient,
                    "made_at": notice.made_at,
                    "read_at": notice.read_at,
                    "read_by": notice.read_by,
                    "deliveries": [message for message in messages if message.notice_id == notice.id],
                }
                for notice in told
                if notice.telling_id == one.id
            ]
        }
        for one in found
    ]


@contacts_blp.route("")
class OwnContact(MethodView):
    """How the asker is told."""

    @operation(ANYONE, within=Jurisdiction.OWN_NAME, looks=True)
    @contacts_blp.response(200, OwnContactOut)
    def get(self) -> dict[str, Any]:
        """Read how the asker is told, and what is set up here. Whoever asks is known from now on."""
        contact = note_visit(current_principal(), None, work=work())
        return {
            "contact": contact,
            "email": unseal(contact.email) if contact.email else None,
            "phone": unseal(contact.phone) if contact.phone else None,
            "set_up": sorted(current_profile().channels),
        }

    @operation(ANYONE, within=Jurisdiction.OWN_NAME)
    @contacts_blp.arguments(ContactIn)
    @contacts_blp.response(200, ContactOut)
    def put(self, body: dict[str, Any]) -> Contact:
        """Say how to be told. The answer holds no address."""
        command = SetContact(**body | {"channels": tuple(dict.fromkeys(body["channels"]))})
        return set_contact(command, current_principal(), work=work())


@contacts_blp.route("/visit")
class Visit(MethodView):
    """Being here."""

    @operation(ANYONE, within=Jurisdiction.OWN_NAME)
    @contacts_blp.arguments(VisitIn)
    @contacts_blp.response(200, ContactOut)
    def put(self, body: dict[str, Any]) -> Contact:
        """Make the asker known, with role, organisation and area as the token says today."""
        return note_visit(current_principal(), body["language"], work=work())


@contacts_blp.route("/office")
class Office(MethodView):
    """The asker's office."""

    @operation(ANYONE, within=Jurisdiction.OWN_NAME)
    @contacts_blp.arguments(AddressIn)
    @contacts_blp.response(200, OfficeOut)
    def put(self, body: dict[str, Any]) -> OfficeAddress:
        """Say where the asker's office is reached while nobody of it was ever here. The answer holds no address."""
        return set_office(current_principal(), **body, work=work())

    @operation(ANYONE, within=Jurisdiction.OWN_NAME)
    @contacts_blp.response(200, OfficeOut)
    @contacts_blp.alt_response(404, "Problem404")
    def get(self) -> OfficeAddress:
        """Read whether the asker's office has an address of its own."""
        return work().offices.get(current_principal().organisation)
