"""``python -m deploy.docker.check``: the image and docker-compose.yml, run for real, where no image can be pulled.

Public images are replaced by stand-ins made of Debian's packages under the same names (`standins`), and the engine by
one of our own (`engine`); whoever reaches the public images needs none of this and types `docker compose up`. Every
step either holds or ends the check with what was seen; the exit status is 0 only if all of them held.
"""

import argparse
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import httpx

from deploy.compose.secret_files import wanted
from deploy.docker import standins
from deploy.docker.composed import Composed
from deploy.docker.door import check_console_away, check_door, check_sessions_away, check_sign_in
from deploy.docker.engine import Docker, DockerFailed, engine
from deploy.docker.holding import DoesNotHold, require
from deploy.local.browsing import SignInFailed
from deploy.local.client import CallFailed, TooLate
from deploy.local.stack import CONSOLE, IDENTITY, ROOT, SERVICES
from deploy.local.system_packages import ProgramMissing

FOLDER = ROOT / "build" / "containers"
OURS = (*SERVICES, IDENTITY, CONSOLE)
JOBS = ("secrets", "topology", "database")
KILLED = (*OURS, "proxy", "rabbitmq", "postgres", "postgres-keys")
ACTS = (1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 13)  # the steps of a case that are acts, but for the last few
RESTART_SECONDS = 60
STOP_SECONDS = 25  # less than the grace period: nothing may have to be killed
FOREIGN = ROOT / "deploy" / "observability" / "foreign_metrics.txt"
TOOLS = ("cc", "gcc", "g++", "ld", "make", "cargo", "node", "npm")


def check_image(docker: Docker) -> None:
    """Small, not root, no compiler, nothing writable of what it runs."""
    told = docker.inspect("baton:local")
    require(told["Config"]["User"] == "10001:10001", f"the image runs as {told['Config']['User']!r}")
    require("Healthcheck" in told["Config"], "the image has no health check")
    script = (
        f"for tool in {' '.join(TOOLS)}; do command -v $tool; done; python -m pip --version; find /app /opt -writable"
    )
    found = docker("run", "--rm", "--entrypoint", "sh", "baton:local", "-c", f"({script}) 2>/dev/null; true").split(
        "\n"
    )
    require(not any(found), f"the image holds {found}")
    base = docker.inspect(standins.IMAGES["python"])["Size"]
    require(told["Size"] - base < 250e6, f"the image adds {(told['Size'] - base) / 1e6:.0f} MB to its base")


def check_production(composed: Composed) -> None:
    """Outside the dev profile nothing starts on a secret that nobody chose."""
    try:
        composed.compose("run", "--rm", "--no-deps", "secrets", env={"BATON_PROFILE": "production"})
    except DockerFailed as refusal:
        require("is missing" in str(refusal), str(refusal))
        return
    raise DoesNotHold("without secrets, production started")


def check_confinement(composed: Composed) -> None:
    """Every container of ours: read-only, no capability, limited, and no other's secret in it."""
    for service in OURS:
        told = composed.inspect(service)["HostConfig"]
        require(told["ReadonlyRootfs"] and told["CapDrop"] == ["ALL"] and not told["CapAdd"], f"{service}: {told}")
        container = composed.container(service)
        secrets = composed.docker("exec", container, "ls", "/run/secrets").split()
        own = {secret.path.partition("/")[2] for secret in wanted() if secret.path.startswith(f"{service}/")}
        require(set(secrets) == own, f"{service} sees {secrets}")
    for service in (*KILLED, "prometheus", "alertmanager", "postgres-exporter"):
        told = composed.inspect(service)["HostConfig"]
        require(told["Memory"] > 0 and told["NanoCpus"] > 0, f"{service} has no limits")


def check_broker(composed: Composed) -> None:
    """The users are ours; the broker has no default one."""
    listed = composed.docker("exec", composed.container("rabbitmq"), "rabbitmqctl", "--quiet", "list_users")
    users = {line.split()[0] for line in listed.splitlines()[1:]}
    require(users == {*SERVICES, "topology"}, f"the broker has the users {users}")


def check_metrics(composed: Composed) -> None:
    """Prometheus reaches everything, evaluates every rule, and knows every name that we took from others."""
    until = time.monotonic() + 60
    while wrong := _unwell_targets(composed):
        require(time.monotonic() < until, f"not scraped: {wrong}")
        time.sleep(1)
    groups = _prometheus(composed, "rules")["groups"]
    broken = [rule["name"] for group in groups for rule in group["rules"] if rule["health"] == "err"]
    require(bool(groups) and not broken, f"rules that cannot be evaluated: {broken}")
    foreign = {line for line in FOREIGN.read_text().splitlines() if not line.startswith("#")}
    while absent := foreign - set(_prometheus(composed, "label/__name__/values")):
        require(time.monotonic() < until, f"nothing exposes {sorted(absent)}")
        time.sleep(1)


