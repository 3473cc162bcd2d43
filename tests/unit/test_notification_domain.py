"""Telling people, the rules alone: nobody is told twice, nothing is forgotten, nothing rings in quiet hours."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.notification import policy
from services.notification.audience import responsible
from services.notification.domain import delivery, telling
from services.notification.domain.delivery import Answer, Delivery, Kind, State, WrongState
from services.notification.domain.rules import Area, Channel, Everybody, Office, matches, next_channel
from services.notification.domain.timing import Digest, Quiet, not_before, out_of_quiet
from services.notification.wording import Item, long_text, short_text, subject_of
from shared.contracts.catalogue import CATALOGUE
from shared.contracts.notification import ABOVE
from shared.kernel.clock import CHINA
from shared.kernel.ids import new_id
from shared.web import Role

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # 10:00 in China
NIGHT = Quiet(22 * 60, 7 * 60)
MINUTE = st.integers(0, 24 * 60 - 1)
MOMENT = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))


def at(hour: int, minute: int = 0, day: int = 23) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=CHINA)


@pytest.mark.parametrize(
    ("told", "goes"),
    [
        (at(21, 59), at(21, 59)),
        (at(22, 0), at(7, 0, 24)),
        (at(23, 30), at(7, 0, 24)),
        (at(0, 10), at(7, 0)),
        (at(6, 59), at(7, 0)),
        (at(7, 0), at(7, 0)),
    ],
)
def test_what_is_not_urgent_waits_for_the_morning(told: datetime, goes: datetime) -> None:
    assert out_of_quiet(told, NIGHT) == goes
    told_at = told.astimezone(UTC)
    assert not_before(urgent=False, now=told_at, quiet=NIGHT, digest=Digest.NONE, digest_at=480) == goes
    assert not_before(urgent=True, now=told_at, quiet=NIGHT, digest=Digest.DAILY, digest_at=480) == told


def test_messages_gather_for_an_hour_or_until_the_working_day_begins() -> None:
    hourly = not_before(urgent=False, now=at(10, 20), quiet=NIGHT, digest=Digest.HOURLY, digest_at=480)
    assert hourly == at(11)
    late = not_before(urgent=False, now=at(21, 20), quiet=NIGHT, digest=Digest.HOURLY, digest_at=480)
    assert late == at(7, 0, 24)
    assert not_before(urgent=False, now=at(7, 59), quiet=NIGHT, digest=Digest.DAILY, digest_at=480) == at(8)
    assert not_before(urgent=False, now=at(8), quiet=NIGHT, digest=Digest.DAILY, digest_at=480) == at(8, 0, 24)


@given(now=MOMENT, begins=MINUTE, ends=MINUTE, digest=st.sampled_from(Digest), urgent=st.booleans(), digest_at=MINUTE)
def test_nothing_rings_in_quiet_hours_or_too_early_and_everything_rings_within_two_days(
    now: datetime, begins: int, ends: int, digest: Digest, urgent: bool, digest_at: int
) -> None:
    quiet = Quiet(begins, ends)
    goes = not_before(urgent=urgent, now=now, quiet=quiet, digest=digest, digest_at=digest_at)
    assert now <= goes <= now + timedelta(days=2)
    assert goes == now if urgent else not quiet.holds(goes)


def test_the_same_time_twice_means_no_quiet_hours() -> None:
    assert not any(Quiet(420, 420).holds(at(hour)) for hour in range(24))
    with pytest.raises(ValueError, match="time of day"):
        Quiet(24 * 60, 0)


def message(channel: Channel = Channel.EMAIL) -> Delivery:
    return Delivery(
        id=new_id(),
        notice_id=new_id(),
        recipient="person:officer",
        channel=channel,
        urgent=False,
        state=State.WAITING,
        attempts=0,
        made_at=NOW,
        next_try_at=NOW,
    )


class OneMessage(RuleBasedStateMachine):
    """A message, its senders, a server that answers as it likes, crashes, and time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.one = message()
        self.accepted = 0
        self.asked = 1

    @precondition(lambda self: self.one.next_try_at is not None and self.now >= self.one.next_try_at)
    @rule()
    def somebody_takes_it(self) -> None:
        self.one = delivery.take(self.one, digest_id=self.one.id, now=self.now)

    @precondition(lambda self: self.one.state is State.SENDING)
    @rule(kind=st.sampled_from(Kind))
    def the_server_answers(self, kind: Kind) -> None:
        self.accepted += kind is Kind.ACCEPTED
        self.one = delivery.settle(self.one, Answer(kind), backoff=policy.BACKOFF[Channel.EMAIL], now=self.now)

    @precondition(lambda self: self.one.state is State.WAITING)
    @rule()
    def it_is_read(self) -> None:
        self.one = delivery.spare(self.one)

    @precondition(lambda self: self.one.state in (State.SENT, State.FAILED))
    @rule()
    def it_is_asked_for_again(self) -> None:
        self.one = delivery.ask_again(self.one, now=self.now)
        self.asked += 1

    @rule(minutes=st.integers(1, 600))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @invariant()
    def it_is_accepted_once_for_each_time_it_was_asked_for(self) -> None:
        assert self.accepted <= self.asked

    @invariant()
    def it_is_never_forgotten(self) -> None:
        assert (self.one.next_try_at is not None) == (self.one.state in delivery.UNDONE)

    @invariant()
    def a_message_that_waits_is_not_sent_and_one_that_is_done_is_not_taken(self) -> None:
        if self.one.state not in delivery.UNDONE:
            with pytest.raises(WrongState):
                delivery.take(self.one, digest_id=self.one.id, now=self.now)


