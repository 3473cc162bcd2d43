"""notification's HTTP API for systems: subscriptions, their secrets, what was delivered, and once more."""

import base64
from typing import Any
from uuid import UUID

from flask.views import MethodView

from services.notification.audience import webhook_key
from services.notification.commands import deliver_again, own_subscription, rotate_secret, subscribe, unsubscribe
from services.notification.domain.delivery import Delivery
from services.notification.schemas import (
    DeliveryOut,
    DeliveryPage,
    DeliveryQuery,
    NothingIn,
    SecretOut,
    SubscriptionIn,
    SubscriptionOut,
    SubscriptionsOut,
)
from services.notification.seal import secret_of
from services.notification.store import Subscription, Work
from services.notification.tables import deliveries, subscriptions
from shared.kernel.errors import NotFound
from shared.web import (
    SUPERVISORS,
    Blueprint,
    Jurisdiction,
    Outside,
    Role,
    current_principal,
    current_work,
    operation,
    page_of,
)

webhooks_blp = Blueprint(
    "subscriptions", __name__, url_prefix="/subscriptions", description="Systems that are told by webhook"
)
deliveries_blp = Blueprint("deliveries", __name__, url_prefix="/deliveries", description="What was sent to systems")

KEEPERS = (
    Role.STATION_OFFICER,
    Role.CENTRE_CLERK,
    Role.COMMUNITY_OFFICER,
    *SUPERVISORS,
    Role.SYSTEM,
)


def work() -> Work:
    """The request's transaction."""
    found: Work = current_work()
    return found


@webhooks_blp.route("")
class Subscriptions(MethodView):
    """The systems of the asker's organisation."""

    @operation(*KEEPERS, within=Jurisdiction.SYSTEMS, outside=Outside.LEFT_OUT)
    @webhooks_blp.response(200, SubscriptionsOut)
    def get(self) -> dict[str, Any]:
        """List them."""
        return {"items": _own_subscriptions()}

    @operation(*KEEPERS, within=Jurisdiction.OWN_NAME, creates=True)
    @webhooks_blp.arguments(SubscriptionIn)
    @webhooks_blp.response(201, SubscriptionOut)
    def post(self, body: dict[str, Any]) -> Subscription:
        """Have a system of the asker's organisation told. Its secret is read apart, for the answer is kept."""
        return subscribe(current_principal(), body["url"], body["topics"], work=work())


@webhooks_blp.route("/<uuid:subscription_id>/secret")
class Secret(MethodView):
    """With what a system checks the signatures."""

    @operation(*KEEPERS, within=Jurisdiction.SYSTEMS, looks=True)
    @webhooks_blp.response(200, SecretOut)
    def get(self, subscription_id: UUID) -> dict[str, str]:
        """Read the secret; that is written down, and the answer is not kept."""
        found = own_subscription(current_principal(), subscription_id, work())
        work().note_act("subscription.secret_read", found.id)
        return {"secret": f"whsec_{base64.b64encode(secret_of(found.secret)).decode()}"}


@webhooks_blp.route("/<uuid:subscription_id>/rotation")
class Rotation(MethodView):
    """Another secret."""

    @operation(*KEEPERS, within=Jurisdiction.SYSTEMS, creates=True)
    @webhooks_blp.arguments(NothingIn)
    @webhooks_blp.response(201, SubscriptionOut)
    def post(self, _body: dict[str, Any], subscription_id: UUID) -> Subscription:
        """Make a new secret; for a day every message is signed with the former one, too."""
        return rotate_secret(current_principal(), subscription_id, work=work())


@webhooks_blp.route("/<uuid:subscription_id>/end")
class End(MethodView):
    """No more."""

    @operation(*KEEPERS, within=Jurisdiction.SYSTEMS, creates=True)
    @webhooks_blp.arguments(NothingIn)
    @webhooks_blp.response(201, SubscriptionOut)
    def post(self, _body: dict[str, Any], subscription_id: UUID) -> Subscription:
        """Tell the system no more."""
        return unsubscribe(current_principal(), subscription_id, work=work())


@deliveries_blp.route("")
class Deliveries(MethodView):
    """What was sent to the systems of the asker's organisation."""

    @operation(*KEEPERS, within=Jurisdiction.SYSTEMS, outside=Outside.LEFT_OUT)
    @deliveries_blp.arguments(DeliveryQuery, location="query")
    @deliveries_blp.response(200, DeliveryPage)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List what was sent, the newest first, with attempts and what came of them."""
        own = [one.id for one in _own_subscriptions() if query.get("subscription") in (None, one.id)]
        return page_of(
            work().deliveries,
            deliveries.c.recipient.in_([webhook_key(one) for one in own]),
            sort=deliveries.c.made_at,
            limit=query["limit"],
            cursor=query["cursor"],
            descending=True,
        )


@deliveries_blp.route("/<uuid:delivery_id>/again")
class Again(MethodView):
    """Once more."""

    @operation(*KEEPERS, within=Jurisdiction.SYSTEMS, creates=True)
    @deliveries_blp.arguments(NothingIn)
    @deliveries_blp.response(201, DeliveryOut)
    def post(self, _body: dict[str, Any], delivery_id: UUID) -> Delivery:
        """Send it once more, under the same id."""
        one = work().deliveries.get(delivery_id)
        if one.recipient not in {webhook_key(own.id) for own in _own_subscriptions()}:
            raise NotFound("delivery.not_found", f"no delivery {delivery_id}")
        return deliver_again(one, work=work())


def _own_subscriptions() -> list[Subscription]:
    own = subscriptions.c.organisation == current_principal().organisation
    return work().subscriptions.select(own, order_by=subscriptions.c.created_at)
