"""By what way the console itself reaches the provider, where the provider's public address leads nowhere from inside.

Browsers are always sent to the public address, and tokens always name it: only the console's own questions (discovery,
tokens, keys) take the other way.
"""

from collections.abc import Mapping
from typing import Any

from authlib.integrations.flask_client import FlaskOAuth2App

_OF_BROWSERS = ("authorization_endpoint", "end_session_endpoint")


def inward(metadata: Mapping[str, Any], issuer: str, backchannel: str) -> dict[str, Any]:
    """A provider's addresses as we ask them: what begins with its issuer begins with ``backchannel`` instead."""

    def way(name: str, value: Any) -> Any:
        is_asked = name.endswith(("_endpoint", "_uri")) and name not in _OF_BROWSERS
        is_below = isinstance(value, str) and value.startswith(f"{issuer}/")
        return backchannel + value.removeprefix(issuer) if is_asked and is_below else value

    return {name: way(name, value) for name, value in metadata.items()}


def reached_by(issuer: str, backchannel: str) -> type[FlaskOAuth2App]:
    """Authlib's client of a provider that is asked by another way than browsers take."""

    class Inward(FlaskOAuth2App):  # type: ignore[misc]
        def load_server_metadata(self) -> dict[str, Any]:
            found: dict[str, Any] = super().load_server_metadata()
            found.update(inward(found, issuer, backchannel))
            return found

    return Inward