TestOneMessage = OneMessage.TestCase
TestOneMessage.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


def test_a_message_is_given_up_after_the_last_pause_and_no_sooner() -> None:
    one, pauses = message(), policy.BACKOFF[Channel.EMAIL]
    for number in range(len(pauses) + 1):
        assert one.next_try_at is not None
        one = delivery.take(one, digest_id=one.id, now=one.next_try_at)
        assert one.attempts == number + 1
        one = delivery.settle(one, Answer(Kind.LATER, "server_away"), backoff=pauses, now=NOW)
    assert (one.state, one.reason, one.next_try_at) == (State.FAILED, "server_away", None)


def test_who_takes_a_message_that_is_not_due_is_refused() -> None:
    taken = delivery.take(message(), digest_id=new_id(), now=NOW)
    with pytest.raises(WrongState):
        delivery.take(taken, digest_id=new_id(), now=NOW + delivery.LEASE / 2)
    again = delivery.take(taken, digest_id=new_id(), now=NOW + delivery.LEASE)
    assert again.attempts == 2
    with pytest.raises(WrongState):
        delivery.spare(taken)
    with pytest.raises(WrongState):
        delivery.settle(replace(taken, state=State.SENT), Answer(Kind.ACCEPTED), backoff=(), now=NOW)


def test_each_act_of_a_telling_leads_to_one_state() -> None:
    assert {act: telling.after(act) for act in telling.Act} == {
        telling.Act.READ: telling.State.HEARD,
        telling.Act.GIVEN_UP: telling.State.UNHEARD,
        telling.Act.OVERTAKEN: telling.State.PAST,
    }
    assert telling.State.PAST not in {state for act in telling.Act for state in telling.before(act)}


def test_the_ladder_is_climbed_one_rung_after_the_other() -> None:
    ladder = (Channel.SMS, Channel.EMAIL)
    assert next_channel(ladder, ()) is Channel.SMS
    assert next_channel(ladder, (Channel.SMS,)) is Channel.EMAIL
    assert next_channel(ladder, (Channel.EMAIL, Channel.SMS)) is None
    assert next_channel((), ()) is None


def test_the_policy_speaks_of_events_fields_and_roles_that_there_are() -> None:
    roles = {role.value for role in Role}
    assert len(policy.RULES_BY_ID) == len(policy.RULES)
    for one in policy.RULES:
        named = {audience.named_by for audience in one.audiences if isinstance(audience, Office)}
        for event in one.events:
            if event != policy.TEST_OVERDUE:
                assert CATALOGUE[event].aggregate in policy.HEARD_KINDS
                assert named | set(one.when) <= CATALOGUE[event].keys, one.id
        for audience in one.audiences:
            assert set(audience.roles if isinstance(audience, Office) else [audience.role]) <= roles
        assert Channel.WEBHOOK not in one.ladder
        assert not one.urgent or one.read_within is not None, "whoever is woken has to read it"
    assert {policy.ABOVE.get(role, "operator") for role in roles} <= set(ABOVE)


def test_what_nobody_read_is_told_to_exactly_one_level_above() -> None:
    for above in ABOVE:
        (one,) = (one for one in policy.RULES if matches(one, "notification.failed.v1", {"above": above}))
        assert one.read_within is None, "or those above would be told of themselves without end"
        (audience,) = one.audiences
        assert isinstance(audience, Area | Everybody)
        assert audience.role == above


@pytest.mark.parametrize(
    ("role", "division", "responsible_there"),
    [
        ("township_supervisor", "430802001", ("township_supervisor", "430802001")),
        ("township_supervisor", "430802001203", ("township_supervisor", "430802001")),
        ("township_supervisor", "430802", ("county_supervisor", "430802")),
        ("county_supervisor", "4308", ("city_supervisor", "4308")),
        ("county_supervisor", None, ("city_supervisor", None)),
    ],
)
def test_of_a_place_that_is_not_known_exactly_the_next_level_is_told(
    role: str, division: str | None, responsible_there: tuple[str, str | None]
) -> None:
    assert responsible(role, division) == responsible_there


@given(
    rules=st.lists(st.sampled_from(sorted(policy.RULES_BY_ID)), min_size=1, max_size=30),
    language=st.sampled_from(["zh", "en"]),
)
def test_words_that_leave_are_the_policys_a_time_and_a_link(rules: list[str], language: str) -> None:
    items = [Item(name, NOW, new_id()) for name in rules]
    url = "https://console.example"
    for text in (short_text(items, language, url), long_text(items, language, url)):
        assert url in text
        assert "$" not in text
    assert len(subject_of(items, language)) < 100
    assert len(short_text(items, language, url)) < 200, "no SMS is split into many"
