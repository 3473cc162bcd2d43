"""Somebody who starts a private server and is then killed, leaving the server behind."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from deploy.local.stack import ROOT

PROGRAM = """
import importlib, os, signal, sys
from pathlib import Path
module, name, folder = sys.argv[1:]
getattr(importlib.import_module(module), name)(Path(folder)).start()
os.kill(os.getpid(), signal.SIGKILL)
"""


def crash_running(module: str, name: str, folder: Path, *, note: str) -> int:
    """The number of the process that is left behind, read from its note."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", PROGRAM, module, name, str(folder)], env=env)
    assert done.returncode == -signal.SIGKILL
    return int(json.loads((folder / note).read_text())["pid"])
