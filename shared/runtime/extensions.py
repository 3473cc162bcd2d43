"""nameko extensions: the batch entrypoint, the relay, timers and the HTTP server.

Each long-running thread catches what it can wait for; what it cannot is fatal, kills the container and so ends
the process with a clear line, and the supervisor starts it again.
"""

import socket
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import structlog
from eventlet import wsgi
from eventlet.event import Event as Result
from flask import Flask
from nameko.extensions import DependencyProvider, Entrypoint
from nameko.web.server import HttpOnlyProtocol, WebServer

from shared.messaging.consumer import BatchConsumer
from shared.messaging.delivery import DeadLetter, Delivery
from shared.runtime.timers import TimerLoop
from shared.service import Loop

SLOW_CLIENT_SECONDS = 30

log = structlog.get_logger(__name__)


class BatchEntrypoint(Entrypoint):
    """Fires the service method with a batch of deliveries; the method returns the dead ones."""

    def __init__(self, make_consumer: Callable[[Any], BatchConsumer], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._make_consumer = make_consumer
        self._consumer: BatchConsumer | None = None
        self._thread: Any = None

    def start(self) -> None:
        """Start consuming."""
        self._consumer = self._make_consumer(self)
        self._thread = self.container.spawn_managed_thread(self._consumer.run, identifier=self.method_name)

    def stop(self) -> None:
        """Finish and acknowledge the batch under way."""
        if self._consumer is not None:
            self._consumer.stop()
            self._thread.wait()

    def process(self, deliveries: Sequence[Delivery]) -> list[DeadLetter]:
        """Run the service method in a nameko worker and wait for it (the consumer's `Processor`)."""
        result = Result()
        self.container.spawn_worker(self, (deliveries,), {}, handle_result=partial(self._hand_over, result))
        dead: list[DeadLetter] = result.wait()
        return dead

    @staticmethod
    def _hand_over(result: Result, _context: Any, value: Any, exc_info: Any) -> tuple[Any, Any]:
        if exc_info is None:
            result.send(value)
        else:
            result.send_exception(*exc_info)
        return value, exc_info


class LoopProvider(DependencyProvider):
    """Runs a loop beside the service: the relay, the replayer."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._thread: Any = None

    def start(self) -> None:
        """Start it."""
        self._thread = self.container.spawn_managed_thread(self._loop.run, identifier=self.attr_name)

    def stop(self) -> None:
        """Finish what is under way."""
        self._loop.stop()
        self._thread.wait()

    def get_dependency(self, worker_ctx: Any) -> Loop:
        """The loop itself."""
        return self._loop


class TimerEntrypoint(Entrypoint):
    """Fires the service method whenever a timer's time has come."""

    def __init__(self, timer_loop: TimerLoop, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._loop = timer_loop
        self._thread: Any = None

    def start(self) -> None:
        """Start the loop."""
        self._thread = self.container.spawn_managed_thread(self._loop.run, identifier=self.method_name)

    def stop(self) -> None:
        """End after the run under way."""
        self._loop.stop()
        self._thread.wait()


class FlaskServer(WebServer):
    """nameko's web server with a Flask application in it."""

    app: Flask | None = None

    def get_wsgi_app(self) -> Any:
        """The application to serve (the hook that nameko documents)."""
        return self.app

    def get_wsgi_server(self, sock: Any, wsgi_app: Any, protocol: Any = HttpOnlyProtocol, debug: bool = False) -> Any:
        """An eventlet server that does not wait for slow clients for ever; the access log is our own."""
        # A long answer goes out in several writes, and the last one must not wait for the client to confirm the first.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return wsgi.Server(
            sock,
            sock.getsockname(),
            wsgi_app,
            protocol=protocol,
            debug=debug,
            log=_Silent(),
            log_output=False,
            socket_timeout=SLOW_CLIENT_SECONDS,
        )


class HttpApi(DependencyProvider):
    """Serves a Flask application at the address in nameko's configuration."""

    server = FlaskServer()

    def __init__(self, app: Flask) -> None:
        self._app = app

    def setup(self) -> None:
        """Hand the application to the server."""
        self.server.app = self._app
        self.server.register_provider(self)

    def stop(self) -> None:
        """Let the server stop."""
        self.server.unregister_provider(self)
        super().stop()


class _Silent:
    def write(self, _text: str) -> None:
        """eventlet's own lines say nothing that the access log does not."""

    def debug(self, *_args: Any) -> None:
        """See `write`."""

    info = error = warning = debug
