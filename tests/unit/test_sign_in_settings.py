"""What the console, the provider and the services are told of each other, from the environment."""

import json
from pathlib import Path

import pytest

from services.console.backchannel import inward
from services.console.identity import Account
from services.console.settings import SERVICES
from services.console.settings import ConfigurationError as ConsoleError
from services.console.settings import load_settings as load_console_settings
from services.identity.settings import load_provider_settings
from shared.runtime.settings import ConfigurationError, load_settings
from shared.web.keys import FileKeys, RemoteKeys
from shared.web.principal import Role
from shared.web.tokens import Expected, create_keys

NAMES = (
    "OIDC_ISSUER",
    "OIDC_CLIENT_SECRET",
    "OIDC_CLIENT_SECRET_FILE",
    "CONSOLE_URLS",
    "TOKEN_JWKS",
    "TOKEN_JWKS_URL",
    "TOKEN_ISSUER",
    "ACCOUNTS",
    "TOKEN_PRIVATE_JWK",
    "DATABASE_URL",
)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BATON_DATA", str(tmp_path))
    return monkeypatch


def console_env(folder: Path, **more: str) -> dict[str, str]:
    (folder / "secret").write_text("from a file\n")
    env = {f"{name.upper()}_URL": f"http://{name}" for name in SERVICES}
    told = {"OIDC_ISSUER": "https://id.example/", "OIDC_CLIENT_SECRET_FILE": str(folder / "secret")}
    return env | told | {"BATON_DATA": str(folder)} | more


def test_the_console_s_secret_may_be_in_a_file(tmp_path: Path) -> None:
    settings = load_console_settings(console_env(tmp_path))
    assert (settings.issuer, settings.client_secret) == ("https://id.example", "from a file")
    assert load_console_settings(console_env(tmp_path, OIDC_CLIENT_SECRET="said")).client_secret == "said"
    with pytest.raises(ConsoleError, match="OIDC_CLIENT_SECRET_FILE"):
        load_console_settings(console_env(tmp_path, OIDC_CLIENT_SECRET_FILE=str(tmp_path / "none")))
    with pytest.raises(ConsoleError, match="OIDC_ISSUER"):
        load_console_settings(console_env(tmp_path, OIDC_ISSUER=""))


def test_the_console_may_reach_the_provider_by_another_way_than_browsers(tmp_path: Path) -> None:
    told = load_console_settings(console_env(tmp_path, OIDC_BACKCHANNEL_URL="http://identity:8000/"))
    assert (told.issuer, told.backchannel) == ("https://id.example", "http://identity:8000")
    for nothing in ({}, {"OIDC_BACKCHANNEL_URL": ""}):
        assert load_console_settings(console_env(tmp_path, **nothing)).backchannel is None


def test_only_what_the_console_asks_itself_goes_the_other_way() -> None:
    issuer = "https://baton.example/identity"
    public = {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "end_session_endpoint": f"{issuer}/logout",
        "scopes_supported": ["openid"],
        "userinfo_endpoint": f"{issuer}-of-somebody-else/userinfo",
    }
    asked = {"token_endpoint": f"{issuer}/token", "jwks_uri": f"{issuer}/jwks"}
    inside = {"token_endpoint": "http://identity:8000/token", "jwks_uri": "http://identity:8000/jwks"}
    assert inward(public | asked, issuer, "http://identity:8000") == public | inside


def test_the_console_s_secret_of_sessions_is_made_once(tmp_path: Path) -> None:
    made = load_console_settings(console_env(tmp_path)).session_secret
    assert len(made) >= 32
    assert load_console_settings(console_env(tmp_path)).session_secret == made
    assert load_console_settings(console_env(tmp_path, SESSION_SECRET="said")).session_secret == "said"


def test_sessions_are_kept_in_the_platform_s_database_or_in_a_file(tmp_path: Path) -> None:
    assert load_console_settings(console_env(tmp_path)).sessions_url == f"sqlite:///{tmp_path / 'console.sqlite3'}"
    (tmp_path / "url").write_text("postgres://console@db/baton\n")
    told = load_console_settings(console_env(tmp_path, DATABASE_URL_FILE=str(tmp_path / "url")))
    assert told.sessions_url == "postgresql://console@db/baton"


