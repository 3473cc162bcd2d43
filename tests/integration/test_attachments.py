"""Photographs of signed papers: only pictures, encrypted, each look written down, gone with the seal."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from services.community_handover.attaching import LARGEST, MOST
from services.community_handover.photo_box import create_keys
from services.community_handover.service import SERVICE
from services.community_handover.store import Coverage, Office, attachment_contents
from shared.web import Role
from tests.support.builders import event, person_registered, release_planned
from tests.support.service import ServiceUnderTest, principal_of, service_under_test

TOWNSHIP, OFFICE = "430802001", "OFFICE-430802001"
OFFICER = principal_of(Role.COMMUNITY_OFFICER, organisation=OFFICE, division=TOWNSHIP, subject="officer")
STRANGER = principal_of(Role.COMMUNITY_OFFICER, organisation="OFFICE-2", division="430822001")
AUDITOR = principal_of(Role.AUDITOR)
PHOTOGRAPH = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + b"the face and the name" * 50


@pytest.fixture
def service(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServiceUnderTest]:
    create_keys(tmp_path / "attachments.keys")
    monkeypatch.setenv("ATTACHMENT_KEYS", str(tmp_path / "attachments.keys"))
    with service_under_test(SERVICE, database_url) as opened:
        with opened.work() as work:
            work.offices.put(Office(OFFICE, "office", "township", TOWNSHIP))
            work.coverage.put(Coverage(TOWNSHIP, OFFICE))
        yield opened


def task_of(service: ServiceUnderTest) -> Any:
    person = person_registered(residence_division=TOWNSHIP)
    assert service.react(person, release_planned(person_id=person.subject)) == []
    with service.work() as work:
        return work.tasks.select()[0]


def added(service: ServiceUnderTest, task: Any, content: bytes = PHOTOGRAPH, **options: Any) -> Any:
    body = {"kind": "agreement", "content": base64.b64encode(content).decode()}
    return service.client.post(f"/tasks/{task.id}/attachments", body, **{"as_": OFFICER, **options})


def test_a_photograph_is_kept_encrypted_and_each_look_is_written_down(service: ServiceUnderTest) -> None:
    task = task_of(service)
    first = added(service, task, key="once")
    assert (first.status_code, first.get_json()["content_type"]) == (201, "image/jpeg")
    assert added(service, task, key="once").headers["Idempotent-Replayed"] == "true"
    with service.storage.engine.connect() as connection:
        (sealed,) = connection.execute(select(attachment_contents.c.sealed)).scalars()
    assert b"the face" not in sealed
    path = f"/tasks/{task.id}/attachments"
    (listed,) = service.client.get(path, as_=OFFICER).get_json()["items"]
    shown = service.client.get(f"{path}/{listed['id']}", as_=OFFICER)
    assert (shown.data, shown.mimetype) == (PHOTOGRAPH, "image/jpeg")
    assert [row.action for row in service.audit()] == ["attachment.added", "attachment.viewed"]
    assert service.client.get(f"{path}/{listed['id']}", as_=STRANGER).status_code == 404
    assert service.client.get(path, as_=AUDITOR).status_code == 403


def test_what_is_no_picture_is_refused_whatever_it_says_of_itself(service: ServiceUnderTest) -> None:
    task = task_of(service)
    for content in (b"<script>alert(1)</script>", b"MZ\x90\x00" + b"x" * 600, b"%!PS", b""):
        refused = added(service, task, content)
        assert (refused.status_code, refused.get_json()["errors"][0]["code"]) == (422, "attachment.type")
    body = {"kind": "agreement", "content": "no Base64"}
    refused = service.client.post(f"/tasks/{task.id}/attachments", body, as_=OFFICER)
    assert (refused.status_code, refused.get_json()["errors"][0]["code"]) == (422, "attachment.not_base64")


def test_a_photograph_that_is_too_large_and_one_too_many_are_refused(service: ServiceUnderTest) -> None:
    task = task_of(service)
    large = added(service, task, PHOTOGRAPH + b"x" * LARGEST)
    assert large.status_code in (413, 422)
    for number in range(MOST):
        assert added(service, task, PHOTOGRAPH + bytes([number])).status_code == 201
    assert added(service, task).get_json()["code"] == "attachment.too_many"


def test_the_seal_on_a_persons_file_removes_the_photographs_and_takes_no_more(service: ServiceUnderTest) -> None:
    task = task_of(service)
    added(service, task)
    sealed = event("person.sealed.v1", subject=task.person_id, sequence=2, state="sealed")
    assert service.react(sealed) == []
    with service.storage.engine.connect() as connection:
        assert connection.execute(select(attachment_contents)).all() == []
    assert service.client.get(f"/tasks/{task.id}/attachments", as_=OFFICER).get_json()["items"] == []
    assert added(service, task).get_json()["code"] == "attachment.person_sealed"


def test_an_installation_without_keys_keeps_no_photograph(
    service: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ATTACHMENT_KEYS")
    assert added(service, task_of(service)).get_json()["code"] == "attachment.no_keys"
