"""What the server that threads serve by leaves to the application."""

import threading

import httpx
import waitress.server
from flask import Flask, request
from werkzeug.middleware.proxy_fix import ProxyFix

from shared.web.serving import OPTIONS


def test_the_address_that_a_proxy_tells_reaches_the_application() -> None:
    app = Flask(__name__)
    app.add_url_rule("/", view_func=lambda: f"{request.scheme} {request.remote_addr}")
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)  # type: ignore[method-assign]
    server = waitress.server.create_server(app, host="127.0.0.1", port=0, **OPTIONS)
    serving = threading.Thread(target=server.run)
    serving.start()
    try:
        told = {"X-Forwarded-For": "198.51.100.7, 192.0.2.9", "X-Forwarded-Proto": "https"}
        url = f"http://127.0.0.1:{server.effective_port}/"
        assert httpx.get(url, headers=told, trust_env=False).text == "https 192.0.2.9"
    finally:
        server.close()
        serving.join()
