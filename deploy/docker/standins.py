"""Images made of Debian's packages under the names of the public ones, for a machine that reaches no public image.

They stand in for what is used of the originals: the program, its user, its folders and the environment it listens to.
"""

import io
import tarfile
from pathlib import Path

from deploy.docker.engine import Docker, DockerFailed, run

BASE = "debian:trixie-slim"
SUITE = "trixie"
FOLDER = Path(__file__).parent / "standins"
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
IMAGES = {
    "python": "python:3.13-slim",
    "rabbitmq": "rabbitmq:4.1",
    "postgres": "postgres:17",
    "postgres-exporter": "prometheuscommunity/postgres-exporter:v0.17.1",
    "prometheus": "prom/prometheus:v2.53.4",
    "alertmanager": "prom/alertmanager:v0.28.1",
    "caddy": "caddy:2.10",
}
MISSING = ("grafana", "jaeger")  # which Debian does not have


def build(docker: Docker, folder: Path) -> None:
    """Build what is not there yet.

    Raises: DockerFailed.
    """
    if not _has(docker, BASE):
        _build_base(docker, folder)
    for name, tag in IMAGES.items():
        if not _has(docker, tag):
            docker("build", "--quiet", "--tag", tag, "--file", str(FOLDER / f"{name}.Dockerfile"), str(FOLDER))


def _build_base(docker: Docker, folder: Path) -> None:
    system = folder / SUITE
    if not system.exists():
        unfinished = folder / f"{SUITE}.unfinished"
        command = ["debootstrap", "--variant=minbase", "--include=ca-certificates", SUITE, str(unfinished), _mirror()]
        run(command, env=docker.env)
        unfinished.rename(system)
    run(["tar", "-C", str(system), "-cf", str(folder / "base.tar"), "."], env=docker.env)
    docker("import", str(folder / "base.tar"), f"{BASE}-raw")
    docker("build", "--quiet", "--tag", BASE, "-", given=_context_with_authorities())


def _context_with_authorities() -> bytes:
    """A build that adds this machine's certificate authorities, apart from Debian's own file of them."""
    files = {
        "Dockerfile": f"FROM {BASE}-raw\nCOPY machine.crt /etc/ssl/machine.crt\n".encode(),
        "machine.crt": AUTHORITIES.read_bytes(),
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _mirror() -> str:
    """Where this machine gets its own packages from."""
    lists = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    words = [word for path in lists if path.is_file() for word in path.read_text().split()]
    for word in words:
        if word.startswith("http") and word.rstrip("/").endswith("/debian"):
            return word
    raise DockerFailed("this machine's package sources name no Debian archive")


def _has(docker: Docker, tag: str) -> bool:
    return bool(docker("images", "--quiet", tag).strip())
