"""The guides speak of pages that exist and of pictures that are there; every role has one."""

import re
from pathlib import Path

import httpx
import pytest
from flask import Flask

from deploy.local.stack import ROOT
from services.console.app import create_console
from services.console.settings import SERVICES, load_settings
from shared.web.principal import Role
from tests.screens import FOLDER, files

GUIDES = ROOT / "docs" / "guide"
README = ROOT / "README.zh-CN.md"


def texts() -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in (*sorted(GUIDES.glob("*.md")), README)}


@pytest.fixture
def console(tmp_path: Path) -> Flask:
    env = {f"{service.upper()}_URL": "http://service" for service in SERVICES}
    env |= {"OIDC_ISSUER": "http://provider", "OIDC_CLIENT_SECRET": "secret", "BATON_DATA": str(tmp_path)}
    return create_console(load_settings(env), httpx.MockTransport(lambda _asked: httpx.Response(404)))


def test_every_page_that_a_guide_names_exists(console: Flask) -> None:
    pages = {rule.rule for rule in console.url_map.iter_rules() if "GET" in (rule.methods or ())}
    named = {page for name, text in texts().items() if name != README.name for page in re.findall(r"`(/[^`]*)`", text)}
    assert len(named) >= len(Role) - 2
    assert named - pages == set()


def test_every_picture_is_there_and_shown() -> None:
    shown = {Path(name).name for text in texts().values() for name in re.findall(r"[\w./-]+\.png", text)}
    assert shown == set(files()) == {path.name for path in FOLDER.glob("*.png")}


def test_every_role_has_a_guide() -> None:
    roles = {role.value.replace("_", "-") for role in Role if role not in (Role.ANYONE_SIGNED_IN, Role.SYSTEM)}
    assert roles == {path.stem for path in GUIDES.glob("*.md")} - {"README"}
