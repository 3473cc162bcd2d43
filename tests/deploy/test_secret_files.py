"""Secrets: made up for a trial, demanded for an installation, and never changed once they are there."""

import base64
import json
import ssl
import stat
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy.engine import URL, make_url

from deploy.compose.passwords import main as renew_passwords
from deploy.compose.rights import TOPOLOGY_USER
from deploy.compose.secret_files import (
    AMQP_URI,
    CLIENT_SECRET,
    DATABASE_URL,
    KEYS_DATABASE_URL,
    PAGER,
    PUBLIC_KEYS,
    SIGNING_KEY,
    WITH_DATABASE,
    main,
    missing,
    passwords,
    wanted,
)
from deploy.local.stack import CONSOLE, IDENTITY, SERVICES
from deploy.local.where import password_from_environment, trusted, urls_from_environment
from services.console.settings import load_settings as load_console_settings
from services.identity.accounts import Client, Directory
from services.identity.settings import load_provider_settings
from services.person_registry.keyring import Keyring
from shared.runtime.settings import ConfigurationError, Topology, load_settings
from shared.web.principal import Principal, Role
from shared.web.tokens import Expected, TokenIssuer, TokenVerifier

NEW_RIGHTS = "secrets: the broker's users and rights are new; it reads them when it starts"
DEV = {"BATON_PROFILE": "dev"}
OFFICER = Principal("officer", Role.COMMUNITY_OFFICER, "OFFICE-1", "430802001")


def run(folder: Path, env: dict[str, str]) -> tuple[int, list[str]]:
    said: list[str] = []
    return main([str(folder)], env, said.append), said


@pytest.fixture
def trial(tmp_path: Path) -> Path:
    assert run(tmp_path, DEV)[0] == 0
    return tmp_path


