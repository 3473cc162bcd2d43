"""The files of the repository: what git tracks, and what it would."""

import subprocess

from deploy.local.stack import ROOT


def repository_files() -> dict[str, bytes]:
    """Path and content of each file that is committed or would be."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = sorted(path for path in listed.split("\0") if path)
    return {path: (ROOT / path).read_bytes() for path in paths if (ROOT / path).is_file()}
