"""``python -m deploy.compose.passwords FOLDER NAME``: new passwords for one service, or for ``topology``, in the
addresses that it is given. Whoever holds the broker and the databases is told by the jobs ``secrets`` and ``database``;
the service itself when it is started again. The order, and what stands still meanwhile: ``docs/operations.md``.
"""

import secrets
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from deploy.compose.secret_files import AMQP_URI, DATABASE_URL, KEYS_DATABASE_URL

_BYTES = 24


def renew(folder: Path, name: str) -> list[str]:
    """Write new passwords into the addresses of a service; which files were written.

    Raises: FileNotFoundError when it has none.
    """
    paths = [folder / name / file for file in (AMQP_URI, DATABASE_URL, KEYS_DATABASE_URL)]
    there = [path for path in paths if path.is_file()]
    if not there:
        raise FileNotFoundError(f"there are no addresses of {name} in {folder}")
    for path in there:
        _write(path, with_password(path.read_text().strip(), secrets.token_urlsafe(_BYTES)))
    return [path.name for path in there]


def with_password(address: str, password: str) -> str:
    """The same address with another password."""
    parts = urlsplit(address)
    place = parts.netloc.rpartition("@")[2]
    user = (parts.username or "") + f":{password}"
    return urlunsplit(parts._replace(netloc=f"{user}@{place}"))


def _write(path: Path, text: str) -> None:
    """All at once, and as readable as it was."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.touch(mode=0o600)
    fresh.write_text(text)
    fresh.chmod(path.stat().st_mode & 0o777)
    fresh.replace(path)


def main(arguments: list[str]) -> int:
    """The command line."""
    if len(arguments) != 2:
        sys.stderr.write(str(__doc__))
        return 2
    try:
        written = renew(Path(arguments[0]), arguments[1])
    except OSError as error:
        sys.stderr.write(f"passwords: {error}\n")
        return 1
    sys.stdout.write(f"passwords: new in {', '.join(written)} of {arguments[1]}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
