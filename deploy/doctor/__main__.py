"""``python -m deploy.doctor [--json]``: 0 when all that was asked is well, 1 when something is not.

Where to ask is in the environment; see `deploy.doctor.gathering`.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from deploy.doctor import running, standing
from deploy.doctor.evidence import Evidence
from deploy.doctor.findings import Finding, as_json, as_text, exit_status
from deploy.doctor.gathering import gather


def examine(evidence: Evidence) -> list[Finding]:
    """Everything that there is to say."""
    return [found for check in (*running.CHECKS, *standing.CHECKS) for found in check(evidence)]


def main(arguments: Sequence[str]) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="doctor", description="What is wrong with a running installation")
    parser.add_argument("--json", action="store_true", help="for programs")
    said = parser.parse_args(arguments)
    findings = examine(gather(os.environ))
    print(as_json(findings) if said.json else as_text(findings))
    return exit_status(findings)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