@pytest.mark.parametrize(("url", "secure"), [("https://baton.example/", True), ("http://baton.example", False)])
def test_cookies_go_by_tls_only_where_browsers_come_by_it(tmp_path: Path, url: str, secure: bool) -> None:
    assert load_console_settings(console_env(tmp_path, CONSOLE_URL=url)).is_secure is secure
    assert not load_console_settings(console_env(tmp_path)).is_secure


def test_other_names_of_claims_are_the_console_s_too(tmp_path: Path) -> None:
    settings = load_console_settings(console_env(tmp_path, OIDC_CLAIM_ROLE="realm_access.roles"))
    assert (settings.expected.role, settings.expected.division) == ("realm_access.roles", "div")


def test_who_signed_in_is_read_from_another_provider_s_claims() -> None:
    expected = Expected(role="realm_access.roles", organisation="organisation", division="division")
    claims = {
        "sub": "u-1",
        "preferred_username": "li",
        "realm_access": {"roles": ["offline_access", "auditor"]},
        "organisation": "AUDIT-4308",
        "division": "4308",
    }
    account = Account.from_claims(claims, expected)
    assert (account.username, account.role, account.organisation) == ("u-1", Role.AUDITOR, "AUDIT-4308")
    assert (account.title_zh, account.title_en) == ("li", "li")
    named = Account.from_claims(claims | {"name": "审计员", "name#en": "Auditor"}, expected)
    assert (named.title_zh, named.title_en) == ("审计员", "Auditor")
    with pytest.raises(ValueError, match="role"):
        Account.from_claims(claims | {"realm_access": {"roles": ["offline_access"]}}, expected)


def test_the_provider_knows_the_console_by_all_its_addresses(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    create_keys(tmp_path / "private.jwk", tmp_path / "public.jwks")
    (tmp_path / "accounts.json").write_text(json.dumps({"accounts": [], "clients": []}))
    (tmp_path / "secret").write_text("from a file\n")
    for name, value in {
        "OIDC_ISSUER": "https://id.example/",
        "OIDC_CLIENT_SECRET_FILE": str(tmp_path / "secret"),
        "CONSOLE_URLS": "http://127.0.0.1:8000 https://baton.example/",
        "ACCOUNTS": str(tmp_path / "accounts.json"),
        "TOKEN_PRIVATE_JWK": str(tmp_path / "private.jwk"),
        "TOKEN_JWKS": str(tmp_path / "public.jwks"),
    }.items():
        environment.setenv(name, value)
    settings = load_provider_settings()
    assert settings.console.redirect_uris == ("http://127.0.0.1:8000/signed-in", "https://baton.example/signed-in")
    assert settings.console.check_client_secret("from a file")
    assert settings.is_secure
    assert load_provider_settings().cookie_secret == settings.cookie_secret
    environment.setenv("ACCOUNTS", str(tmp_path / "none.json"))
    with pytest.raises(ConfigurationError, match="ACCOUNTS"):
        load_provider_settings()


def test_a_service_finds_the_keys_of_its_issuer(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="TOKEN_JWKS"):
        load_settings("oversight")
    environment.setenv("TOKEN_ISSUER", "not an address")
    with pytest.raises(ConfigurationError, match="TOKEN_ISSUER"):
        load_settings("oversight")
    environment.setenv("TOKEN_ISSUER", "https://id.example")
    settings = load_settings("oversight")
    assert isinstance(settings.token_keys, RemoteKeys)
    assert settings.expected.issuer == "https://id.example"
    (tmp_path / "broken.jwks").write_text("no JSON")
    environment.setenv("TOKEN_JWKS", str(tmp_path / "broken.jwks"))
    with pytest.raises(ConfigurationError, match="TOKEN_JWKS"):
        load_settings("oversight")
    create_keys(tmp_path / "private.jwk", tmp_path / "public.jwks")
    environment.setenv("TOKEN_JWKS", str(tmp_path / "public.jwks"))
    assert isinstance(load_settings("oversight").token_keys, FileKeys)
