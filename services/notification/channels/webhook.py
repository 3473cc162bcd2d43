"""Webhooks in the form of the Standard Webhooks specification: signed, with a timestamp, known by an id.

While a secret is changed, a message is signed with both, so that the receiver can change in its own time.
"""

import httpx
import orjson
from standardwebhooks import Webhook

from services.notification.channels.message import TIMEOUT_SECONDS, Message
from services.notification.domain.delivery import Answer, Kind
from shared.kernel.clock import Clock

GONE = 410


def post(message: Message, clock: Clock) -> Answer:
    """Hand a message to the receiver. Redirections are not followed: they could lead anywhere."""
    body = orjson.dumps(message.body).decode()
    now = clock.now()
    signatures = (Webhook(secret).sign(message.id, now, body) for secret in message.secrets)
    headers = {
        "Content-Type": "application/json",
        "webhook-id": message.id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
    try:
        with httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False) as http:
            answer = http.post(message.to, content=body, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL):
        return Answer(Kind.LATER, "receiver_away")
    if answer.is_success:
        return Answer(Kind.ACCEPTED)
    return Answer(Kind.NEVER if answer.status_code == GONE else Kind.LATER, f"status_{answer.status_code}")
