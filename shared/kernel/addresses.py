"""Addresses of the network, as far as they tell one client from another."""

from ipaddress import ip_address, ip_network


def network_of(address: str) -> str:
    """What an address counts as: an IPv6 address is one of very many that its owner has, so the network counts."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(ip_network(f"{parsed}/64", strict=False)) if parsed.version == 6 else str(parsed)
