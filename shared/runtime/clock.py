"""A clock that somebody else sets: for scenarios and rehearsals, where a case of weeks is told in seconds."""

from datetime import UTC, datetime
from pathlib import Path


class FileClock:
    """Stands at the moment that a file holds (RFC 3339), and is at the next one as soon as the file changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_at = -1
        self._moment = datetime.min.replace(tzinfo=UTC)

    def now(self) -> datetime:
        """The moment, aware, in UTC.

        Raises: OSError, ValueError when the file cannot be read or holds no moment with a zone.
        """
        changed_at = self._path.stat().st_mtime_ns
        if changed_at != self._read_at:
            moment = datetime.fromisoformat(self._path.read_text(encoding="ascii").strip())
            if moment.tzinfo is None:
                raise ValueError(f"{self._path} holds a moment without a zone")
            self._moment, self._read_at = moment.astimezone(UTC), changed_at
        return self._moment


def set_clock(path: Path, moment: datetime) -> None:
    """Let every process whose clock this file is be at a moment. Seen whole or not at all."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(moment.isoformat(), encoding="ascii")
    unfinished.replace(path)
