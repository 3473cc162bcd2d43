"""What the compose file and the Dockerfile promise, as far as it can be read; run for real by `deploy.docker.check`."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.compose.secret_files import (
    ADDRESS_KEYS,
    BACKUP,
    DATABASE,
    DATABASE_URL,
    DEFINITIONS,
    KEYRING,
    KEYS_DATABASE,
    KEYS_DATABASE_URL,
    MONITORING,
    PAGER,
    REGISTRY,
    amqp_uri,
    database_url,
    keys_database_url,
    wanted,
)
from deploy.docker import check, standins
from deploy.local.stack import CONSOLE, IDENTITY, ROOT, SERVICES
from tests.deploy.test_observability import FOREIGN

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
CHANNELS = yaml.safe_load((ROOT / "deploy" / "compose" / "channels.yml").read_text())
OTHER_PROVIDER = yaml.safe_load((ROOT / "deploy" / "compose" / "other-provider.yml").read_text())
CONTAINERS: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = (*SERVICES, IDENTITY, CONSOLE)
JOBS = ("secrets", "topology", "database")
BACKUPS = ("backup", "backup-keys", "backup-exporter")
ASKED_FOR = ("restore", "restore-keys")  # only by name, and they end
ENGINES = ("rabbitmq", "postgres", "postgres-keys")
# Read, for to import it would be to patch this process.
DEADLINE = re.search(
    r"^STOP_DEADLINE_SECONDS = (\d+)$", (ROOT / "shared/runtime/launcher.py").read_text(), re.MULTILINE
)
DOCKERFILE = ROOT / "deploy" / "docker" / "Dockerfile"
CADDYFILE = (ROOT / "deploy" / "front-door" / "Caddyfile").read_text()
SECRETS = "${BATON_SECRETS:-./deploy/compose/secrets}"


def environment(name: str) -> dict[str, str]:
    return dict(CONTAINERS[name].get("environment", {}))


def mounts(name: str) -> dict[str, str]:
    """What of the secrets a container sees, and where."""
    volumes = [volume.removeprefix(SECRETS) for volume in CONTAINERS[name].get("volumes", ()) if SECRETS in volume]
    return {volume.split(":")[0]: volume.split(":", 1)[1] for volume in volumes}


def waits_for(name: str) -> dict[str, str]:
    return {other: told["condition"] for other, told in CONTAINERS[name].get("depends_on", {}).items()}


def test_all_of_the_platform_is_there() -> None:
    watching = ("postgres-exporter", "prometheus", "alertmanager", "grafana", "jaeger")
    assert set(CONTAINERS) == {*OURS, *JOBS, *ENGINES, *BACKUPS, *ASKED_FOR, "proxy", *watching}


@pytest.mark.parametrize("name", [*OURS, *JOBS])
def test_what_is_ours_is_confined(name: str) -> None:
    told = CONTAINERS[name]
    assert told["read_only"] is True
    assert told["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in told["security_opt"]
    if name in OURS:
        assert "cap_add" not in told
        assert "user" not in told  # the image's own
        assert told["restart"] == "always"
        assert DEADLINE is not None
        assert int(told["stop_grace_period"].removesuffix("s")) > int(DEADLINE[1])


@pytest.mark.parametrize("name", sorted(set(CONTAINERS) - {*JOBS, *ASKED_FOR}))
def test_everything_that_stays_has_limits_and_is_started_again(name: str) -> None:
    assert CONTAINERS[name]["mem_limit"]
    assert CONTAINERS[name]["cpus"] > 0
    assert CONTAINERS[name]["restart"] == "always"
    assert CONTAINERS[name]["logging"]["options"]["max-size"]


def test_who_steps_aside_on_a_busy_processor_does_so_among_containers_too() -> None:
    definitions = {name: (ROOT / "services" / name / "service.py").read_text() for name in SERVICES}
    aside = {name for name, text in definitions.items() if re.search(r"^ +niceness=\d+,$", text, re.MULTILINE)}
    assert aside
    assert {name for name in OURS if "cpu_shares" in CONTAINERS[name]} == aside


@pytest.mark.parametrize("name", sorted(CONTAINERS))
def test_each_container_sees_its_own_secrets_only(name: str) -> None:
    if name in ("secrets", "database"):  # which make and apply all of them, and end
        assert list(mounts(name)) == [""]
        return
    shared = {CONSOLE: {"/sign-in"}, IDENTITY: {"/sign-in", "/public"}, **{one: {"/public"} for one in SERVICES}}
    assert set(mounts(name)) <= {f"/{name}"} | shared.get(name, set())
    assert all(place.endswith(":ro") for place in mounts(name).values())


def test_every_secret_that_is_made_is_one_that_a_container_sees() -> None:
    seen = {folder.removeprefix("/") for name in CONTAINERS for folder in mounts(name)} - {""}
    made = {secret.path for secret in wanted()} | {DEFINITIONS, PAGER}
    assert {path.split("/")[0] for path in made} == seen
    files = re.findall(
        r"/run/(?:secrets|sign-in|public)/([\w.-]+)", (ROOT / "docker-compose.yml").read_text() + CADDYFILE
    )
    assert set(files) <= {path.split("/", 1)[1] for path in made}


def test_no_secret_stands_in_the_file_and_none_has_a_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    for name in CONTAINERS:
        for variable, value in environment(name).items():
            secret = re.search(r"PASS|SECRET|TOKEN|JWK|KEY", variable)
            assert not secret or str(value).startswith("/run/") or variable == "TOKEN_ISSUER", variable
    assert not re.search(r"://[^/\s]+:[^@/\s]+@", text)


def test_addresses_name_containers_users_and_databases_that_there_are() -> None:
    assert "@rabbitmq:5672/" in amqp_uri("oversight")
    assert f"@postgres:5432/{DATABASE}" in database_url("oversight")
    assert environment("postgres")["POSTGRES_DB"] == DATABASE
    assert f"@postgres-keys:5432/{KEYS_DATABASE}" in keys_database_url()
    assert environment("postgres-keys")["POSTGRES_DB"] == KEYS_DATABASE
    assert environment("postgres-exporter")["DATA_SOURCE_USER"] == MONITORING
    for service in SERVICES:
        assert environment(CONSOLE)[f"{service.upper()}_URL"] == f"http://{service}:8000"
        assert environment(service)["DATABASE_URL_FILE"] == f"/run/secrets/{DATABASE_URL}"
        assert environment(service)["TOPOLOGY"] == "check"
    for name in (IDENTITY, CONSOLE):
        assert environment(name)["DATABASE_URL_FILE"] == f"/run/secrets/{DATABASE_URL}"
        assert "AMQP_URI_FILE" not in environment(name)


def test_all_who_sign_in_or_ask_for_proof_name_the_same_provider() -> None:
    issuer = environment(IDENTITY)["OIDC_ISSUER"]
    assert issuer == f"{environment(CONSOLE)['CONSOLE_URL']}/identity"
    assert environment(IDENTITY)["CONSOLE_URLS"] == environment(CONSOLE)["CONSOLE_URL"]
    assert environment(CONSOLE)["OIDC_ISSUER"] == issuer
    assert (
        environment(CONSOLE)["OIDC_BACKCHANNEL_URL"] == environment(CONSOLE)["IDENTITY_URL"] == "http://identity:8000"
    )
    assert "handle_path /identity/* {\n\t\t\treverse_proxy identity:8000 {" in CADDYFILE
    for service in SERVICES:
        assert environment(service)["TOKEN_ISSUER"] == issuer
        assert environment(service)["TOKEN_JWKS"] == environment(IDENTITY)["TOKEN_JWKS"]
    secret = environment(IDENTITY)["OIDC_CLIENT_SECRET_FILE"]
    assert secret == environment(CONSOLE)["OIDC_CLIENT_SECRET_FILE"]
    assert mounts(IDENTITY)["/sign-in"] == mounts(CONSOLE)["/sign-in"]


def test_who_signs_tokens_and_knows_accounts_is_the_provider_alone() -> None:
    told = {name: set(environment(name)) & {"TOKEN_PRIVATE_JWK", "ACCOUNTS"} for name in CONTAINERS}
    assert {name for name, variables in told.items() if variables} == {IDENTITY}
    at_public = [secret.path for secret in wanted() if secret.path.startswith("public/")]
    assert at_public == ["public/public.jwks"]


def test_with_another_provider_everybody_names_that_one_and_only_the_console_gets_out() -> None:
    changed = OTHER_PROVIDER["services"]
    assert set(changed) == {*SERVICES, CONSOLE}
    issuers = {one["environment"].get("TOKEN_ISSUER") or one["environment"]["OIDC_ISSUER"] for one in changed.values()}
    assert len(issuers) == 1
    assert issuers.pop().startswith("${OIDC_ISSUER:?")
    assert [name for name, one in changed.items() if "networks" in one] == [CONSOLE]
    assert set(changed[CONSOLE]["networks"]) == {"edge", *CONTAINERS[CONSOLE]["networks"]}


def test_people_are_told_outside_of_the_page_only_where_that_is_wanted() -> None:
    assert environment("notification")["NOTIFICATION_KEYS"] == f"/run/secrets/{ADDRESS_KEYS.split('/')[1]}"
    assert "NOTIFICATION_CHANNELS" not in environment("notification")
    (changed,) = CHANNELS["services"].values()
    assert changed["environment"] == {"NOTIFICATION_CHANNELS": "/run/secrets/channels.yaml"}
    assert set(changed["networks"]) == {"edge", *CONTAINERS["notification"]["networks"]}


def test_the_keys_of_persons_are_the_registry_s_alone() -> None:
    assert [name for name in CONTAINERS if "keys" in CONTAINERS[name].get("networks", ())] == [
        "database",
        REGISTRY,
        "postgres-keys",
        "backup-keys",
        "restore-keys",
    ]
    assert environment(REGISTRY)["IDENTITY_KEYS"] == f"/run/secrets/{KEYRING}"
    assert environment(REGISTRY)["IDENTITY_KEYS_DATABASE_URL_FILE"] == f"/run/secrets/{KEYS_DATABASE_URL}"
    assert set(environment("oversight").items()) < set(environment(REGISTRY).items())


def test_the_start_goes_by_health_and_never_by_time() -> None:
    for service in SERVICES:
        assert waits_for(service) == dict.fromkeys(JOBS, "service_completed_successfully")
    for name in (IDENTITY, CONSOLE):
        assert waits_for(name) == dict.fromkeys(("secrets", "database"), "service_completed_successfully")
    assert waits_for("topology") == {"rabbitmq": "service_healthy"}
    assert waits_for("database") == dict.fromkeys(("postgres", "postgres-keys"), "service_healthy")
    assert {name for name in OURS if waits_for("proxy").get(name) != "service_healthy"} == set()
    for name in set(CONTAINERS) - {*OURS, *JOBS, *ASKED_FOR, "backup-exporter", "jaeger"}:  # ours is in the image
        assert CONTAINERS[name]["healthcheck"]["test"][0] == "CMD", name
    assert "sleep" not in (ROOT / "docker-compose.yml").read_text()


def test_only_the_front_door_is_reached_from_outside() -> None:
    published = {name: told["ports"] for name, told in CONTAINERS.items() if "ports" in told}
    assert {name for name, ports in published.items() if not all(p.startswith("127.0.0.1:") for p in ports)} == {
        "proxy"
    }
    inner = {name for name, told in COMPOSE["networks"].items() if told and told.get("internal")}
    assert inner == {"front", "back", "sign-in", "keys"}
    assert {name for name in (*OURS, *ENGINES) if not set(CONTAINERS[name]["networks"]) <= inner} == set()
    assert set(CONTAINERS["proxy"]["networks"]) == {"edge", "front"}
    for name in (IDENTITY, CONSOLE):  # the database, but not the broker
        assert set(CONTAINERS[name]["networks"]) == {"front", "sign-in"}
    assert [name for name in CONTAINERS if "sign-in" in CONTAINERS[name].get("networks", ())] == [
        IDENTITY,
        CONSOLE,
        "postgres",
    ]


def test_the_front_door_leads_to_every_service() -> None:
    for service in SERVICES:
        alias = f"{service.replace('_', '-')}-api"
        assert f"handle_path /api/{service}/* {{\n\t\t\treverse_proxy {alias}:8000 {{" in CADDYFILE
        assert CONTAINERS[service]["networks"]["front"]["aliases"] == [alias]
    pattern = re.search(r"@inside path_regexp (\S+)", CADDYFILE)
    assert pattern is not None
    inside_of_services = ("/api/oversight/metrics", "/api/oversight/ops/status", "//api//oversight//metrics/")
    for inside in (*inside_of_services, "/identity/metrics", "/identity//audit", "//identity/ops/status"):
        assert re.search(pattern[1], inside), inside
    for outside in ("/api/oversight/stages", "/api/oversight/opsx", "/ops", "/identity/opsx", "/identity/authorize"):
        assert not re.search(pattern[1], outside), outside


def test_each_server_is_backed_up_by_its_own_version_apart_from_the_other() -> None:
    for server, keeps in (("postgres", "backup"), ("postgres-keys", "backup-keys")):
        assert environment(keeps)["PGHOST"] == server
        assert CONTAINERS[keeps]["image"] == CONTAINERS[server]["image"]
        assert "hba_file=/etc/baton/pg_hba.conf" in CONTAINERS[server]["command"]
    where = {name: CONTAINERS[name]["volumes"][0].removesuffix(":/backups") for name in BACKUPS[:2]}
    assert where["backup"] != where["backup-keys"]
    exported = CONTAINERS["backup-exporter"]["volumes"]
    assert exported == [f"{where[name]}:/backups/{environment(name)['PGHOST']}:ro" for name in BACKUPS[:2]]
    for name, server in (("restore", "postgres"), ("restore-keys", "postgres-keys")):
        assert CONTAINERS[name]["volumes"][:2] == [
            f"{server}:/var/lib/postgresql/data",
            f"{where[name.replace('restore', 'backup')]}:/backups:ro",
        ]
        assert CONTAINERS[name]["profiles"] == ["restore"]
        assert mounts(name) == {}


def test_only_who_makes_backups_may_replicate() -> None:
    rules = [line.split() for line in (ROOT / "deploy/compose/pg_hba.conf").read_text().splitlines() if line[0] != "#"]
    assert [rule for rule in rules if rule[1] == "replication"] == [
        ["host", "replication", BACKUP, "all", "scram-sha-256"]
    ]
    assert {rule[-1] for rule in rules if rule[0] != "local"} == {"scram-sha-256"}


def test_images_are_pinned_and_another_can_be_put_in() -> None:
    for name, told in CONTAINERS.items():
        variable, _, image = told["image"].removeprefix("${").removesuffix("}").partition(":-")
        assert variable.isupper(), name
        assert re.search(r":v?\d|:local$", image), f"{name} takes whatever is newest"
    defaults = {told["image"].partition(":-")[2].removesuffix("}") for told in CONTAINERS.values()}
    assert {tag for tag in standins.IMAGES.values() if "python" not in tag} == {
        image for image in defaults if not image.startswith((*standins.MISSING, "baton"))
    }
    assert f"ARG PYTHON_IMAGE={standins.IMAGES['python']}" in DOCKERFILE.read_text()


def test_the_dockerfile_passes_its_linter() -> None:
    linter = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([linter, DOCKERFILE], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_image_is_made_in_stages_and_runs_as_nobody_in_particular() -> None:
    text = DOCKERFILE.read_text()
    final = text.rpartition("FROM ")[2]
    assert text.count("FROM ${PYTHON_IMAGE}") == 2
    assert "USER 10001:10001" in final
    assert re.findall(r"install .*?(\S+) \\$", final, re.MULTILINE) == ["fonts-wqy-microhei"]  # nothing else is put in
    assert final.count("RUN") == 1
    assert "HEALTHCHECK" in final
    assert "--require-hashes -r requirements/run.txt" in text


def test_what_is_secret_or_large_is_not_sent_to_the_builder() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "**" in ignored
    assert ignored.index("deploy/compose/secrets") > ignored.index("!deploy")


def test_every_file_that_a_container_is_given_is_there() -> None:
    for name, told in CONTAINERS.items():
        for volume in told.get("volumes", ()):
            source = volume.split(":")[0]
            if source.startswith("./"):
                assert (ROOT / source).exists(), f"{name}: {source}"


def test_the_check_kills_whatever_a_case_passes_through() -> None:
    assert set(check.KILLED) == {*OURS, *ENGINES, "proxy"}
    assert int(CONTAINERS["oversight"]["stop_grace_period"].removesuffix("s")) > check.STOP_SECONDS
    assert {line for line in check.FOREIGN.read_text().splitlines() if not line.startswith("#")} == FOREIGN
