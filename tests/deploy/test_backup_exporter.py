"""How old backups are is read off the folders; what is not there is infinitely old."""

import os
import time
from datetime import UTC, datetime, timedelta
from math import inf
from pathlib import Path

from deploy.backup.exporter import FORM, base_age, received_age, registry


def test_the_newest_of_all_histories_counts_and_what_is_unfinished_does_not(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    for place, hours in (("1-1/base", 5), ("1-2/base", 2), ("1-1.until-x/base", 30)):
        (tmp_path / place / (now - timedelta(hours=hours)).strftime(FORM)).mkdir(parents=True)
    (tmp_path / "1-2" / "unfinished").mkdir()
    assert abs(base_age(tmp_path) - 2 * 3600) < 60


def test_what_was_received_is_as_old_as_the_mark(tmp_path: Path) -> None:
    (tmp_path / "1-1").mkdir()
    mark = tmp_path / "1-1" / "received"
    mark.touch()
    os.utime(mark, (time.time() - 300,) * 2)
    assert abs(received_age(tmp_path) - 300) < 60


def test_what_never_was_is_infinitely_old(tmp_path: Path) -> None:
    made = registry([tmp_path])
    labels = {"server": tmp_path.name}
    assert made.get_sample_value("baton_backup_base_age_seconds", labels) == inf
    assert made.get_sample_value("baton_backup_received_age_seconds", labels) == inf
