"""The same commands by message (exchange ``baton.intake.releases``): validated and decided exactly as by HTTP."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields

from services.release_notification import commands
from services.release_notification.domain.release import Release
from services.release_notification.schemas import CancelIn, ExecuteIn, PlanIn, ReleaseOut, RescheduleIn, RetractIn
from services.release_notification.store import Work
from shared.messaging.intake import Intake, IntakeMessage
from shared.web import Jurisdiction, Outside, Role
from shared.web.access import access
from shared.web.body import parse_json
from shared.web.problems import invalid_input_of
from shared.web.refusals import UnsupportedBody


class _OfRelease(Schema):
    release_id = fields.UUID(required=True)


class RescheduleMessage(_OfRelease, RescheduleIn):
    """``release.reschedule``."""


class CancelMessage(_OfRelease, CancelIn):
    """``release.cancel``."""


class ExecuteMessage(_OfRelease, ExecuteIn):
    """``release.execute``."""


class RetractMessage(_OfRelease, RetractIn):
    """``release.retract``."""


def _plan(body: dict[str, Any], work: Work, centre: str) -> Release:
    commands.must_be_own(body["centre"], centre)
    return commands.plan_release(commands.PlanRelease(**body), work=work)


def _reschedule(body: dict[str, Any], work: Work, centre: str) -> Release:
    return commands.reschedule_release(commands.RescheduleRelease(**body), work=work, centre=centre)


def _cancel(body: dict[str, Any], work: Work, centre: str) -> Release:
    return commands.cancel_release(commands.CancelRelease(**body), work=work, centre=centre)


def _execute(body: dict[str, Any], work: Work, centre: str) -> Release:
    return commands.execute_release(commands.ExecuteRelease(**body), work=work, centre=centre)


def _retract(body: dict[str, Any], work: Work, centre: str) -> Release:
    return commands.retract_release(commands.RetractRelease(**body), work=work, centre=centre)


_OWN_NAME = access(Role.CENTRE_CLERK, within=Jurisdiction.ORGANISATION, outside=Outside.REFUSED)
_OWN_RELEASE = access(Role.CENTRE_CLERK, within=Jurisdiction.HOLDER)
COMMANDS = {
    "release.plan": (_OWN_NAME, PlanIn(), _plan),
    "release.reschedule": (_OWN_RELEASE, RescheduleMessage(), _reschedule),
    "release.cancel": (_OWN_RELEASE, CancelMessage(), _cancel),
    "release.execute": (_OWN_RELEASE, ExecuteMessage(), _execute),
    "release.retract": (_OWN_RELEASE, RetractMessage(), _retract),
}
_receipt = ReleaseOut()


def handle(message: IntakeMessage, work: Work) -> Mapping[str, Any]:
    """Carry out one command; the release as it is then.

    Raises: BatonError, told to the sender as a rejection.
    """
    _access, schema, act = COMMANDS[message.command]
    receipt: dict[str, Any] = _receipt.dump(act(_read(message, schema), work, message.centre))
    return receipt


def _read(message: IntakeMessage, schema: Schema) -> dict[str, Any]:
    if (message.content_type or "").partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedBody("body.content_type", "send application/json in UTF-8")
    try:
        body: dict[str, Any] = schema.load(parse_json(message.body))
    except ValidationError as error:
        raise invalid_input_of(error) from None
    return body


INTAKE = Intake(handle, {command: needed for command, (needed, _, _) in COMMANDS.items()})