def test_for_a_trial_everything_is_made_up_each_time_anew(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        assert run(folder, DEV)[0] == 0
        assert missing(folder) == []
    for secret in wanted():
        one, two = ((folder / secret.path).read_bytes() for folder in folders)
        assert one != two, f"{secret.path} is the same in every installation"


def test_what_is_there_is_never_changed(trial: Path) -> None:
    before = {secret.path: (trial / secret.path).read_bytes() for secret in wanted()}
    assert run(trial, DEV)[1] == [f"secrets: 0 made, {len(before)} were there"]
    assert {path: (trial / path).read_bytes() for path in before} == before


@pytest.mark.parametrize("profile", [{"BATON_PROFILE": "production"}, {}, {"BATON_PROFILE": "Dev"}])
def test_outside_the_dev_profile_nothing_is_made_and_all_that_is_missing_is_named(
    tmp_path: Path, profile: dict[str, str]
) -> None:
    status, said = run(tmp_path, profile)
    assert status == 1
    assert said == [f"secrets: {path} is missing" for path in (*(secret.path for secret in wanted()), PAGER)]
    assert list(tmp_path.iterdir()) == []


def test_with_every_secret_there_production_starts(trial: Path) -> None:
    (trial / "alertmanager").mkdir()
    (trial / PAGER).write_text("https://pager.example/hook")
    (trial / "rabbitmq" / "definitions.json").unlink()  # follows from the others
    assert run(trial, {"BATON_PROFILE": "production"}) == (0, [NEW_RIGHTS])
    assert run(trial, {"BATON_PROFILE": "production"}) == (0, [])


def test_only_the_owner_reaches_the_folder_and_nobody_writes_to_what_is_in_it(trial: Path) -> None:
    assert stat.S_IMODE(trial.stat().st_mode) == 0o700
    files = [path for path in trial.rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o444}


def test_no_two_services_share_a_password_and_the_broker_gets_hashes_only(trial: Path) -> None:
    said = passwords(trial, AMQP_URI)
    assert set(said) == {*SERVICES, TOPOLOGY_USER}
    assert set(passwords(trial, DATABASE_URL)) == set(WITH_DATABASE) == {*SERVICES, IDENTITY, CONSOLE}
    everything = [*said.values(), *passwords(trial, DATABASE_URL).values()]
    assert len(set(everything)) == len(everything)
    definitions = (trial / "rabbitmq" / "definitions.json").read_text()
    assert not any(password in definitions for password in everything)


def test_a_changed_password_is_written_to_the_broker_s_users(trial: Path) -> None:
    path = trial / "oversight" / AMQP_URI
    path.unlink()
    path.write_text("amqp://oversight:another@rabbitmq:5672//")
    before = json.loads((trial / "rabbitmq" / "definitions.json").read_text())
    assert run(trial, {"BATON_PROFILE": "production"})[0] == 1, "the webhook is missing"
    assert json.loads((trial / "rabbitmq" / "definitions.json").read_text()) == before
    assert run(trial, DEV) == (0, [f"secrets: 0 made, {len(wanted())} were there", NEW_RIGHTS])
    after = json.loads((trial / "rabbitmq" / "definitions.json").read_text())
    assert passwords(trial, AMQP_URI)["oversight"] == "another"
    assert after["users"] != before["users"]
    assert after["permissions"] == before["permissions"]
    assert len(run(trial, DEV)[1]) == 1, "once is enough"


def test_new_passwords_are_one_service_s_alone_and_nothing_else_of_its_addresses_changes(trial: Path) -> None:
    def addresses(name: str) -> list[URL]:
        files = (AMQP_URI, DATABASE_URL, KEYS_DATABASE_URL)
        return [make_url((trial / name / file).read_text()) for file in files if (trial / name / file).is_file()]

    before, others = addresses("person_registry"), addresses("oversight")
    assert renew_passwords([str(trial), "person_registry"]) == 0
    after = addresses("person_registry")
    assert len(before) == 3
    assert all(old.password != new.password for old, new in zip(before, after, strict=True))
    assert [one.set(password="x") for one in before] == [one.set(password="x") for one in after]
    assert addresses("oversight") == others
    assert (trial / "person_registry" / AMQP_URI).stat().st_mode & 0o777 == 0o444
    assert run(trial, DEV)[1][1:] == [NEW_RIGHTS], "the broker's users follow"
    assert renew_passwords([str(trial), "nobody"]) == 1


def test_rights_of_another_version_are_written_anew_and_its_passwords_stay(trial: Path) -> None:
    path = trial / "rabbitmq" / "definitions.json"
    now = json.loads(path.read_text())
    earlier = {**now, "topic_permissions": [one for one in now["topic_permissions"] if one["user"] != "oversight"]}
    path.unlink()
    path.write_text(json.dumps(earlier))
    kept = {one.path: (trial / one.path).read_bytes() for one in wanted()}
    assert run(trial, DEV)[1][1:] == [NEW_RIGHTS]
    assert json.loads(path.read_text())["topic_permissions"] == now["topic_permissions"]
    assert {one: (trial / one).read_bytes() for one in kept} == kept


def test_the_registry_finds_its_keys_and_the_safe_s_half_is_for_people_only(trial: Path) -> None:
    ring = Keyring.from_file(trial / "person_registry" / "identity.json")
    private = (trial / "people" / "escrow-private.key").read_text()
    own = X25519PrivateKey.from_private_bytes(base64.b64decode(private)).public_key()
    assert own.public_bytes_raw() == ring.escrow.public_bytes_raw()
    seen = [path for path in trial.rglob("*") if path.is_file() and path.parent.name != "people"]
    assert not any(private in path.read_text() for path in seen)
    assert set(passwords(trial, KEYS_DATABASE_URL)) == {"person_registry"}


def test_the_certificate_is_trusted_by_whoever_trusts_its_authority(trial: Path) -> None:
    command = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", "localhost"]
    authority, certificate = trial / "people" / "ca.crt", trial / "proxy" / "tls.crt"
    done = subprocess.run([*command, "-CAfile", authority, certificate], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, trial / "proxy" / "tls.key")
    env = {"BATON_SECRETS": str(trial)}
    assert len(trusted(env).get_ca_certs()) == len(trusted({"BATON_SECRETS": "/nowhere"}).get_ca_certs()) + 1


def test_the_accounts_are_there_and_their_password_is_for_people_only(trial: Path) -> None:
    password = password_from_environment({"BASE_URL": "https://localhost", "BATON_SECRETS": str(trial)})
    directory = Directory.from_file(trial / IDENTITY / "accounts.json", Client("console", "secret"))
    assert directory.check("officer", password) is not None
    assert directory.clients["station-system"].check_client_secret(password)
    seen = [path for path in trial.rglob("*") if path.is_file() and path.parent.name != "people"]
    assert not any(password in path.read_text() for path in seen)


def test_the_provider_starts_on_what_was_made_and_signs_what_services_trust(
    trial: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "OIDC_ISSUER": "https://baton.example/identity",
        "CONSOLE_URLS": "https://baton.example",
        "ACCOUNTS": trial / IDENTITY / "accounts.json",
        "TOKEN_PRIVATE_JWK": trial / SIGNING_KEY,
        "TOKEN_JWKS": trial / PUBLIC_KEYS,
        "OIDC_CLIENT_SECRET_FILE": trial / CLIENT_SECRET,
        "IDENTITY_COOKIE_SECRET_FILE": trial / IDENTITY / "cookie-secret",
    }.items():
        monkeypatch.setenv(name, str(value))
    settings = load_provider_settings()
    assert settings.console.check_client_secret((trial / CLIENT_SECRET).read_text())
    assert settings.console.redirect_uris == ("https://baton.example/signed-in",)
    token = TokenIssuer.from_file(settings.private_jwk, issuer=settings.issuer).issue(OFFICER)
    assert TokenVerifier.from_file(trial / PUBLIC_KEYS, expected=Expected(settings.issuer)).verify(token) == OFFICER


def test_the_console_starts_on_what_was_made(trial: Path) -> None:
    told = load_console_settings(
        {f"{name.upper()}_URL": f"http://{name}:8000" for name in SERVICES}
        | {
            "OIDC_ISSUER": "https://baton.example/identity",
            "OIDC_CLIENT_SECRET_FILE": str(trial / CLIENT_SECRET),
            "DATABASE_URL_FILE": str(trial / CONSOLE / DATABASE_URL),
            "SESSION_SECRET_FILE": str(trial / CONSOLE / "session-secret"),
        }
    )
    assert told.session_secret == (trial / CONSOLE / "session-secret").read_text()
    assert make_url(told.sessions_url).password == passwords(trial, DATABASE_URL)[CONSOLE]


def test_behind_a_front_door_each_service_has_its_path() -> None:
    urls = urls_from_environment({"BASE_URL": "https://baton.example/", "OVERSIGHT_PORT": "9"})
    assert urls["console"] == "https://baton.example"
    assert urls["identity"] == "https://baton.example/identity"
    assert urls["drug_testing"] == "https://baton.example/api/drug_testing"


@pytest.fixture
def settings(trial: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("AMQP_URI", "DATABASE_URL", "TOPOLOGY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TOKEN_JWKS", str(trial / "public" / "public.jwks"))
    monkeypatch.setenv("AMQP_URI_FILE", str(trial / "oversight" / AMQP_URI))
    monkeypatch.setenv("DATABASE_URL_FILE", str(trial / "oversight" / DATABASE_URL))
    return monkeypatch


def test_a_service_takes_its_addresses_from_files(settings: pytest.MonkeyPatch, trial: Path) -> None:
    (trial / "line").write_text("check\n")
    settings.setenv("TOPOLOGY_FILE", str(trial / "line"))
    told = load_settings("oversight")
    assert told.amqp_uri == (trial / "oversight" / AMQP_URI).read_text()
    assert make_url(told.database_url).password == passwords(trial, DATABASE_URL)["oversight"]
    assert told.topology is Topology.CHECK  # what an editor adds at a line's end is not part of it


def test_a_file_that_cannot_be_read_is_named(settings: pytest.MonkeyPatch) -> None:
    settings.setenv("DATABASE_URL_FILE", "/nowhere/database-url")
    with pytest.raises(ConfigurationError, match="DATABASE_URL_FILE"):
        load_settings("oversight")


def test_a_topology_that_is_neither_is_refused(settings: pytest.MonkeyPatch) -> None:
    settings.setenv("TOPOLOGY", "perhaps")
    with pytest.raises(ConfigurationError, match="TOPOLOGY"):
        load_settings("oversight")
