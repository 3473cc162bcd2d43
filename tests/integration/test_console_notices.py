"""Pages of notices: a link that is opened reads nothing; an organisation's systems, their secret, what was sent."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.notification.domain.delivery import State
from services.notification.service import SERVICE
from shared.contracts.envelope import Event
from shared.web import Principal, Role
from tests.support.builders import event
from tests.support.console_pages import Pages, pages_of, text_of
from tests.support.seeds import WEBHOOKS
from tests.support.service import ServiceUnderTest, principal_of, service_under_test

OFFICER = principal_of(Role.COMMUNITY_OFFICER, organisation="O-1", division="430802001")
CLERK = principal_of(Role.CENTRE_CLERK, organisation="centre-1", division="4308")
STATION = principal_of(Role.STATION_OFFICER, organisation="PCS-1", division="430802")
STRANGER = principal_of(Role.CENTRE_CLERK, organisation="centre-9", division="4308")


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServiceUnderTest]:
    (tmp_path / "channels.yaml").write_text(f"webhook_origins: [{WEBHOOKS}]\n")
    monkeypatch.setenv("NOTIFICATION_CHANNELS", str(tmp_path / "channels.yaml"))
    with service_under_test(SERVICE, f"sqlite:///{tmp_path / 'notification.sqlite3'}") as opened:
        yield opened


def pages_for(service: ServiceUnderTest, who: Any) -> Any:
    return pages_of({"notification": service}, who)


def unread(service: ServiceUnderTest) -> int:
    number: int = service.client.get("/notices/unread", as_=OFFICER).get_json()["unread"]
    return number


def test_whoever_opens_a_link_reads_nothing_until_a_button_is_pressed(service: ServiceUnderTest) -> None:
    offered = event("handover.offered.v1", office="O-1", division="430802001", due_rule="H2")
    assert service.react(offered) == []
    with pages_for(service, OFFICER) as pages:
        listed = pages.open("/notifications").get_data(as_text=True)
        (there,) = re.findall(r'<a href="(/notifications/[0-9a-f-]{36})"', listed)
        shown = pages.open(there)
        assert "未读" in text_of(shown)
        assert unread(service) == 1
        answer = pages.http.post(f"{there}/read", data={"csrf_token": _token(shown), "go": "yes"})
        assert answer.headers["Location"] == f"/tasks/{offered.subject}"
        assert unread(service) == 0
        assert "已读" in text_of(pages.open(there))
    with pages_for(service, STRANGER) as pages:
        assert pages.open(there).status_code == 404


RELEASE_LATE = event("release.notice_late.v1", centre="centre-1", alarm="notice_late")
TEST_ORDERED = event("test.ordered.v1", station="PCS-1", division="430802001")


@pytest.mark.parametrize(
    ("told", "who", "place"), [(RELEASE_LATE, CLERK, "releases"), (TEST_ORDERED, STATION, "tests")]
)
def test_a_notice_leads_to_the_page_of_what_it_is_about(
    service: ServiceUnderTest, told: Event, who: Principal, place: str
) -> None:
    assert service.react(told) == []
    with pages_for(service, who) as pages:
        listed = pages.open("/notifications")
        (there,) = re.findall(r'<a href="(/notifications/[0-9a-f-]{36})"', listed.get_data(as_text=True))
        answer = pages.http.post(f"{there}/read", data={"csrf_token": _token(listed), "go": "yes"})
        assert answer.headers["Location"] == f"/{place}/{told.subject}"


def _token(page: Any) -> str:
    return re.findall(r'name="csrf_token" value="([^"]*)"', page.get_data(as_text=True))[0]


def made(pages: Pages) -> str:
    """Where the page of a new system is."""
    pages.open("/notifications/webhooks")
    pages.send("/notifications/webhooks", url=f"{WEBHOOKS}/in", topics="F3\nF5")
    return pages.here


def test_a_system_is_added_and_its_secret_is_shown_in_one_answer_only(service: ServiceUnderTest) -> None:
    with pages_for(service, CLERK) as pages:
        pages.open("/notifications/settings")
        assert "让本单位的系统接收通知" in text_of(pages.open("/notifications/settings"))
        pages.open("/notifications/webhooks")
        wrong = pages.send("/notifications/webhooks", url="https://elsewhere.example/x")
        assert wrong.status_code == 422
        assert re.search(r'id="new-url-fault"[^>]*>本平台不允许发往这个地址', wrong.get_data(as_text=True))
        there = made(pages)
        assert "F3、F5" in text_of(pages.open(there))
        secret = pages.send(f"{there}/secret")
        assert "whsec_" in text_of(secret)
        assert "whsec_" not in text_of(pages.open(there))
        assert [row.action for row in service.audit()].count("subscription.secret_read") == 1
        former = re.findall(r"whsec_\S+", text_of(secret))
        assert "原密钥有效至" in text_of(pages.send(f"{there}/rotation"))
        pages.open(there)
        assert re.findall(r"whsec_\S+", text_of(pages.send(f"{there}/secret"))) != former
        pages.open(there)
        ended = pages.send(f"{there}/end")
        assert "已停用" in text_of(ended)
        assert "显示密钥" not in text_of(ended)
        assert "已停用" in text_of(pages.open("/notifications/webhooks"))
    with pages_for(service, STRANGER) as pages:
        assert pages.open(there).status_code == 404
        assert "whsec_" not in text_of(pages.send(f"{there}/secret"))


def test_what_was_sent_is_listed_and_sent_once_more(service: ServiceUnderTest) -> None:
    with pages_for(service, CLERK) as pages:
        there = made(pages)
        assert "还没有发送过" in text_of(pages.open(there))
        assert service.react(event("release.executed.v1", centre="centre-1")) == []
        assert "待发送" in text_of(pages.open(there))
        query = {"subscription": there.rpartition("/")[2]}
        (one,) = service.client.get("/deliveries", as_=CLERK, query_string=query).get_json()["items"]
        with service.work() as work:
            work.deliveries.put(replace(work.deliveries.get(UUID(one["id"])), state=State.FAILED))
        page = pages.open(there).get_data(as_text=True)
        (again,) = re.findall(r'action="(/notifications/webhooks/[^"]*/again)"', page)
        assert "发送失败" in page
        assert "将再发送一次" in text_of(pages.send(again))
        assert "待发送" in text_of(pages.open(there))
