"""Tokens of other issuers: keys that are asked for over the network, other algorithms, other names of claims."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from shared.kernel.clock import FixedClock
from shared.web.keys import ASK_AGAIN_SECONDS, STALE_SECONDS, KeysAway, RemoteKeys, discovery_url
from shared.web.principal import Principal, Role
from shared.web.tokens import Expected, InvalidToken, TokenVerifier

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
URL = "https://id.example/realms/city"
KEY, NEXT_KEY = (OKPKey.generate_key("Ed25519", auto_kid=True) for _ in range(2))
RSA = RSAKey.generate_key(2048, auto_kid=True)
OFFICER = Principal("u-1", Role.COMMUNITY_OFFICER, "office-1", "430802")
EXPECTED = Expected(URL, "baton", role="realm_access.roles", organisation="organisation", division="https://baton/div")


class Provider:
    """An issuer's addresses, as somebody asks for them. ``seconds`` is the time."""

    def __init__(self, *keys: Any) -> None:
        self.keys = list(keys)
        self.asked: list[str] = []
        self.is_away = False
        self.seconds = 0.0

    def fetch(self, url: str) -> Any:
        self.asked.append(url)
        if self.is_away:
            raise httpx.ConnectError("away")
        if url == discovery_url(URL):
            return {"issuer": URL, "jwks_uri": f"{URL}/certs"}
        return {"keys": [key.as_dict(private=False) for key in self.keys]}

    def verifier(self, url: str = f"{URL}/certs") -> TokenVerifier:
        source = RemoteKeys(url, self.fetch, lambda: self.seconds)
        return TokenVerifier(source, FixedClock(NOON), EXPECTED)


def signed(key: Any = KEY, alg: str = "Ed25519", **changed: Any) -> str:
    claims = {
        "iss": URL,
        "aud": ["account", "baton"],
        "sub": "u-1",
        "realm_access": {"roles": ["offline_access", "community_officer"]},
        "organisation": "office-1",
        "https://baton/div": "430802",
        "exp": int(NOON.timestamp()) + 60,
    } | changed
    return jwt.encode({"alg": alg, "kid": key.kid}, claims, key, algorithms=[alg])


def test_the_keys_are_found_through_discovery_and_asked_for_once() -> None:
    provider = Provider(KEY)
    verifier = provider.verifier(discovery_url(URL))
    assert [verifier.verify(signed(exp=int(NOON.timestamp()) + life)) for life in (60, 61)] == [OFFICER] * 2
    assert provider.asked == [discovery_url(URL), f"{URL}/certs"]


def test_a_key_that_is_not_known_is_asked_for_but_only_so_often() -> None:
    provider = Provider(KEY)
    verifier = provider.verifier()
    verifier.verify(signed())
    provider.keys = [NEXT_KEY, KEY]
    for _ in range(3):
        with pytest.raises(InvalidToken):
            verifier.verify(signed(NEXT_KEY))
    assert len(provider.asked) == 1
    provider.seconds += ASK_AGAIN_SECONDS
    assert verifier.verify(signed(NEXT_KEY)) == OFFICER
    assert verifier.verify(signed()) == OFFICER
    assert len(provider.asked) == 2


def test_a_key_that_was_taken_away_is_soon_not_taken_any_more() -> None:
    provider = Provider(NEXT_KEY, KEY)
    verifier = provider.verifier()
    assert verifier.verify(signed()) == OFFICER
    provider.keys = [NEXT_KEY]
    provider.seconds += STALE_SECONDS
    with pytest.raises(InvalidToken):
        verifier.verify(signed())


def test_while_the_issuer_is_away_its_known_keys_stay_good() -> None:
    provider = Provider(KEY)
    verifier = provider.verifier()
    verifier.verify(signed())
    provider.is_away = True
    provider.seconds += STALE_SECONDS
    assert verifier.verify(signed()) == OFFICER
    with pytest.raises(InvalidToken):
        verifier.verify(signed(NEXT_KEY))


def test_without_any_key_nothing_is_said_of_a_token_and_the_issuer_is_not_stormed() -> None:
    provider = Provider(KEY)
    provider.is_away = True
    verifier = provider.verifier()
    for _ in range(3):
        with pytest.raises(KeysAway):
            verifier.verify(signed())
    assert len(provider.asked) == 1
    provider.is_away = False
    provider.seconds += ASK_AGAIN_SECONDS
    assert verifier.verify(signed()) == OFFICER


@pytest.mark.parametrize("found", [{}, [], "text", {"keys": "none"}, {"jwks_uri": 1}])
def test_an_answer_that_holds_no_keys_is_an_issuer_that_is_away(found: Any) -> None:
    verifier = TokenVerifier(RemoteKeys(URL, lambda _url: found), FixedClock(NOON), EXPECTED)
    with pytest.raises(KeysAway):
        verifier.verify(signed())


@pytest.mark.parametrize(
    ("key", "alg"),
    [
        (RSA, "RS256"),
        (RSA, "PS256"),
        (ECKey.generate_key("P-256", auto_kid=True), "ES256"),
        (ECKey.generate_key("P-384", auto_kid=True), "ES384"),
        (KEY, "Ed25519"),
    ],
)
def test_what_other_providers_sign_with_is_accepted(key: Any, alg: str) -> None:
    assert Provider(key).verifier().verify(signed(key, alg)) == OFFICER


def test_a_shared_secret_is_never_a_key_even_where_the_issuer_lists_it() -> None:
    secret = OctKey.generate_key(256, auto_kid=True)
    provider = Provider(KEY)
    verifier = TokenVerifier(
        RemoteKeys(URL, lambda _url: {"keys": [secret.as_dict(private=True), KEY.as_dict(private=False)]}),
        FixedClock(NOON),
        EXPECTED,
    )
    with pytest.raises(InvalidToken):
        verifier.verify(signed(secret, "HS256"))
    assert provider.verifier().verify(signed()) == OFFICER


def test_a_key_for_encryption_signs_nothing() -> None:
    encrypting = RSAKey.import_key({**RSA.as_dict(private=True), "use": "enc"})
    with pytest.raises(InvalidToken):
        Provider(KEY, encrypting).verifier().verify(signed(RSA, "RS256"))


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": ["account"]},
        {"aud": "baton-services"},
        {"iss": f"{URL}/"},
        {"realm_access": {"roles": ["offline_access"]}},
        {"realm_access": {"roles": []}},
        {"realm_access": {"roles": ["*"]}},
        {"realm_access": "community_officer"},
        {"realm_access": {}},
        {"organisation": None},
        {"organisation": ["office-1"]},
        {"https://baton/div": 430802},
    ],
)
def test_claims_are_read_by_the_names_that_were_configured(changed: dict[str, Any]) -> None:
    with pytest.raises(InvalidToken):
        Provider(KEY).verifier().verify(signed(**changed))
