"""What happens by itself when time passes: nothing unread, unsent or overdue is forgotten."""

from datetime import timedelta

from sqlalchemy import delete, select

from services.notification import policy
from services.notification.store import Work
from services.notification.tables import contacts, deliveries, matters, notices, tellings
from services.notification.tell import sweep_unread, tell_overdue
from shared.service import Timer

STEP = 500  # tellings that go in one transaction


def forget_old(work: Work) -> int:
    """What was told long ago goes, a little at a time; matters of which nothing was heard, people who were not here."""
    before = work.now - policy.KEPT_FOR
    oldest = select(tellings.c.id).where(tellings.c.made_at < before).order_by(tellings.c.made_at).limit(STEP)
    gone = list(work.connection.execute(oldest).scalars())
    of_them = select(notices.c.id).where(notices.c.telling_id.in_(gone))
    work.connection.execute(delete(deliveries).where(deliveries.c.notice_id.in_(of_them)))
    work.connection.execute(delete(notices).where(notices.c.telling_id.in_(gone)))
    work.connection.execute(delete(tellings).where(tellings.c.id.in_(gone)))
    quiet = select(matters.c.id).where(matters.c.said_at < before, matters.c.overdue_at.is_(None)).limit(STEP)
    matters_gone = work.connection.execute(delete(matters).where(matters.c.id.in_(quiet))).rowcount
    work.connection.execute(delete(contacts).where(contacts.c.seen_at < before))
    return len(gone) + matters_gone


TIMERS = (
    Timer("sweep_unread", timedelta(seconds=5), sweep_unread),
    Timer("tell_overdue", timedelta(seconds=10), tell_overdue),
    Timer("forget_old", timedelta(minutes=10), forget_old),
)
