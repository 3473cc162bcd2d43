"""Ports: free ones are free, busy ones are told with the variable that chooses another."""

import socket
from collections.abc import Iterator

import pytest

from deploy.local.ports import FREE_RANGE, PortBusy, chosen_ports, free_ports, is_listening

SERVICES = ("console", "oversight")


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def free_defaults() -> dict[str, int]:
    return dict(zip(SERVICES, free_ports(2), strict=True))


def test_free_ports_differ_and_are_not_those_of_outgoing_connections() -> None:
    ports = free_ports(50)
    assert len(set(ports)) == 50
    assert all(port in FREE_RANGE for port in ports)
    assert not any(is_listening(port) for port in ports)


def test_variables_choose_ports_and_an_empty_one_chooses_nothing() -> None:
    console, oversight, chosen = free_ports(3)
    env = {"CONSOLE_PORT": str(chosen), "OVERSIGHT_PORT": ""}
    assert chosen_ports(env, {"console": console, "oversight": oversight}) == {
        "console": chosen,
        "oversight": oversight,
    }


def test_a_busy_port_names_its_variable(busy_port: int) -> None:
    with pytest.raises(PortBusy) as refusal:
        chosen_ports({"OVERSIGHT_PORT": str(busy_port)}, free_defaults())
    assert str(refusal.value) == f"port {busy_port} is busy; choose another with OVERSIGHT_PORT=…"


def test_a_port_busy_on_all_addresses_is_busy_here() -> None:
    with socket.socket() as server:
        server.bind(("", 0))
        server.listen()
        with pytest.raises(PortBusy, match="CONSOLE_PORT"):
            chosen_ports({"CONSOLE_PORT": str(server.getsockname()[1])}, free_defaults())


def test_one_port_for_two_services_is_refused() -> None:
    defaults = free_defaults()
    with pytest.raises(PortBusy, match=f"port {defaults['console']} is wanted twice; .* OVERSIGHT_PORT="):
        chosen_ports({"OVERSIGHT_PORT": str(defaults["console"])}, defaults)


@pytest.mark.parametrize("text", ["http", "0", "65536", "-1", "8000.0", "８０００x"])
def test_what_is_no_port_number_is_refused(text: str) -> None:
    with pytest.raises(PortBusy, match="CONSOLE_PORT must be a port number between 1 and 65535"):
        chosen_ports({"CONSOLE_PORT": text}, free_defaults())
