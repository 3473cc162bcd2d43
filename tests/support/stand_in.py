"""A process that stands in for a service: ``python -m tests.support.stand_in``.

Environment: ``HTTP_PORT``; ``DIES_SAYING`` (print it and end with status 3); ``STUBBORN`` (ignore SIGTERM);
``CHILD_PID_FILE`` (start a process of one's own and write its number there); ``NEVER_READY``.
"""

import os
import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Handler(BaseHTTPRequestHandler):
    """Answers ``/health/ready`` and, for everything else, what it was started with."""

    def do_GET(self) -> None:
        """GET."""
        ready = self.path != "/health/ready" or "NEVER_READY" not in os.environ
        body = os.environ.get(self.path.strip("/"), "").encode()
        self.send_response(200 if ready else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def main() -> int:
    """The command line."""
    if "DIES_SAYING" in os.environ:
        print(os.environ["DIES_SAYING"], file=sys.stderr)
        return 3
    if "STUBBORN" in os.environ:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "CHILD_PID_FILE" in os.environ:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        Path(os.environ["CHILD_PID_FILE"]).write_text(str(child.pid))
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["HTTP_PORT"])), Handler).serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