def check_kills(composed: Composed) -> None:
    """A case under way survives the death of any container, and loses nothing by it; whoever signs in then can."""
    for service in KILLED:
        at, before = random.choice(ACTS), composed.restarts(service)

        def die(step: int, service: str = service, at: int = at) -> None:
            if step == at:
                composed.kill(service)
                composed.signed_in(("officer", "station-system"))

        began = time.monotonic()
        composed.chain(acted=die)
        until = time.monotonic() + RESTART_SECONDS
        while composed.restarts(service) == before:
            require(time.monotonic() < until, f"{service} was not started again")
            time.sleep(0.2)
        composed.wait_for(service)
        say(f"    {service:<21} killed after step {at:>2}; the case took {time.monotonic() - began:.1f} s")


def check_stops(composed: Composed) -> None:
    """Each service ends by itself on SIGTERM, in time, in the middle of a case."""
    for service in (*SERVICES, IDENTITY):

        def stop(step: int, service: str = service) -> None:
            if step == 4:
                began = time.monotonic()
                composed.docker("stop", "--time", "30", composed.container(service))
                took, status = time.monotonic() - began, composed.state(service)["ExitCode"]
                composed.docker("start", composed.container(service))
                require(status == 0 and took < STOP_SECONDS, f"{service} ended with {status} after {took:.1f} s")
                say(f"    {service:<21} stopped in {took:.1f} s")

        composed.chain(acted=stop)
        composed.wait_for(service)


def check_again(composed: Composed) -> None:
    """Taken down and up again, it has its data, and its secrets stay as they are."""
    person = composed.chain()
    kept = (composed.secrets / "rabbitmq" / "definitions.json").read_text()
    composed.down()
    composed.up()
    require((composed.secrets / "rabbitmq" / "definitions.json").read_text() == kept, "secrets were made anew")
    composed.chain()
    count = f"select count(*) from oversight.timeline where person_id = '{person}'"
    psql = ("psql", "--username", "postgres", "--tuples-only", "--command", count, "baton")
    found = composed.docker("exec", composed.container("postgres"), *psql)
    require(int(found) >= 25, f"of the case before, {found.strip()} events are left")


def say(text: str) -> None:
    """Tell the person at the terminal."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _unwell_targets(composed: Composed) -> list[str]:
    targets = _prometheus(composed, "targets")["activeTargets"]
    seen = {target["labels"]["job"]: target["health"] for target in targets}
    asked = (*SERVICES, IDENTITY, "rabbitmq", "postgres", "proxy", "prometheus", "alertmanager")
    return [job for job in asked if seen.get(job) != "up"]


def _prometheus(composed: Composed, question: str) -> Any:
    return httpx.get(f"{composed.prometheus}/api/v1/{question}", trust_env=False, timeout=10).json()["data"]


def steps(docker: Docker, composed: Composed) -> list[tuple[str, Callable[[], None]]]:
    """What is checked, in this order."""
    return [
        ("stand-ins for public images, made of Debian's packages", lambda: standins.build(docker, FOLDER)),
        ("the image is built", lambda: _build_image(composed)),
        ("the image is small and holds no tools", lambda: check_image(docker)),
        ("production starts nothing without secrets", lambda: check_production(composed)),
        ("docker compose up ends healthy", composed.up),
        ("a case passes the front door", lambda: require(bool(composed.chain()), "no person")),
        ("containers are confined", lambda: check_confinement(composed)),
        ("the broker has our users only", lambda: check_broker(composed)),
        ("the front door shows nothing of what is inside", lambda: check_door(composed)),
        ("people sign in at the console and out again", lambda: check_sign_in(composed)),
        ("a database that is away is told to people", lambda: check_sessions_away(composed)),
        ("a console that is away is noticed", lambda: check_console_away(composed)),
        ("Prometheus sees everything", lambda: check_metrics(composed)),
        ("killing any container loses nothing", lambda: check_kills(composed)),
        ("services stop in time", lambda: check_stops(composed)),
        ("down and up again keeps everything", lambda: check_again(composed)),
    ]


def _build_image(composed: Composed) -> None:
    composed.compose("build", "secrets")


def main() -> int:
    """The command line."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--keep", action="store_true", help="leave it running until Ctrl-C, to look at it")
    keep = arguments.parse_args().keep
    os.umask(0o022)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    try:
        with engine(FOLDER) as docker:
            composed = Composed(docker, FOLDER)
            try:
                _check(docker, composed)
                if keep:
                    say(f"it runs at {composed.door}; Ctrl-C ends it")
                    time.sleep(86_400)
            except KeyboardInterrupt:
                pass
            finally:
                composed.down("--volumes")
                docker(
                    "run", "--rm", "--volume", f"{FOLDER}:/x", "--entrypoint", "rm", standins.BASE, "-rf", "/x/secrets"
                )
    except (DockerFailed, ProgramMissing, DoesNotHold, CallFailed, SignInFailed, TooLate, httpx.HTTPError) as failure:
        say(f"does not hold: {failure}")
        return 1
    return 0


def _check(docker: Docker, composed: Composed) -> None:
    for words, step in steps(docker, composed):
        began = time.monotonic()
        say(f"{words} …")
        step()
        say(f"  holds ({time.monotonic() - began:.0f} s)")
    say(f"all of it holds; not run for want of an image: {', '.join(standins.MISSING)}")


if __name__ == "__main__":
    sys.exit(main())
