"""Messages to people that leave the platform: a real mail server, a real gateway, a real receiver of webhooks."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import yaml
from standardwebhooks import Webhook, WebhookVerificationError

from services.notification import seal
from services.notification.audience import person_key
from services.notification.channels import webhook
from services.notification.channels.message import Message
from services.notification.channels.profile import VARIABLE, WrongProfile, current_profile, read_profile
from services.notification.domain.delivery import LEASE, Kind, State
from services.notification.domain.rules import Channel
from services.notification.outgoing import parcels
from services.notification.sending import Sender, _take
from services.notification.service import SERVICE
from services.notification.tables import deliveries
from shared.kernel.clock import CHINA, SystemClock
from shared.messaging.processor import EventProcessor
from shared.observability.metrics import Metrics
from shared.web import Principal
from tests.integration.test_notification import COUNTY, ELSEWHERE, OFFICE, OFFICER, read, task, unread
from tests.support.builders import event
from tests.support.messaging import consuming, publish, topology, wait_until
from tests.support.receivers import PASSWORD, USERNAME, Mailbox, Receiver, http_receiver, mail_server
from tests.support.service import START, ServiceUnderTest, delivery_of, service_under_test

CONSOLE = "https://console.example"
SENDER = "接力 <baton@city.example>"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[ServiceUnderTest]:
    with service_under_test(SERVICE, f"sqlite:///{tmp_path / 'test.sqlite3'}") as opened:
        yield opened


@pytest.fixture(scope="module")
def mail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailbox]:
    with mail_server(tmp_path_factory.mktemp("mail")) as opened:
        yield opened


@pytest.fixture(scope="module")
def gateway() -> Iterator[Receiver]:
    with http_receiver() as opened:
        yield opened


@pytest.fixture(autouse=True)
def everything_is_set_up(
    mail: Mailbox, gateway: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """A mail server, an SMS gateway, and one origin to which webhooks may lead."""
    (tmp_path / "mail-password").write_text(PASSWORD)
    (tmp_path / "sms-secret").write_text("gateway-secret")
    email = {"host": "127.0.0.1", "port": mail.port, "sender": SENDER, "username": USERNAME}
    profile = {
        "console_url": CONSOLE,
        "email": email | {"password_file": str(tmp_path / "mail-password"), "ca_file": str(mail.ca_file)},
        "sms": {
            "url": f"{gateway.url}/send",
            "headers": {"X-Key": "$secret"},
            "json": {"to": ["$phone"], "content": {"text": "$text"}, "id": "$id"},
            "secret_file": str(tmp_path / "sms-secret"),
            "accepted": {"status": [200], "field": "result.0.code", "values": ["0"]},
            "refused": {"status": [200], "field": "result.0.code", "values": ["13"]},
        },
        "webhook_origins": [gateway.url],
    }
    path = tmp_path / "channels.yaml"
    path.write_text(yaml.safe_dump(profile))
    monkeypatch.setenv(VARIABLE, str(path))
    yield
    for one in (mail.letters, mail.answers, gateway.requests, gateway.answers):
        one.clear()


def settle_in(service: ServiceUnderTest, who: Principal = OFFICER, **wanted: Any) -> None:
    """Somebody visits and says how to be told: by e-mail and SMS, without quiet hours, at once."""
    body = {
        "email": f"{who.subject}@office.example",
        "phone": "13900000000",
        "channels": ["email", "sms"],
        "quiet_from": "00:00",
        "quiet_until": "00:00",
        "digest": "none",
    }
    answer = service.client.put("/contact", body | wanted, as_=who)
    assert answer.status_code == 200, answer.get_json()


def send(service: ServiceUnderTest, channel: Channel) -> int:
    return Sender(channel, service.storage, service.metrics).send_due()


def states(service: ServiceUnderTest) -> dict[str, str]:
    """Channel and state of every message."""
    with service.work() as work:
        found = work.deliveries.select(order_by=deliveries.c.made_at)
        return {one.channel.value: one.state.value for one in found}


def only_letter(mail: Mailbox) -> EmailMessage:
    (letter,) = mail.letters
    mail.letters.clear()
    return letter


def test_a_letter_says_what_is_to_be_done_by_when_and_where_and_names_nobody(
    service: ServiceUnderTest, mail: Mailbox
) -> None:
    settle_in(service)
    offered = task(due_at=datetime(2026, 11, 24, 10, 0, tzinfo=UTC))
    service.react(offered)
    assert send(service, Channel.EMAIL) == 1
    letter = only_letter(mail)
    (notice,) = service.client.get("/notices", as_=OFFICER).get_json()["items"]
    assert (letter["To"], letter["Subject"]) == ("officer@office.example", "【接力】有出所人员待确认接收")
    text = letter.get_content()
    assert "11月24日 18:00" in text
    assert f"{CONSOLE}/notifications/{notice['id']}" in text
    for secret in (offered.data["person_id"], offered.subject, OFFICE):
        assert str(secret) not in str(letter)
    assert mail.was_encrypted[-1]
    assert send(service, Channel.EMAIL) == 0
    assert states(service) == {"email": "sent"}


def test_ten_messages_of_a_night_are_one_in_the_morning_and_what_is_overdue_rings_at_once(
    service: ServiceUnderTest, mail: Mailbox, gateway: Receiver
) -> None:
    settle_in(service, quiet_from="22:00", quiet_until="07:00", language="en")
    service.clock.set(datetime(2026, 11, 23, 23, 0, tzinfo=CHINA))
    for _ in range(10):
        service.react(task("handover.rescheduled.v1"))
        service.clock.advance(timedelta(minutes=5))
        assert send(service, Channel.EMAIL) == 0
    gateway.answers.append((200, {"result": [{"code": 0}]}))
    service.react(task("handover.escalated.v1", escalation_level=1))
    assert send(service, Channel.SMS) == 1
    assert gateway.requests[0].json["content"]["text"].startswith("[Baton] a handover is overdue; act now")
    service.clock.set(datetime(2026, 11, 24, 6, 59, tzinfo=CHINA))
    assert send(service, Channel.EMAIL) == 0
    service.clock.advance(timedelta(minutes=1))
    assert send(service, Channel.EMAIL) == 1
    letter = only_letter(mail)
    assert letter["Subject"] == "[Baton] 10 things to do"
    assert letter.get_content().count("/notifications/") == 10


def test_an_address_that_is_refused_is_followed_by_the_next_channel(
    service: ServiceUnderTest, mail: Mailbox, gateway: Receiver
) -> None:
    settle_in(service)
    service.react(task())
    mail.answers.append("550 no such user")
    gateway.answers.append((200, {"result": [{"code": "0"}]}))
    send(service, Channel.EMAIL)
    assert states(service) == {"email": "failed", "sms": "waiting"}
    assert send(service, Channel.SMS) == 1
    (request,) = gateway.requests
    assert (request.headers["x-key"], request.json["to"]) == ("gateway-secret", ["13900000000"])
    assert CONSOLE in request.json["content"]["text"]
    assert states(service) == {"email": "failed", "sms": "sent"}
    (seen,) = service.client.get("/tellings", as_=COUNTY).get_json()["items"]
    told = {one["channel"]: one["reason"] for one in seen["told"][0]["deliveries"]}
    assert told == {"email": "recipient_refused", "sms": None}


def test_a_server_that_is_away_is_tried_again_with_longer_pauses_and_then_given_up(
    service: ServiceUnderTest, mail: Mailbox
) -> None:
    settle_in(service, channels=["email"])
    service.react(task())
    tried = []
    for _ in range(100):
        mail.answers[:] = ["451 try later"]
        if send(service, Channel.EMAIL):
            tried.append(service.clock.now() - START)
        service.clock.advance(timedelta(minutes=1))
    assert [int(one.total_seconds() / 60) for one in tried] == [0, 1, 6, 21, 81]
    assert states(service) == {"email": "failed"}


def test_what_is_not_read_in_time_goes_by_the_next_channel_and_then_to_those_above(
    service: ServiceUnderTest, gateway: Receiver
) -> None:
    settle_in(service)
    service.react(task())
    send(service, Channel.EMAIL)
    service.clock.advance(timedelta(hours=4))
    assert service.run_timer("sweep_unread") == 1
    assert states(service) == {"email": "sent", "sms": "waiting"}
    gateway.answers.append((200, {"result": [{"code": "0"}]}))
    send(service, Channel.SMS)
    service.clock.advance(timedelta(hours=4))
    assert service.run_timer("sweep_unread") == 1
    (failed,) = service.events("notification.failed.v1")
    assert failed.data["channels"] == "email,sms"


def test_what_was_read_in_the_page_is_not_sent_any_more(service: ServiceUnderTest, mail: Mailbox) -> None:
    settle_in(service, digest="hourly")
    service.react(task(), task())
    (first, _) = service.client.get("/notices", as_=OFFICER).get_json()["items"]
    service.client.post(f"/notices/{first['id']}/read", as_=OFFICER)
    service.clock.advance(timedelta(hours=1))
    assert send(service, Channel.EMAIL) == 1
    assert first["id"] not in only_letter(mail).get_content()
    assert unread(service, OFFICER) == 1


def test_what_is_past_is_not_sent_any_more(service: ServiceUnderTest, mail: Mailbox) -> None:
    settle_in(service, digest="daily")
    offered = task()
    service.react(offered)
    service.react(task("handover.accepted.v1", subject=offered.subject, sequence=2, state="accepted"))
    service.clock.advance(timedelta(days=2))
    assert send(service, Channel.EMAIL) == 0
    assert states(service) == {"email": "spared"}
    assert mail.letters == []


def test_an_office_of_which_nobody_was_ever_here_is_told_at_its_own_address(
    service: ServiceUnderTest, mail: Mailbox
) -> None:
    address = {"email": "office@office.example", "language": "zh"}
    assert service.client.put("/contact/office", address, as_=ELSEWHERE).status_code == 200
    service.react(task(office=ELSEWHERE.organisation))
    service.clock.advance(timedelta(hours=1))
    assert send(service, Channel.EMAIL) == 1
    assert only_letter(mail)["To"] == "office@office.example"


def test_a_sender_that_died_is_taken_over_and_the_message_is_known_by_its_id(
    service: ServiceUnderTest, mail: Mailbox
) -> None:
    settle_in(service)
    service.react(task())
    with service.work() as work:
        (lost,) = parcels(_take(Channel.EMAIL, work), CONSOLE, work)
    assert lost.message is not None
    assert send(service, Channel.EMAIL) == 0, "somebody is at it"
    service.clock.advance(LEASE)
    assert send(service, Channel.EMAIL) == 1
    assert lost.message.id in only_letter(mail)["Message-ID"]
    with service.work() as work:
        (one,) = work.deliveries.select()
    assert (one.state, one.attempts) == (State.SENT, 2)


def test_of_two_senders_each_message_is_taken_by_one(postgres_url: str) -> None:
    with service_under_test(SERVICE, postgres_url) as service:
        settle_in(service)
        settle_in(service, COUNTY)
        service.react(*(task("handover.rescheduled.v1") for _ in range(20)), task("handover.unresolved.v1"))
        with service.work() as one, service.work() as other:
            first, second = _take(Channel.EMAIL, one), _take(Channel.EMAIL, other)
        assert (len(first), second) == (20, [])
        assert {taken.recipient for taken in first} == {person_key("officer")}


def test_a_channel_that_is_no_longer_set_up_gives_up_and_the_next_one_takes_over(
    service: ServiceUnderTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle_in(service)
    service.react(task())
    profile = yaml.safe_load((tmp_path / "channels.yaml").read_text())
    del profile["email"]
    (tmp_path / "fewer.yaml").write_text(yaml.safe_dump(profile))
    monkeypatch.setenv(VARIABLE, str(tmp_path / "fewer.yaml"))
    send(service, Channel.EMAIL)
    assert states(service) == {"email": "failed", "sms": "waiting"}


def test_a_gateway_is_read_by_the_rules_of_the_profile(service: ServiceUnderTest, gateway: Receiver) -> None:
    settle_in(service, channels=["sms"])
    for answer in ((500, {}), (200, {"result": []}), (200, {"result": [{"code": "13"}]})):
        service.react(task("handover.escalated.v1", escalation_level=1))
        gateway.answers.append(answer)
    assert send(service, Channel.SMS) == 1, "three for one person are one message"
    with service.work() as work:
        assert {(one.state, one.reason) for one in work.deliveries.select()} == {(State.WAITING, "gateway_refused")}
    service.clock.advance(timedelta(minutes=1))
    send(service, Channel.SMS)
    service.clock.advance(timedelta(minutes=5))
    send(service, Channel.SMS)
    with service.work() as work:
        assert {(one.state, one.attempts) for one in work.deliveries.select()} == {(State.FAILED, 3)}
    assert len(gateway.requests) == 3
    assert len({request.json["id"] for request in gateway.requests}) == 1


def test_a_gateway_that_wants_a_form_gets_one_and_nothing_is_put_beside_what_belongs_into_it(
    service: ServiceUnderTest, gateway: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sms = {"url": gateway.url, "form": {"mobile": "$phone", "msg": "$text", "fixed": "a&b"}}
    (tmp_path / "form.yaml").write_text(yaml.safe_dump({"console_url": f"{CONSOLE}?a=1&mobile=2", "sms": sms}))
    monkeypatch.setenv(VARIABLE, str(tmp_path / "form.yaml"))
    settle_in(service, channels=["sms"])
    service.react(task("handover.escalated.v1", escalation_level=1))
    assert send(service, Channel.SMS) == 1
    form = parse_qs(gateway.requests[0].body.decode())
    assert (form["mobile"], form["fixed"], len(form["msg"])) == (["13900000000"], ["a&b"], 1)
    assert states(service) == {"sms": "sent"}


# ── Webhooks ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def subscribed(service: ServiceUnderTest, gateway: Receiver, **more: Any) -> str:
    body = {"url": f"{gateway.url}/hook", **more}
    answer = service.client.post("/subscriptions", body, as_=OFFICER)
    assert answer.status_code == 201, answer.get_json()
    found: str = answer.get_json()["id"]
    return found


def secret_of(service: ServiceUnderTest, subscription: str) -> str:
    answer = service.client.get(f"/subscriptions/{subscription}/secret", as_=OFFICER)
    assert answer.status_code == 200, answer.get_json()
    found: str = answer.get_json()["secret"]
    return found


def test_a_webhook_is_signed_as_standard_webhooks_says_and_names_nobody(
    service: ServiceUnderTest, gateway: Receiver
) -> None:
    service.clock.set(SystemClock().now())  # the verifier knows no other clock
    subscription = subscribed(service, gateway)
    offered = task()
    service.react(offered)
    assert send(service, Channel.WEBHOOK) == 1
    (request,) = gateway.requests
    told = Webhook(secret_of(service, subscription)).verify(request.body, dict(request.headers))
    assert (told["type"], told["data"]["rule"], told["data"]["event_id"]) == ("notice.made", "K1", str(offered.id))
    assert str(offered.data["person_id"]) not in request.body.decode()
    with pytest.raises(WebhookVerificationError):
        Webhook(secret_of(service, subscribed(service, gateway))).verify(request.body, dict(request.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(secret_of(service, subscription)).verify(request.body + b" ", dict(request.headers))


def test_while_a_secret_is_changed_both_are_good_and_later_the_new_one_only(
    service: ServiceUnderTest, gateway: Receiver
) -> None:
    service.clock.set(SystemClock().now())
    subscription = subscribed(service, gateway)
    former = secret_of(service, subscription)
    assert service.client.post(f"/subscriptions/{subscription}/rotation", as_=OFFICER).status_code == 201
    fresh = secret_of(service, subscription)
    assert former != fresh
    service.react(task())
    send(service, Channel.WEBHOOK)
    for secret in (former, fresh):
        Webhook(secret).verify(gateway.requests[0].body, dict(gateway.requests[0].headers))
    service.clock.advance(timedelta(hours=24))
    service.react(task())
    send(service, Channel.WEBHOOK)
    assert len(gateway.requests[1].headers["webhook-signature"].split()) == 1


def test_a_receiver_that_is_away_is_tried_for_three_days_under_the_same_id_and_can_ask_again(
    service: ServiceUnderTest, gateway: Receiver
) -> None:
    subscription = subscribed(service, gateway)
    service.react(task())
    for _ in range(200):
        gateway.answers[:] = [(503, {})]
        send(service, Channel.WEBHOOK)
        service.clock.advance(timedelta(minutes=30))
    assert len(gateway.requests) == 10
    assert len({request.headers["webhook-id"] for request in gateway.requests}) == 1
    of_it = {"subscription": subscription}
    (log,) = service.client.get("/deliveries", as_=OFFICER, query_string=of_it).get_json()["items"]
    path = f"/deliveries/{log['id']}/again"
    assert service.client.post(path, as_=ELSEWHERE).status_code == 404
    assert (log["state"], log["attempts"], log["reason"]) == ("failed", 10, "status_503")
    gateway.answers.clear()
    assert service.client.post(path, as_=OFFICER).status_code == 201
    assert service.client.post(path, as_=OFFICER).get_json()["code"] == "delivery.under_way"
    assert send(service, Channel.WEBHOOK) == 1
    assert gateway.requests[-1].headers["webhook-id"] == log["id"]


def test_a_receiver_that_says_it_is_gone_and_a_subscription_that_ended_get_nothing_more(
    service: ServiceUnderTest, gateway: Receiver
) -> None:
    subscription = subscribed(service, gateway)
    service.react(task())
    gateway.answers.append((410, {}))
    send(service, Channel.WEBHOOK)
    assert states(service) == {"webhook": "failed"}
    service.react(task())
    assert service.client.post(f"/subscriptions/{subscription}/end", as_=OFFICER).status_code == 201
    send(service, Channel.WEBHOOK)
    service.react(task())
    assert send(service, Channel.WEBHOOK) == 0
    assert len(gateway.requests) == 1


def test_systems_are_told_of_what_they_asked_for_one_by_one(service: ServiceUnderTest, gateway: Receiver) -> None:
    subscribed(service, gateway, topics=["K10"])
    service.react(task(), task("handover.withdrawn.v1"), task("handover.withdrawn.v1"))
    assert send(service, Channel.WEBHOOK) == 2
    assert {request.json["data"]["rule"] for request in gateway.requests} == {"K10"}


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:1/x", "https://elsewhere.example/", "file:///etc/passwd", "http://127.0.0.1@elsewhere.example/"],
)
def test_a_webhook_leads_only_where_the_installation_allows(service: ServiceUnderTest, url: str) -> None:
    answer = service.client.post("/subscriptions", {"url": url}, as_=OFFICER)
    assert answer.status_code == 422
    assert not current_profile().allows(url)


def test_a_webhook_follows_no_redirection(gateway: Receiver) -> None:
    gateway.answers.append((302, {}))
    message = Message("1", gateway.url, "", "", {}, (b"secret",))
    answer = webhook.post(message, SystemClock())
    assert (answer.kind, answer.reason, len(gateway.requests)) == (Kind.LATER, "status_302", 1)


def test_a_subscription_is_its_organisations_own(service: ServiceUnderTest, gateway: Receiver) -> None:
    subscription = subscribed(service, gateway)
    assert service.client.get("/subscriptions", as_=ELSEWHERE).get_json()["items"] == []
    service.react(task())
    of_it = {"subscription": subscription}
    assert len(service.client.get("/deliveries", as_=OFFICER, query_string=of_it).get_json()["items"]) == 1
    assert service.client.get("/deliveries", as_=ELSEWHERE, query_string=of_it).get_json()["items"] == []
    assert service.client.get(f"/subscriptions/{subscription}/secret", as_=ELSEWHERE).status_code == 404
    for path in ("rotation", "end"):
        assert service.client.post(f"/subscriptions/{subscription}/{path}", as_=ELSEWHERE).status_code == 404


def test_no_secret_and_no_address_stands_in_the_database(service: ServiceUnderTest, gateway: Receiver) -> None:
    settle_in(service)
    secret = secret_of(service, subscribed(service, gateway))
    service.react(task())
    send(service, Channel.EMAIL)
    raw = Path(str(service.storage.engine.url.database))
    content = b"".join(path.read_bytes() for path in raw.parent.glob(f"{raw.name}*"))
    for word in (secret.removeprefix("whsec_"), "officer@office.example", "13900000000"):
        assert word.encode() not in content


# ── What is set up ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("profile", "named"),
    [
        ({"emial": {}}, "emial"),
        ({"email": {"host": "x", "sender": "a@b.example"}}, "console_url"),
        ({"console_url": CONSOLE, "email": {"host": "x", "sender": "a", "security": "maybe"}}, "security"),
        ({"console_url": CONSOLE, "sms": {"url": "https://x", "json": {"to": "$number"}}}, "number"),
        ({"console_url": CONSOLE, "sms": {"url": "https://x", "json": {"to": "$"}}}, "json"),
        ({"webhook_origins": ["ftp://x"]}, "webhook_origins"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_profile_that_cannot_be_right_names_the_place(tmp_path: Path, profile: Any, named: str) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(json.dumps(profile))
    with pytest.raises(WrongProfile, match=named):
        read_profile(str(path))


def test_without_a_profile_there_is_the_page_only_and_a_missing_file_is_no_profile(tmp_path: Path) -> None:
    assert read_profile("").channels == frozenset()
    with pytest.raises(WrongProfile, match="channels"):
        read_profile(str(tmp_path / "channels-of-nobody.yaml"))


def test_a_new_key_seals_and_the_former_one_still_opens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seal.create_keys(tmp_path / "one")
    seal.create_keys(tmp_path / "two")
    monkeypatch.setenv(seal.VARIABLE, str(tmp_path / "one"))
    sealed = seal.seal("officer@office.example")
    (tmp_path / "both").write_bytes((tmp_path / "two").read_bytes() + (tmp_path / "one").read_bytes())
    monkeypatch.setenv(seal.VARIABLE, str(tmp_path / "both"))
    assert seal.unseal(sealed) == "officer@office.example"
    monkeypatch.setenv(seal.VARIABLE, str(tmp_path / "two"))
    with pytest.raises(seal.NoKeys):
        seal.unseal(sealed)


# ── With a broker ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_event_by_the_broker_becomes_a_letter(service: ServiceUnderTest, mail: Mailbox, amqp_uri: str) -> None:
    settle_in(service)
    processor = EventProcessor(service.storage, SERVICE.reactions, Metrics())  # type: ignore[arg-type]
    sender = Sender(Channel.EMAIL, service.storage, service.metrics)
    with topology(amqp_uri) as (broker, connection), consuming(broker, "notification.events", processor):
        for said in (task(), event("release.planned.v1")):
            delivery = delivery_of(said)
            publish(connection, delivery.body, routing_key=said.type)
        wait_until(sender.send_due, "a letter")
    assert only_letter(mail)["Subject"] == "【接力】有出所人员待确认接收"
    assert read(service, OFFICER) == 1
