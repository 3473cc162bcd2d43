"""How an application is served by threads: what is no nameko service, the console and the provider, is.

Whose word about the address of a request counts is the application's to say (its number of proxies); left to itself,
the server would take every such word away before the application sees it.
"""

from typing import Any

import waitress
from flask import Flask

THREADS = 8
OPTIONS: dict[str, Any] = {"threads": THREADS, "ident": None, "clear_untrusted_proxy_headers": False}


def serve(app: Flask, host: str, port: int) -> None:
    """Until a signal ends the process."""
    waitress.serve(app, host=host, port=port, **OPTIONS)
