"""What the pages of cases have in common: acts by forms, receipts, who was faster, a person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from flask import abort, redirect, render_template, request, session, url_for
from flask_babel import gettext as _

from services.console.acts import Act, offered
from services.console.clients import Away, Refused
from services.console.dues import due_asks
from services.console.identity import Account, current_account
from services.console.pages.common import act as send
from services.console.pages.common import find_person, get
from services.console.words import due_words
from shared.web.principal import Role

LINES = 30
_SHOWN_ALOUD = (401, 403, 404)  # these have pages of their own
# What somebody did before, by the refusal that says so.
_DONE_BEFORE = {
    "stay.family_told_already": "stay.family_told.v1",
    "stay.already_ended": "stay.ended.v1",
    "term.proposal_open": "stay.term_proposed.v1",
    "term.nothing_proposed": "stay.term_decided.v1",
    "review.not_open": "order.review_closed.v1",
    "papers.sent_already": "release.papers_sent.v1",
    "rehab.settled_already": "release.ground_settled.v1",
    "objection.waived": "test.settled.v1",
    "measure.agreed": "measure.agreed.v1",
    "measure.no_breach": "measure.breach_told.v1",
    "measure.not_moving": "measure.moved.v1",
}
_CHANGED_MEANWHILE = "aggregate.changed_meanwhile"  # in whatever way


@dataclass(frozen=True, slots=True)
class Cases:
    """One kind of case: where it is, and which act a deadline asks for."""

    service: str
    path: str
    act_of: Mapping[str, str] = field(default_factory=dict)

    def read(self, case_id: UUID | str) -> Any:
        """One of them."""
        return get(self.service, f"{self.path}/{case_id}")

    def do(self, case_id: UUID, name: str, acts: Mapping[str, Act]) -> Any:
        """Do what a form says; a receipt is shown on the next page.

        Raises: Refused.
        """
        act = acts[name]
        done = send(self.service, f"{self.path}/{case_id}/{act.step or name}", act.body(request.form))
        keep_receipt(act.receipt, done)
        return done

    def offered(self, case: Mapping[str, Any], acts: Mapping[str, Act]) -> dict[str, Act]:
        """What the user may do next, what is due first."""
        return offered(acts, case["state"], role(), self.act_of.get(case["due_rule"] or ""))


def user() -> Account:
    """Who is signed in."""
    account = current_account()
    assert account is not None
    return account


def role() -> Role:
    """The user's role."""
    return user().role


def organisation() -> str:
    """The user's organisation; of a clerk, the centre."""
    return user().organisation


def respond(cases: Cases, case_id: UUID, name: str, acts: Mapping[str, Act], show: Any, go_on: Any) -> Any:
    """The answer to a form: ``go_on`` gives the next address; what is refused is told on the page itself."""
    if name not in acts:
        abort(404)
    try:
        done = cases.do(case_id, name, acts)
    except Refused as refused:
        if refused.status in _SHOWN_ALOUD:
            raise
        return show(case_id, refused, name)
    return redirect(go_on(done), 303)


def page_of(template: str, case: Mapping[str, Any], refused: Refused | None, name: str, **about: Any) -> Any:
    """A case's page; with what was refused, in the form of the act that is called ``name``."""
    lines = lines_of(case["person_id"])
    page = render_template(
        template,
        lines=lines,
        refused=with_who(refused, lines, case),
        refused_act=name,
        entered=request.form,
        receipt=take_receipt(),
        **about,
    )
    return page, refused.status if refused else 200


def keep_receipt(said: Any, done: Mapping[str, Any]) -> None:
    """Keep what was done for the next page, with its number and the next deadline."""
    next_due = f"{due_words(done['due_at'])} {due_asks(done['due_rule'])}" if done.get("due_at") else ""
    session["receipt"] = {"text": str(said), "number": f"{done['id'][:8]}-{done['version']}", "due": next_due}


def take_receipt() -> Any:
    """What was done just now, once."""
    return session.pop("receipt", None)


def lines_of(person_id: str) -> list[Any] | None:
    """The person's timeline, the newest first; None where the user may not read it, or nobody answers."""
    try:
        found = get("oversight", f"/cases/{person_id}/timeline", order="newest_first", limit=LINES)
    except (Refused, Away):
        return None
    items: list[Any] = found["items"]
    return items


def with_who(
    refused: Refused | None, lines: Sequence[Mapping[str, Any]] | None, case: Mapping[str, Any]
) -> Refused | None:
    """The refusal with who was faster, and when, once the timeline has heard of it."""
    if refused is None or refused.status != 409 or refused.problem.get("by"):
        return refused
    own = [line for line in lines or () if line["aggregate_id"] == case["id"]]
    line = _line_that_did(refused, own, case["version"])
    if line is None:
        return refused
    by = line["actor"] or _("系统（自动办理）")
    return Refused(refused.status, {**refused.problem, "by": by, "at": line["occurred_at"]})


def _line_that_did(refused: Refused, own: Sequence[Mapping[str, Any]], version: int) -> Mapping[str, Any] | None:
    """The line that brought the state in which the act was refused, that did the same before, or that is the latest."""
    if refused.code in _DONE_BEFORE:
        return next((line for line in own if line["type"] == _DONE_BEFORE[refused.code]), None)
    if refused.code == _CHANGED_MEANWHILE:
        return next((line for line in own if line["sequence"] == version), None)
    found = None
    for line in own:
        if line["state"] != refused.problem.get("state"):
            break
        found = line
    return found


def look_up(endpoint: str) -> Any:
    """To the form for the person with an identity number, which stands in no address.

    Raises: Refused when nobody has it.
    """
    person_id = find_person(request.form.get("identity_number", "").strip())
    return redirect(url_for(endpoint, person=person_id), 303)


def asked(name: str) -> str | None:
    """The id that a link or a form names, as ``person``: whom or what it is about."""
    text = request.values.get(name, "")
    try:
        return str(UUID(text)) if text else None
    except ValueError:
        return abort(404)


def no_person() -> Refused:
    """Of a form without a person."""
    fault = {"pointer": "/identity_number", "code": "required", "detail": str(_("必填"))}
    return Refused(422, {"code": "validation.failed", "errors": [fault]})
