"""E-mail by SMTP. What is to be encrypted goes to a server with a good certificate, or not at all."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import formatdate, parseaddr

from services.notification.channels.message import TIMEOUT_SECONDS, Message
from services.notification.channels.profile import Email
from services.notification.domain.delivery import Answer, Kind

_FOR_GOOD = range(500, 600)


def post(message: Message, server: Email) -> Answer:
    """Hand a message to the server; it is sent when the server took it."""
    try:
        with _session(server) as session:
            session.send_message(_written(message, server.sender))
    except smtplib.SMTPRecipientsRefused as refused:
        return _refusal("recipient_refused", *(code for code, _ in refused.recipients.values()))
    except smtplib.SMTPAuthenticationError:
        return Answer(Kind.LATER, "sign_in_refused")
    except smtplib.SMTPResponseException as refused:
        return _refusal("server_refused", refused.smtp_code)
    except ssl.SSLError:
        return Answer(Kind.LATER, "not_secure")
    except (OSError, smtplib.SMTPException):
        return Answer(Kind.LATER, "server_away")
    return Answer(Kind.ACCEPTED)


def _refusal(reason: str, *codes: int) -> Answer:
    return Answer(Kind.NEVER if codes and all(code in _FOR_GOOD for code in codes) else Kind.LATER, reason)


@contextmanager
def _session(server: Email) -> Iterator[smtplib.SMTP]:
    context = ssl.create_default_context(cafile=server.ca_file)
    if server.security == "tls":
        opened: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT_SECONDS, context=context)
    else:
        opened = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_SECONDS)
    with opened as session:
        if server.security == "starttls":
            session.starttls(context=context)
        if server.username is not None:
            session.login(server.username, server.password or "")
        yield session


def _written(message: Message, sender: str) -> EmailMessage:
    written = EmailMessage()
    written["From"], written["To"], written["Subject"] = sender, message.to, message.subject
    written["Date"] = formatdate()
    written["Message-ID"] = f"<{message.id}@{parseaddr(sender)[1].rpartition('@')[2]}>"
    written["Auto-Submitted"] = "auto-generated"
    written.set_content(message.text)
    return written
