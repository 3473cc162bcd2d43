"""The manifests are what Kubernetes understands, and say of the platform what is so."""

import base64
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator, ValidationError
from kubernetes_validate import latest_version
from kubernetes_validate.utils import schema_contents
from referencing import Registry, Resource

from deploy import growth
from deploy.compose.secret_files import ADDRESS_KEYS, AMQP_URI, DEFINITIONS, amqp_uri, wanted
from deploy.local.stack import CONSOLE, IDENTITY, ROOT, SERVICES
from deploy.observability import kubernetes
from shared.messaging.topology import entities

KUBERNETES = ROOT / "deploy" / "k8s"
OVERLAYS = ("county", "province")
UPGRADING = (ROOT / "docs" / "upgrading.md").read_text()
# What operators bring: schemas of theirs are not at hand, so what we use of them is held below.
FOREIGN_KINDS = {
    "RabbitmqCluster": "rabbitmq.com/v1beta1",
    "Cluster": "postgresql.cnpg.io/v1",
    "ScheduledBackup": "postgresql.cnpg.io/v1",
    "ObjectStore": "barmancloud.cnpg.io/v1",
    "ScaledObject": "keda.sh/v1alpha1",
    "TriggerAuthentication": "keda.sh/v1alpha1",
    "PodMonitor": "monitoring.coreos.com/v1",
    "PrometheusRule": "monitoring.coreos.com/v1",
}
WORKLOADS = ("Deployment", "Job")
SCHEMAS = f"kubernetes-json-schema/v{latest_version()}-local-strict"
Manifest = dict[str, Any]


