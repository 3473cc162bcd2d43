"""The faulty network does what it says, and nothing when it is healthy."""

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.faults.link import DOWN, UP
from tests.faults.proxy import Network, Proxy
from tests.support.messaging import wait_until

DEADLINE = 10.0


@dataclass
class Echo:
    """A server that says back what it hears, and remembers it."""

    listening: socket.socket
    heard: bytearray

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.listening.getsockname()[1])

    def serve(self) -> None:
        """Accept until closed."""
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(65536):
                    self.heard += data
                    connection.sendall(data)
            except OSError:
                return


@pytest.fixture
def echo() -> Iterator[Echo]:
    """A running echo server."""
    server = Echo(socket.create_server(("127.0.0.1", 0)), bytearray())
    threading.Thread(target=server.serve, daemon=True).start()
    yield server
    server.listening.close()


@pytest.fixture
def proxy(echo: Echo) -> Iterator[Proxy]:
    """A way to the echo server."""
    with Network() as network:
        yield network.proxy(echo.port)


def connect(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=DEADLINE)


def ask(client: socket.socket, data: bytes) -> bytes:
    client.sendall(data)
    said = b""
    while len(said) < len(data):
        piece = client.recv(65536)
        if not piece:
            break
        said += piece
    return said


def is_broken(client: socket.socket) -> bool:
    """Whether the other side has ended this connection."""
    client.settimeout(DEADLINE)
    try:
        client.sendall(b"?")
        return client.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def is_let_in(proxy: Proxy) -> bool:
    """Whether somebody who comes now gets through."""
    try:
        with connect(proxy) as client:
            return not is_broken(client)
    except OSError:
        return False


def test_a_healthy_way_hands_on_everything_in_order(proxy: Proxy) -> None:
    data = bytes(range(256)) * 8192  # 2 MB, more than any buffer on the way
    with connect(proxy) as client:
        said: list[bytes] = []
        reader = threading.Thread(target=lambda: said.append(ask_only_read(client, len(data))))
        reader.start()
        client.sendall(data)
        reader.join(DEADLINE)
    assert said == [data]


def ask_only_read(client: socket.socket, size: int) -> bytes:
    said = bytearray()
    while len(said) < size:
        said += client.recv(65536)
    return bytes(said)


def test_an_end_is_handed_on(proxy: Proxy) -> None:
    with connect(proxy) as client:
        assert ask(client, b"hello") == b"hello"
        assert proxy.connections == 1
    wait_until(lambda: proxy.connections == 0, "the connection is over", DEADLINE)


def test_a_cut_breaks_what_is_open_and_lets_nobody_through(proxy: Proxy, echo: Echo) -> None:
    with connect(proxy) as client:
        assert ask(client, b"before") == b"before"
        proxy.cut()
        assert is_broken(client)
    assert not is_let_in(proxy)
    proxy.heal()
    with connect(proxy) as client:
        assert ask(client, b"after") == b"after"
    assert bytes(echo.heard) == b"beforeafter"


def test_a_reset_breaks_what_is_open_only(proxy: Proxy) -> None:
    with connect(proxy) as first:
        assert ask(first, b"1") == b"1"
        proxy.reset()
        assert is_broken(first)
    with connect(proxy) as second:
        assert ask(second, b"2") == b"2"


def test_a_delay_holds_back_both_ways_and_ends_when_healed(proxy: Proxy) -> None:
    with connect(proxy) as client:
        proxy.slow(0.1)
        began = time.monotonic()
        assert ask(client, b"slow") == b"slow"
        assert time.monotonic() - began >= 0.2
        proxy.heal()
        began = time.monotonic()
        assert ask(client, b"fast") == b"fast"
        assert time.monotonic() - began < 0.1


def test_what_was_slow_still_comes_before_what_is_fast(proxy: Proxy) -> None:
    with connect(proxy) as client:
        assert ask(client, b"-") == b"-"
        proxy.slow(0.3)
        client.sendall(b"first")
        wait_until(lambda: proxy.carried >= 1 + len(b"first"), "the proxy has it", DEADLINE)
        proxy.heal()
        client.sendall(b"second")
        assert ask_only_read(client, len(b"firstsecond")) == b"firstsecond"


@pytest.mark.parametrize("directions", [(UP,), (DOWN,), (UP, DOWN)])
def test_a_frozen_way_tells_nobody_and_loses_nothing(proxy: Proxy, echo: Echo, directions: tuple[str, ...]) -> None:
    with connect(proxy) as client:
        assert ask(client, b"before") == b"before"
        proxy.freeze(*directions)
        client.sendall(b"meanwhile")
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.recv(1)
        assert (bytes(echo.heard) == b"beforemeanwhile") == (UP not in directions)
        proxy.heal()
        client.settimeout(DEADLINE)
        assert ask(client, b"") == b""
        assert ask_only_read(client, len(b"meanwhile")) == b"meanwhile"


def test_what_was_frozen_is_lost_when_its_end_is_a_reset(proxy: Proxy, echo: Echo) -> None:
    with connect(proxy) as client:
        proxy.freeze(UP)
        client.sendall(b"never")
        proxy.heal(reset=True)
        assert is_broken(client)
    assert bytes(echo.heard) == b""


def test_a_connection_begun_while_frozen_gets_through_afterwards(proxy: Proxy) -> None:
    proxy.freeze(UP, DOWN)
    with connect(proxy) as client:
        client.sendall(b"late")
        proxy.heal()
        assert ask_only_read(client, 4) == b"late"


def test_a_torn_way_carries_half_and_then_ends(proxy: Proxy, echo: Echo) -> None:
    with connect(proxy) as client:
        assert ask(client, b"-") == b"-"
        proxy.tear(UP)
        client.sendall(b"12345678")
        assert is_broken(client)
    wait_until(lambda: bytes(echo.heard) == b"-1234", "half of it arrived", DEADLINE)
    with connect(proxy) as client:
        proxy.tear(DOWN)
        client.sendall(b"12345678")
        assert client.recv(100) == b"1234"
        assert is_broken(client)
    with connect(proxy) as client:
        assert ask(client, b"whole") == b"whole"


def test_a_server_that_is_away_breaks_its_clients_and_is_found_again(echo: Echo) -> None:
    place = socket.create_server(("127.0.0.1", 0))
    port = place.getsockname()[1]
    place.close()
    with Network() as network:
        proxy = network.proxy(port)
        assert not is_let_in(proxy)
        back = Echo(socket.create_server(("127.0.0.1", port)), bytearray())
        threading.Thread(target=back.serve, daemon=True).start()
        with connect(proxy) as client:
            assert ask(client, b"again") == b"again"
        back.listening.close()
