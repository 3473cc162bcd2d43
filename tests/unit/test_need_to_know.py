"""Who may learn whose identity, by example and by property."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.person_registry.need_to_know import (
    TRANSITIONS,
    Asker,
    Duty,
    Opening,
    OpeningAct,
    OpeningState,
    answer,
    ask_approval,
    has_duty,
    is_opened,
    leave_unanswered,
)
from shared.kernel.deadlines import NextDue
from shared.kernel.errors import Conflict

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
GRACE = timedelta(days=30)
PERSON = UUID(int=1)
OFFICE = Duty("task 1 office", 1, PERSON, "handover_task", "office-1", "430802001", None)
OFFICER = Asker("officer", "office-1", "430802", works_in_area=False)
STATION = Asker("station", "station-9", "430802", works_in_area=True)
CITY = Asker("city", "city", "4308", works_in_area=True)


def opening(**changes: object) -> Opening:
    plain = Opening(
        id=UUID(int=2),
        version=1,
        person_id=PERSON,
        subject="officer",
        role="community_officer",
        organisation="office-1",
        reason="a relative asks at the counter",
        state=OpeningState.OPEN,
        opened_at=NOW,
        until=NOW + timedelta(hours=8),
        approve_by=None,
    )
    asked = ask_approval(plain, NextDue(NOW + timedelta(hours=24), "K1"))
    return replace(asked, **changes)  # type: ignore[arg-type]


def test_who_has_the_duty_knows_while_it_lasts_and_a_while_after() -> None:
    ended = replace(OFFICE, until=NOW)
    assert has_duty(OFFICER, [OFFICE], NOW + timedelta(days=4000), GRACE)
    assert has_duty(OFFICER, [ended], NOW + GRACE - timedelta(seconds=1), GRACE)
    assert not has_duty(OFFICER, [ended], NOW + GRACE, GRACE)


def test_another_organisation_in_the_same_place_does_not_know() -> None:
    assert not has_duty(replace(OFFICER, organisation="office-2"), [OFFICE], NOW, GRACE)


def test_the_police_and_supervisors_of_the_area_know_those_of_other_areas_and_the_city_do_not() -> None:
    assert has_duty(STATION, [OFFICE], NOW, GRACE)
    assert not has_duty(replace(STATION, division="430822"), [OFFICE], NOW, GRACE)
    assert not has_duty(CITY, [OFFICE], NOW, GRACE)
    assert not has_duty(replace(CITY, division=""), [OFFICE], NOW, GRACE)


divisions = st.sampled_from([None, "", "4308", "430802", "430802001", "430822"])
organisations = st.sampled_from([None, "office-1", "office-2"])
duties = st.builds(
    Duty,
    key=st.just("k"),
    version=st.just(1),
    person_id=st.just(PERSON),
    kind=st.just("stay"),
    organisation=organisations,
    division=divisions,
    until=st.none() | st.just(NOW - timedelta(days=31)),
)
askers = st.builds(
    Asker,
    subject=st.just("s"),
    organisation=st.sampled_from(["office-1", "office-3"]),
    division=st.sampled_from(["", "4308", "430802"]),
    works_in_area=st.booleans(),
)


@given(askers, st.lists(duties, max_size=4))
def test_nobody_knows_without_a_live_duty_of_theirs(asker: Asker, found: list[Duty]) -> None:
    live = [duty for duty in found if duty.until is None]
    own = any(duty.organisation == asker.organisation for duty in live)
    area = (
        asker.works_in_area
        and asker.division == "430802"
        and any(duty.division in ("430802", "430802001") for duty in live)
    )
    assert has_duty(asker, found, NOW, GRACE) == (own or area)


def test_an_opening_lets_one_know_who_asked_until_it_is_over_or_refused() -> None:
    asked = opening()
    assert is_opened(OFFICER, [asked], NOW + timedelta(hours=7))
    assert not is_opened(OFFICER, [asked], NOW + timedelta(hours=8))
    assert not is_opened(replace(OFFICER, subject="colleague"), [asked], NOW)
    refused = answer(asked, approved=False, by="supervisor", now=NOW + timedelta(hours=1))
    assert (refused.state, refused.until) == (OpeningState.DISAPPROVED, NOW + timedelta(hours=1))
    assert not is_opened(OFFICER, [refused], NOW)


def test_somebody_else_answers_once() -> None:
    with pytest.raises(Conflict) as own:
        answer(opening(), approved=True, by="officer", now=NOW)
    assert own.value.code == "opening.own"
    approved = answer(opening(), approved=True, by="supervisor", now=NOW)
    assert (approved.state, approved.due_at, approved.until) == (OpeningState.APPROVED, None, opening().until)
    with pytest.raises(Conflict) as again:
        answer(approved, approved=False, by="another", now=NOW)
    assert again.value.code == "opening.answered"


def test_what_nobody_answered_is_said_once_and_can_still_be_answered() -> None:
    late = leave_unanswered(opening())
    assert (late.state, late.due_at) == (OpeningState.UNANSWERED, None)
    with pytest.raises(Conflict):
        leave_unanswered(late)
    assert answer(late, approved=True, by="supervisor", now=NOW).state is OpeningState.APPROVED


def test_every_state_but_the_last_has_a_way_on() -> None:
    ends = {OpeningState.APPROVED, OpeningState.DISAPPROVED}
    assert {state for act in OpeningAct for state in TRANSITIONS[act]} == set(OpeningState) - ends