def kubectl(*arguments: str | Path, **options: Any) -> str:
    command = [Path(sys.executable).with_name("kubectl"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


@cache
def manifests(overlay: str) -> tuple[Manifest, ...]:
    said = kubectl("kustomize", KUBERNETES / "overlays" / overlay)
    return tuple(yaml.load_all(said, Loader=yaml.CSafeLoader))  # five times faster than the plain one


@cache
def definitions() -> Registry[Any]:
    told = schema_contents(f"{SCHEMAS}/_definitions.json", latest_version())
    return Resource.from_contents(told) @ Registry()


@cache
def schema(kind: str, api_version: str) -> Draft202012Validator:
    """What Kubernetes itself says of a kind; strict, so that what it does not know does not fit."""
    group, _, version = api_version.rpartition("/")
    name = "-".join(part for part in (kind.lower(), group.split(".")[0], version) if part)
    told = schema_contents(f"{SCHEMAS}/{name}.json", latest_version())
    return Draft202012Validator(told, registry=Resource.from_contents(told) @ definitions())


def fit(manifest: Manifest) -> None:
    """Raises: ValidationError."""
    schema(manifest["kind"], manifest["apiVersion"]).validate(manifest)


def of(kind: str, overlay: str = "county") -> dict[str, Manifest]:
    return {one["metadata"]["name"]: one for one in manifests(overlay) if one["kind"] == kind}


def pods(overlay: str = "county") -> dict[str, Manifest]:
    """The template of each workload's pods."""
    return {name: one["spec"]["template"] for kind in WORKLOADS for name, one in of(kind, overlay).items()}


def container(name: str) -> Manifest:
    (only,) = pods()[name]["spec"]["containers"]
    return dict(only)


def kubernetes_name(service: str) -> str:
    return service.replace("_", "-")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_manifest_fits_its_schema(overlay: str) -> None:
    checked = 0
    for one in manifests(overlay):
        if one["kind"] in FOREIGN_KINDS:
            assert one["apiVersion"] == FOREIGN_KINDS[one["kind"]]
            continue
        fit(one)
        checked += 1
    assert checked > 30


def test_a_manifest_that_does_not_fit_would_be_found() -> None:
    broken = {**of("Deployment")[CONSOLE], "spec": {**of("Deployment")[CONSOLE]["spec"], "replica": 2}}
    with pytest.raises(ValidationError, match="'replica' was unexpected"):
        fit(broken)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_everything_is_in_the_namespace_and_named_once(overlay: str) -> None:
    (namespace,) = of("Namespace", overlay)
    assert {one["metadata"].get("namespace", namespace) for one in manifests(overlay)} == {namespace}
    names = [(one["kind"], one["metadata"]["name"]) for one in manifests(overlay)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_runs_itself_with_its_own_secrets(service: str) -> None:
    name = f"{kubernetes_name(service)}-api"
    assert container(name)["args"] == ["shared.runtime", service]
    assert volumes_of_secrets(name) == [kubernetes_name(service)]
    assert pods()[name]["metadata"]["labels"]["baton-service"] == service
    for kind in ("Service", "PodDisruptionBudget", "ScaledObject", "TriggerAuthentication"):
        assert name in of(kind), kind


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_nothing_is_selected_that_is_not_there_and_no_two_services_select_the_same_pods(overlay: str) -> None:
    labels = {name: template["metadata"]["labels"] for name, template in pods(overlay).items()}
    for kind in ("Service", "PodDisruptionBudget"):
        for name, one in of(kind, overlay).items():
            if name in ("postgres", "postgres-keys"):
                continue  # CloudNativePG's pods
            selector = one["spec"]["selector"]
            wanted_labels = selector.get("matchLabels", selector)
            selected = [pod for pod, has in labels.items() if wanted_labels.items() <= has.items()]
            assert selected == [name], kind
    for name, one in of("Deployment", overlay).items():
        assert one["spec"]["selector"]["matchLabels"].items() <= labels[name].items()


def test_pods_are_confined_and_limited() -> None:
    for name, template in pods().items():
        spec, (only,) = template["spec"], template["spec"]["containers"]
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert spec["automountServiceAccountToken"] is False, name
        assert only["securityContext"]["readOnlyRootFilesystem"] is True, name
        assert only["securityContext"]["allowPrivilegeEscalation"] is False, name
        assert only["securityContext"]["capabilities"]["drop"] == ["ALL"], name
        assert {"cpu", "memory"} <= set(only["resources"]["limits"]) & set(only["resources"]["requests"]), name


def test_what_serves_is_probed_and_has_time_to_end() -> None:
    for name in (*(f"{kubernetes_name(service)}-api" for service in SERVICES), IDENTITY, CONSOLE):
        only = container(name)
        assert only["readinessProbe"]["httpGet"]["path"] == "/health/ready"
        # A database that is away must not make Kubernetes kill what waits for it.
        assert only["livenessProbe"]["httpGet"]["path"] == only["startupProbe"]["httpGet"]["path"] == "/health/live"
        pause = only["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert pods()[name]["spec"]["terminationGracePeriodSeconds"] > 20 + pause


def test_consumers_are_scaled_on_queues_that_there_are() -> None:
    queues = {entity.name for entity in entities()}
    deployments = of("Deployment")
    for name, one in of("ScaledObject").items():
        assert one["spec"]["scaleTargetRef"]["name"] == name
        assert "replicas" not in deployments[name]["spec"], "two would set it"
        (trigger,) = one["spec"]["triggers"]
        assert trigger["metadata"]["queueName"] in queues
        assert trigger["metadata"]["queueName"] == f"{pods()[name]['metadata']['labels']['baton-service']}.events"
        assert trigger["authenticationRef"]["name"] in of("TriggerAuthentication")
        assert 2 <= one["spec"]["minReplicaCount"] < one["spec"]["maxReplicaCount"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_database_takes_as_many_connections_as_there_can_be(overlay: str) -> None:
    most = sum(one["spec"]["maxReplicaCount"] for one in of("ScaledObject", overlay).values())
    most += sum(of("Deployment", overlay)[name]["spec"]["replicas"] for name in (IDENTITY, CONSOLE))
    allowed = int(of("Cluster", overlay)["postgres"]["spec"]["postgresql"]["parameters"]["max_connections"])
    # A process takes at most 20 when it is at its limit; a quarter of that is what one uses that works hard.
    assert most * 5 < allowed


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_new_version_comes_before_an_old_one_goes(overlay: str) -> None:
    deployments = of("Deployment", overlay)
    rolled = {name: one for name, one in deployments.items() if name == CONSOLE or name.endswith("-api")}
    assert len(rolled) == len(SERVICES) + 1
    for name, one in rolled.items():
        assert one["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}, name
    assert all(f"`{words}`" in UPGRADING for words in ("maxSurge: 1", "maxUnavailable: 0"))


def test_names_that_settings_use_are_names_of_services() -> None:
    known = set(of("Service"))
    for variable in container(CONSOLE)["env"]:
        if variable["value"].startswith("http://"):
            assert variable["value"].removeprefix("http://").removesuffix(":8000") in known
    (configuration,) = [one for name, one in of("ConfigMap").items() if name.startswith("front-door")]
    for service in SERVICES:
        assert f"reverse_proxy {kubernetes_name(service)}-api:8000" in configuration["data"]["Caddyfile"]
    for name in (IDENTITY, CONSOLE):
        assert f"reverse_proxy {name}:8000" in configuration["data"]["Caddyfile"]


def variables(name: str) -> dict[str, str]:
    """What a workload's container is told, with what it is told of it by the settings; a later one may name it."""
    (settings,) = [one["data"] for name, one in of("ConfigMap").items() if name.startswith("settings")]
    told = dict(settings) if "envFrom" in container(name) else {}
    for one in container(name)["env"]:
        told[one["name"]] = re.sub(r"\$\((\w+)\)", lambda found: told[found[1]], one["value"])
    return told


def test_all_who_sign_in_or_ask_for_proof_name_the_same_provider() -> None:
    issuer = variables(IDENTITY)["OIDC_ISSUER"]
    assert issuer == f"{variables(CONSOLE)['CONSOLE_URL']}/identity" == "https://baton.example/identity"
    assert variables(IDENTITY)["CONSOLE_URLS"] == variables(CONSOLE)["CONSOLE_URL"]
    assert variables(CONSOLE)["OIDC_ISSUER"] == issuer
    assert variables(CONSOLE)["OIDC_BACKCHANNEL_URL"] == variables(CONSOLE)["IDENTITY_URL"] == "http://identity:8000"
    for service in SERVICES:
        assert variables(f"{kubernetes_name(service)}-api")["TOKEN_ISSUER"] == issuer


def test_who_signs_tokens_and_knows_accounts_is_the_provider_alone() -> None:
    assert [name for name in pods() if {"TOKEN_PRIVATE_JWK", "ACCOUNTS"} & {one["name"] for one in envs(name)}] == [
        IDENTITY
    ]
    seen = {name: volumes_of_secrets(name) for name in (IDENTITY, CONSOLE)}
    assert seen == {name: [name, "sign-in"] for name in (IDENTITY, CONSOLE)}


def envs(name: str) -> list[dict[str, str]]:
    return list(container(name).get("env", ()))


def volumes_of_secrets(name: str) -> list[str]:
    volumes = pods()[name]["spec"]["volumes"]
    return [volume["secret"]["secretName"] for volume in volumes if "secret" in volume]


def secrets_made(folder: Path) -> dict[str, dict[str, str]]:
    """What the script makes of an installation's secrets, in base64, and of the public keys."""
    for path in (*(folder / secret.path for secret in wanted()), folder / DEFINITIONS):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(amqp_uri("x") if path.name == AMQP_URI else "x")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x"]
    files = ["-keyout", folder / "proxy" / "tls.key", "-out", folder / "proxy" / "tls.crt"]
    subprocess.run([*command, *files], check=True, capture_output=True)
    env = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    script = ["sh", KUBERNETES / "secrets.sh", folder]
    said = subprocess.run(script, env=env, check=True, capture_output=True, text=True).stdout
    return {one["metadata"]["name"]: one["data"] for one in yaml.safe_load_all(said) if one}


def test_every_secret_that_is_used_is_made_from_the_installation_s_files(tmp_path: Path) -> None:
    made = secrets_made(tmp_path)
    for template in pods().values():
        for volume in template["spec"]["volumes"]:
            sources = [one["secret"] for one in volume.get("projected", {}).get("sources", ())]
            if "secret" in volume:
                sources.append({**volume["secret"], "name": volume["secret"]["secretName"]})
            for source in sources:
                assert {item["key"] for item in source.get("items", ())} <= set(made[source["name"]])
    for one in of("TriggerAuthentication").values():
        (reference,) = one["spec"]["secretTargetRef"]
        assert reference["key"] in made[reference["name"]]
        scaler = base64.b64decode(made[reference["name"]][reference["key"]]).decode()
        assert "@rabbitmq.baton.svc:5672//" in scaler, "KEDA is in another namespace"
    for name in pods():  # a file that is named is one that is there
        files = re.findall(r"/run/(?:secrets/baton|sign-in)/([\w.-]+)", str(envs(name)))
        assert set(files) <= {key for secret in volumes_of_secrets(name) for key in made[secret]}, name
    assert set(made["public"]) == {"public.jwks"}
    assert set(made["rabbitmq-definitions"]) == {"definitions.json"}
    assert set(made["postgres-superuser"]) == set(made["postgres-keys-superuser"]) == {"username", "password"}
    for cluster in of("Cluster").values():
        assert cluster["spec"]["superuserSecret"]["name"] in made


def test_nobody_speaks_to_anybody_unless_a_policy_says_so() -> None:
    policies = of("NetworkPolicy")
    assert policies["nothing"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    components = {template["metadata"]["labels"]["app.kubernetes.io/component"] for template in pods().values()}
    named = str([policy["spec"]["podSelector"] for policy in policies.values()])
    assert [component for component in components if component not in named] == []


def test_services_do_not_reach_each_other() -> None:
    allowed = of("NetworkPolicy")["service"]["spec"]["ingress"]
    sources = [source for rule in allowed for source in rule["from"] if "podSelector" in source]
    (reached_by,) = sources
    assert reached_by["podSelector"]["matchExpressions"][0]["values"] == ["front-door", "console"]


def test_the_database_and_the_provider_are_reached_by_whom_they_are_for() -> None:
    def reached_by(policy: str) -> set[str]:
        (rule,) = of("NetworkPolicy")[policy]["spec"]["ingress"]
        return {
            value
            for source in rule["from"]
            for expression in source.get("podSelector", {}).get("matchExpressions", ())
            for value in expression["values"]
        }

    assert reached_by("database") == {"service", IDENTITY, CONSOLE, "job", "exporter"}
    assert reached_by(IDENTITY) == {"front-door", CONSOLE}


def test_the_keys_of_persons_are_the_registry_s_alone() -> None:
    asked = [name for name in pods() if "keys-database-url" in str(pods()[name])]
    assert sorted(asked) == ["database", "person-registry-api"]
    policies = of("NetworkPolicy")
    (asks,) = policies["keys"]["spec"]["ingress"][0]["from"]
    assert asks["podSelector"] == policies["to-keys"]["spec"]["podSelector"]
    labels = {name: template["metadata"]["labels"]["app.kubernetes.io/name"] for name, template in pods().items()}
    (names,) = asks["podSelector"]["matchExpressions"]
    assert sorted(name for name, label in labels.items() if label in names["values"]) == sorted(asked)


def test_the_broker_and_the_database_survive_the_loss_of_a_node() -> None:
    assert of("RabbitmqCluster")["rabbitmq"]["spec"]["replicas"] == 3
    for name in ("postgres", "postgres-keys"):
        cluster = of("Cluster")[name]["spec"]
        assert cluster["instances"] == 3
        assert cluster["postgresql"]["synchronous"]["number"] == 1
        assert cluster["affinity"]["podAntiAffinityType"] == "required"


def test_each_database_is_backed_up_every_day_apart_from_the_other_and_the_keys_for_a_short_time() -> None:
    stores = {}
    for name in ("postgres", "postgres-keys"):
        (plugin,) = of("Cluster")[name]["spec"]["plugins"]
        assert plugin["isWALArchiver"] is True
        stores[name] = of("ObjectStore")[plugin["parameters"]["barmanObjectName"]]["spec"]
        backup = of("ScheduledBackup")[name]["spec"]
        assert (backup["cluster"], backup["method"]) == ({"name": name}, "plugin")
        assert backup["pluginConfiguration"] == {"name": plugin["name"]}
        assert len(backup["schedule"].split()) == 6
        assert backup["schedule"].endswith("* * *")
    assert [store["retentionPolicy"] for store in stores.values()] == ["14d", "2d"]
    for one in ("destinationPath", "s3Credentials"):
        assert stores["postgres"]["configuration"][one] != stores["postgres-keys"]["configuration"][one]


def test_the_rules_are_the_same_as_elsewhere() -> None:
    assert kubernetes.TARGET.read_text() == kubernetes.rendered()
    jobs = {
        rule["replacement"]
        for one in of("PodMonitor").values()
        for endpoint in one["spec"]["podMetricsEndpoints"]
        for rule in endpoint["relabelings"]
        if "replacement" in rule
    }
    assert jobs == {"proxy", "rabbitmq", "postgres"}  # of its backups the operator exposes figures of its own
    by_name = of("PodMonitor")["services"]["spec"]["selector"]["matchExpressions"][0]["values"]
    asked = [labels for labels in map(labels_of, pods()) if labels["app.kubernetes.io/component"] in by_name]
    assert {labels["baton-service"] for labels in asked} == {*SERVICES, IDENTITY}


def labels_of(name: str) -> dict[str, str]:
    return dict(pods()[name]["metadata"]["labels"])


def test_images_are_pinned() -> None:
    for name, template in pods().items():
        for only in template["spec"]["containers"]:
            assert only["image"].rpartition(":")[2][:1].isalnum(), name
            assert ":" in only["image"] and not only["image"].endswith(":latest"), name


def test_notification_gets_out_by_one_component_and_not_without_it(tmp_path: Path) -> None:
    assert "outward" not in of("NetworkPolicy")
    used = os.path.relpath(KUBERNETES, tmp_path)
    overlay = {"resources": [f"{used}/base"], "components": [f"{used}/channels"], "namespace": "baton"}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    said = kubectl("kustomize", "--load-restrictor", "LoadRestrictionsNone", tmp_path)
    found = {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(said)}
    fit(found["NetworkPolicy", "outward"])
    label = found["NetworkPolicy", "outward"]["spec"]["podSelector"]["matchLabels"].items()
    deployments = {name: one["spec"]["template"] for (kind, name), one in found.items() if kind == "Deployment"}
    assert [name for name, pod in deployments.items() if label <= pod["metadata"]["labels"].items()] == [
        "notification-api"
    ]
    (container,) = deployments["notification-api"]["spec"]["containers"]
    env = {one["name"]: one.get("value") for one in container["env"]}
    assert env["NOTIFICATION_CHANNELS"] == "/run/secrets/baton/channels.yaml"
    assert env["NOTIFICATION_KEYS"] == f"/run/secrets/baton/{ADDRESS_KEYS.split('/')[1]}"


def test_the_page_s_sums_follow_from_what_was_measured_and_from_the_manifests() -> None:
    page = growth.PAGE.read_text()
    assert growth.rendered(page) == page
    assert page.count("| county |") == 2
