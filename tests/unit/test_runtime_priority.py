"""Stepping aside, seen in a process of its own: nobody can take a lower priority back."""

import subprocess
import sys

import pytest

SCRIPT = """
import os
from shared.runtime.priority import AUTOGROUP, step_aside
step_aside({})
print(os.nice(0), AUTOGROUP.read_text().split()[-1] if AUTOGROUP.exists() else "none")
"""


def priority_after(niceness: int) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(niceness)],
        capture_output=True,
        text=True,
        check=True,
        start_new_session=True,
    )
    own, group = done.stdout.split()
    return int(own), group


@pytest.mark.parametrize("steps", [0, 10])
def test_a_process_takes_as_many_steps_as_it_is_told(steps: int) -> None:
    before = priority_after(0)[0]
    own, group = priority_after(steps)
    assert own == min(19, before + steps)
    assert group in ("none", str(steps))
