"""``python -m tests.support.notebook_server <database url>`` serves the notebook as services are served.

Prints the port and a token, then serves until its standard input ends.
"""

import warnings

warnings.filterwarnings("ignore", category=DeprecationWarning, module="eventlet")

import eventlet  # noqa: E402

eventlet.monkey_patch()

import sys  # noqa: E402
from datetime import timedelta  # noqa: E402

from eventlet import tpool  # noqa: E402
from nameko.containers import ServiceContainer  # noqa: E402

from shared.runtime.extensions import FlaskServer, HttpApi  # noqa: E402
from tests.support.notebook import OFFICER, notebook  # noqa: E402


def main(database_url: str) -> None:
    """Serve."""
    with notebook(database_url) as book:
        service = type("NotebookService", (), {"name": "notebook", "api": HttpApi(book.app)})
        container = ServiceContainer(service, config={"WEB_SERVER_ADDRESS": "127.0.0.1:0"})
        container.start()
        (server,) = [extension for extension in container.subextensions if isinstance(extension, FlaskServer)]
        token = book.issuer.issue(OFFICER, timedelta(days=1))
        print(server._sock.getsockname()[1], token, flush=True)
        tpool.execute(sys.stdin.read)
        container.stop()


if __name__ == "__main__":
    main(sys.argv[1])
