"""The application behind the server that services use: bodies as they come over a real connection."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).parents[2]
DEADLINE_SECONDS = 20


@dataclass
class Server:
    """A process that serves the notebook."""

    port: int
    token: str

    def headers(self, key: str = "key-1") -> dict[str, str]:
        authorization = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": key}
        return authorization | {"Content-Type": "application/json"}

    def post(self, content: Any, key: str = "key-1") -> httpx.Response:
        url = f"http://127.0.0.1:{self.port}/notes"
        return httpx.post(url, content=content, headers=self.headers(key), timeout=DEADLINE_SECONDS)

    def raw(self, head: str, body: bytes = b"", *, end: bool = False) -> bytes:
        """Whatever is answered to raw bytes; with ``end`` the sender stops sending after them."""
        with socket.create_connection(("127.0.0.1", self.port), DEADLINE_SECONDS) as connection:
            lines = [head, "Host: test", "Connection: close"]
            lines += [f"{name}: {value}" for name, value in self.headers().items()]
            connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
            if end:
                connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    url = f"sqlite:///{tmp_path_factory.mktemp('server')}/notebook.sqlite3"
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.notebook_server", url],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            port, token = process.stdout.readline().split()
            yield Server(int(port), token)
        finally:
            process.stdin.close()
            process.wait(DEADLINE_SECONDS)


def problem(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["Content-Type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


def status_and_code(answer: bytes) -> tuple[int, str]:
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["code"]


def test_a_note_is_written_and_a_repetition_replayed(server: Server) -> None:
    first = server.post(b'{"text": "a"}', "a")
    second = server.post(b'{"text": "a"}', "a")
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert first.content == second.content


def test_a_body_in_chunks_is_read(server: Server) -> None:
    assert server.post(iter([b'{"te', b'xt": "in ', b'chunks"}']), "chunks").json()["text"] == "in chunks"


def test_ten_megabytes_are_too_large(server: Server) -> None:
    assert problem(server.post(b'{"text": "' + b"a" * 10_000_000 + b'"}')) == (413, "body.too_large")


def test_ten_megabytes_in_chunks_are_too_large_too(server: Server) -> None:
    chunks = (b"a" * 100_000 for _ in range(100))
    assert problem(server.post(chunks)) == (413, "body.too_large")


def test_a_body_of_just_the_limit_in_chunks_is_read_whole(server: Server) -> None:
    limit = 1024 * 1024
    body = b'{"text": "limit"' + b" " * (limit - 17) + b"}"
    assert len(body) == limit
    assert server.post(iter([body]), "limit").status_code == 201


def test_an_empty_body_in_chunks_is_no_body(server: Server) -> None:
    assert problem(server.post(iter([b""]))) == (422, "validation.failed")


@pytest.mark.parametrize("chunk", [b"zz\r\n{}\r\n0\r\n\r\n", b"5\r\n{}"])
def test_wrong_chunks_are_the_senders_fault(server: Server, chunk: bytes) -> None:
    answer = server.raw("POST /notes HTTP/1.1\r\nTransfer-Encoding: chunked", chunk, end=True)
    assert status_and_code(answer) == (400, "body.unreadable")


def test_a_body_that_breaks_off_is_the_senders_fault(server: Server) -> None:
    answer = server.raw("POST /notes HTTP/1.1\r\nContent-Length: 100", b'{"text": "a"}', end=True)
    assert status_and_code(answer) == (400, "body.unreadable")


def test_a_request_that_is_none_does_not_end_the_server(server: Server) -> None:
    server.raw("\x16\x03\x01 nonsense")
    assert httpx.get(f"http://127.0.0.1:{server.port}/health/live").status_code == 200
