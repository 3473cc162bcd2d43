"""Systems that are told by webhook: those of the user's organisation, their secrets, what was sent, and once more."""

from typing import Any
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from services.console.acts import Act, Field, Kind
from services.console.clients import Refused
from services.console.pages.common import act, get
from shared.web.access import Jurisdiction, Outside, allows
from shared.web.principal import SUPERVISORS, Role

bp = Blueprint("webhooks", __name__, url_prefix="/notifications/webhooks")

SERVICE = "notification"
KEEPERS = (Role.STATION_OFFICER, Role.CENTRE_CLERK, Role.COMMUNITY_OFFICER, *SUPERVISORS)
PAGE = 50
NEW = Act(
    _l("登记接收地址"),
    "",
    (
        Field("url", _l("接收地址（URL）"), hint=_l("只能是本平台允许的地址")),
        Field(
            "topics",
            _l("只接收这些规则的通知"),
            Kind.NAMES,
            required=False,
            hint=_l("每行一个规则编号，例如 K1；空着表示全部"),
        ),
    ),
    is_main=True,
)
ACTS = {
    "rotation": _l("已更换密钥。原密钥一天内仍可验签，请尽快换到对方系统。"),
    "end": _l("已停用，不再发送。"),
}


@bp.get("")
@allows(*KEEPERS, within=Jurisdiction.SYSTEMS, outside=Outside.LEFT_OUT)
def index() -> Any:
    """The organisation's systems, and a form for another."""
    return _index()


@bp.post("")
@allows(*KEEPERS, within=Jurisdiction.OWN_NAME)
def make() -> Any:
    """Have a system told from now on."""
    try:
        made = act(SERVICE, "/subscriptions", NEW.body(request.form))
    except Refused as refused:
        return _index(refused)
    flash(_("已登记。现在显示密钥，并填到对方系统。"))
    return redirect(url_for("webhooks.one", subscription_id=made["id"]), 303)


@bp.get("/<uuid:subscription_id>")
@allows(*KEEPERS, within=Jurisdiction.SYSTEMS)
def one(subscription_id: UUID) -> Any:
    """One system, and what was sent to it."""
    return _page(subscription_id)


@bp.post("/<uuid:subscription_id>/secret")
@allows(*KEEPERS, within=Jurisdiction.SYSTEMS)
def secret(subscription_id: UUID) -> Any:
    """The secret, in this one answer; that somebody read it is written down."""
    return _page(subscription_id, get(SERVICE, f"/subscriptions/{subscription_id}/secret")["secret"])


@bp.post("/<uuid:subscription_id>/<act>")
@allows(*KEEPERS, within=Jurisdiction.SYSTEMS)
def do(subscription_id: UUID, act: str) -> Any:
    """Another secret, or no more."""
    if act not in ACTS:
        abort(404)
    _send(f"/subscriptions/{subscription_id}/{act}")
    flash(str(ACTS[act]))
    return redirect(url_for("webhooks.one", subscription_id=subscription_id), 303)


@bp.post("/<uuid:subscription_id>/deliveries/<uuid:delivery_id>/again")
@allows(*KEEPERS, within=Jurisdiction.SYSTEMS)
def again(subscription_id: UUID, delivery_id: UUID) -> Any:
    """Send something once more, under the same id."""
    _send(f"/deliveries/{delivery_id}/again")
    flash(_("将再发送一次。"))
    return redirect(url_for("webhooks.one", subscription_id=subscription_id), 303)


def _send(path: str) -> None:
    act(SERVICE, path, {})


def _index(refused: Refused | None = None) -> Any:
    page = render_template(
        "webhooks.html",
        systems=get(SERVICE, "/subscriptions")["items"],
        act=NEW,
        refused=refused,
        entered=request.form,
    )
    return page, refused.status if refused else 200


def _page(subscription_id: UUID, shown_secret: str = "") -> Any:
    found = [one for one in get(SERVICE, "/subscriptions")["items"] if one["id"] == str(subscription_id)]
    if not found:
        raise Refused(404, {"code": "subscription.not_found"})
    query = {"subscription": str(subscription_id), "cursor": request.args.get("cursor")}
    return render_template(
        "webhook.html",
        system=found[0],
        secret=shown_secret,
        sent=get(SERVICE, "/deliveries", limit=PAGE, **query),
    )
