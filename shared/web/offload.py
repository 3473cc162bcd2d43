"""Long computations, which must not stop everything else in the process."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from flask import Flask, current_app

T = TypeVar("T")
Offload = Callable[[Callable[[], Any]], Any]
_KEY = "baton_offload"


def install(app: Flask, offload: Offload) -> None:
    """Say how the host runs long computations: beside its green threads, or simply so."""
    app.extensions[_KEY] = offload


def offloaded(compute: Callable[[], T]) -> T:
    """The result of a long computation that touches no database and no request, run where it stops nobody."""
    return cast(T, current_app.extensions[_KEY](compute))
