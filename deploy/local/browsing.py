"""Signing in as a browser does: the provider's page, its form, and back with a code that is changed for a token.

The code flow with PKCE of a program on somebody's own machine (RFC 8252). It ends at the provider's redirect, which
nobody follows: the code is in its address.
"""

import html
import re
import secrets
import ssl
from base64 import urlsafe_b64encode
from hashlib import sha256
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from deploy.local.accounts import COMMAND_LINE, COMMAND_LINE_ADDRESS

AWAY = (502, 503, 504)  # what a front door says for a provider that does not answer, or one without its database
_CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')


class SignInFailed(Exception):
    """The provider did not give a code; the text says what it answered."""


class ProviderAway(SignInFailed):
    """The provider does not answer, or says that it cannot now."""


def token_of_person(provider: str, username: str, password: str, trusted: ssl.SSLContext | None = None) -> str:
    """An access token for somebody who has an account at the provider.

    Raises: SignInFailed, of which ProviderAway is worth another try.
    """
    try:
        return _token_of_person(provider, username, password, trusted)
    except httpx.TransportError as error:
        raise ProviderAway(f"no answer: {error}") from error


def _token_of_person(provider: str, username: str, password: str, trusted: ssl.SSLContext | None) -> str:
    verifier = secrets.token_urlsafe(48)
    address = f"{provider}/authorize?{urlencode(_asked(verifier))}"
    with httpx.Client(
        timeout=30, trust_env=False, verify=trusted or True, event_hooks={"response": [_look]}
    ) as browser:
        page = browser.get(address)
        form = {"csrf_token": csrf_token(page), "username": username, "password": password}
        code = _code(browser.post(address, data=form))
        answer = browser.post(
            f"{provider}/token",
            data={
                "grant_type": "authorization_code",
                "client_id": COMMAND_LINE,
                "redirect_uri": COMMAND_LINE_ADDRESS,
                "code": code,
                "code_verifier": verifier,
            },
        )
    if not answer.is_success:
        raise SignInFailed(f"no token: {answer.status_code} {answer.text[:200]}")
    return str(answer.json()["access_token"])


def _look(answer: httpx.Response) -> None:
    if answer.status_code in AWAY:
        raise ProviderAway(f"not now: {answer.status_code}")


def _asked(verifier: str) -> dict[str, str]:
    challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
    return {
        "response_type": "code",
        "client_id": COMMAND_LINE,
        "redirect_uri": COMMAND_LINE_ADDRESS,
        "scope": "openid",
        "nonce": secrets.token_urlsafe(16),
        "state": secrets.token_urlsafe(16),
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }


def csrf_token(page: httpx.Response) -> str:
    """What a form of the provider's page sends back.

    Raises: SignInFailed.
    """
    found = _CSRF.search(page.text)
    if found is None:
        raise SignInFailed(f"no form to sign in: {page.status_code}")
    return html.unescape(found[1])


def _code(answer: httpx.Response) -> str:
    sent_to: str = answer.headers.get("Location", "")
    codes = parse_qs(urlsplit(sent_to).query).get("code")
    if not codes:
        raise SignInFailed(f"not signed in: {answer.status_code}")
    return str(codes[0])
