"""Tokens: who signed, for whom, until when; and changing keys without a break."""

import base64
import json
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

from shared.kernel.clock import FixedClock
from shared.web.principal import Principal, Role
from shared.web.tokens import (
    AUDIENCE,
    CLOCKS_DIFFER_BY,
    ISSUER,
    LIFETIME,
    InvalidToken,
    TokenIssuer,
    TokenVerifier,
    create_keys,
    rotate_keys,
)

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
OFFICER = Principal("officer-1", Role.COMMUNITY_OFFICER, "office-1", "430802")
KEY = OKPKey.generate_key("Ed25519", auto_kid=True)
OTHER_KEY = OKPKey.generate_key("Ed25519", auto_kid=True)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON)


@pytest.fixture
def issuer(clock: FixedClock) -> TokenIssuer:
    return TokenIssuer(KEY.as_dict(private=True), clock)


@pytest.fixture
def verifier(clock: FixedClock) -> TokenVerifier:
    return TokenVerifier({"keys": [KEY.as_dict(private=False)]}, clock)


def signed(key: Any = KEY, header: dict[str, Any] | None = None, **changed: Any) -> str:
    """A token with some claims changed, or left out where the change is None."""
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "officer-1",
        "role": "community_officer",
        "org": "office-1",
        "div": "430802",
        "iat": int(NOON.timestamp()),
        "exp": int(NOON.timestamp()) + 60,
    } | changed
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": "Ed25519", "kid": key.kid} | (header or {}), claims, key, algorithms=["Ed25519"])


def unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part(header)}.{part(claims)}."


def test_a_token_speaks_for_the_principal_it_was_issued_to(issuer: TokenIssuer, verifier: TokenVerifier) -> None:
    token = issuer.issue(OFFICER)
    assert verifier.verify(token) == OFFICER
    assert verifier.verify(token) == OFFICER
    assert verifier.verify(signed()) == OFFICER


@pytest.mark.parametrize(
    ("role", "area", "fits"),
    [
        ("county_supervisor", "", False),
        ("county_supervisor", "43", False),
        ("county_supervisor", "430802", True),
        ("township_supervisor", "", False),
        ("township_supervisor", "430802001", True),
        ("station_officer", "", False),
        ("city_supervisor", "4308", True),
        ("centre_clerk", "", True),
    ],
)
def test_nobody_gets_a_larger_area_by_leaving_the_code_out(
    verifier: TokenVerifier, role: str, area: str, fits: bool
) -> None:
    token = signed(role=role, div=area)
    if fits:
        assert verifier.verify(token).division == area
    else:
        with pytest.raises(InvalidToken):
            verifier.verify(token)


@pytest.mark.parametrize("remembered", [True, False])
def test_a_token_ends_with_its_lifetime(
    issuer: TokenIssuer, verifier: TokenVerifier, clock: FixedClock, remembered: bool
) -> None:
    token = issuer.issue(OFFICER)
    if remembered:
        verifier.verify(token)
    clock.advance(LIFETIME - timedelta(seconds=1))
    assert verifier.verify(token) == OFFICER
    clock.advance(CLOCKS_DIFFER_BY + timedelta(seconds=1))
    with pytest.raises(InvalidToken, match="expired"):
        verifier.verify(token)


def test_a_clock_that_is_a_little_behind_does_not_matter(verifier: TokenVerifier) -> None:
    assert verifier.verify(signed(iat=int(NOON.timestamp()) + 4)) == OFFICER
    with pytest.raises(InvalidToken):
        verifier.verify(signed(iat=int(NOON.timestamp()) + 60))


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "another-system"},
        {"aud": None},
        {"iss": "somebody"},
        {"iss": None},
        {"exp": None},
        {"exp": "tomorrow"},
        {"sub": None},
        {"sub": ""},
        {"role": None},
        {"role": "king"},
        {"role": "*"},
        {"org": None},
        {"div": None},
        {"nbf": int(NOON.timestamp()) + 3600},
    ],
)
def test_a_wrong_or_missing_claim_is_refused(verifier: TokenVerifier, changed: dict[str, Any]) -> None:
    with pytest.raises(InvalidToken):
        verifier.verify(signed(**changed))


def test_a_key_that_is_not_known_is_refused(verifier: TokenVerifier) -> None:
    with pytest.raises(InvalidToken):
        verifier.verify(signed(OTHER_KEY))


def test_a_known_key_id_with_another_key_is_refused(verifier: TokenVerifier) -> None:
    with pytest.raises(InvalidToken):
        verifier.verify(signed(OTHER_KEY, {"kid": KEY.kid}))


def test_a_changed_token_is_refused(verifier: TokenVerifier) -> None:
    header, claims, signature = signed().split(".")
    changed = json.loads(base64.urlsafe_b64decode(claims + "==")) | {"role": "operator"}
    forged = base64.urlsafe_b64encode(json.dumps(changed).encode()).decode().rstrip("=")
    with pytest.raises(InvalidToken):
        verifier.verify(f"{header}.{forged}.{signature}")


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "", None])
def test_a_token_without_signature_is_refused(verifier: TokenVerifier, alg: str | None) -> None:
    claims = json.loads(base64.urlsafe_b64decode(signed().split(".")[1] + "=="))
    with pytest.raises(InvalidToken):
        verifier.verify(unsigned({"alg": alg, "kid": KEY.kid}, claims))


def test_the_public_key_used_as_a_shared_secret_is_refused(verifier: TokenVerifier) -> None:
    secret = OctKey.import_key(str(KEY.as_dict(private=False)["x"]))
    claims = json.loads(base64.urlsafe_b64decode(signed().split(".")[1] + "=="))
    token = jwt.encode({"alg": "HS256", "kid": KEY.kid}, claims, secret, algorithms=["HS256"])
    with pytest.raises(InvalidToken):
        verifier.verify(token)


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "é.é.é", "x" * 10_000, "\0", "a.b.c.d.e"])
def test_what_is_no_token_is_refused_without_being_repeated(verifier: TokenVerifier, token: str) -> None:
    with pytest.raises(InvalidToken) as refusal:
        verifier.verify(token)
    assert len(str(refusal.value)) < 100


def test_keys_are_made_once_and_the_private_one_is_for_its_owner_only(tmp_path: Path) -> None:
    private, public = tmp_path / "keys" / "private.json", tmp_path / "keys" / "public.json"
    create_keys(private, public)
    made = private.read_text()
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert "d" in json.loads(made)
    assert all("d" not in key for key in json.loads(public.read_text())["keys"])
    public.unlink()
    create_keys(private, public)
    assert private.read_text() == made
    token = TokenIssuer.from_file(private).issue(OFFICER)
    assert TokenVerifier.from_file(public).verify(token) == OFFICER


def test_a_new_key_is_used_without_a_break_and_an_old_one_leaves(tmp_path: Path) -> None:
    private, public = tmp_path / "private.json", tmp_path / "public.json"
    create_keys(private, public)
    verifier = TokenVerifier.from_file(public)
    tokens = [TokenIssuer.from_file(private).issue(OFFICER)]
    for turn in (1, 2):
        rotate_keys(private, public)
        os.utime(public, ns=(turn, turn))  # a file system may not tell two writes of one moment apart
        tokens.append(TokenIssuer.from_file(private).issue(OFFICER))
        assert verifier.verify(tokens[-1]) == OFFICER
        assert verifier.verify(tokens[-2]) == OFFICER
    with pytest.raises(InvalidToken):
        verifier.verify(tokens[0])


def test_an_unknown_key_id_does_not_make_it_read_an_unchanged_file(tmp_path: Path) -> None:
    private, public = tmp_path / "private.json", tmp_path / "public.json"
    create_keys(private, public)
    verifier = TokenVerifier.from_file(public)
    when = public.stat().st_mtime_ns
    public.write_text("not JSON any more")
    os.utime(public, ns=(when, when))
    with pytest.raises(InvalidToken):
        verifier.verify(signed(OTHER_KEY))


def test_a_key_file_in_the_middle_of_being_lost_ends_no_request_with_a_fault(tmp_path: Path) -> None:
    private, public = tmp_path / "private.json", tmp_path / "public.json"
    create_keys(private, public)
    verifier = TokenVerifier.from_file(public)
    public.unlink()
    with pytest.raises(InvalidToken):
        verifier.verify(signed(OTHER_KEY))


def test_only_so_many_tokens_are_remembered(issuer: TokenIssuer, verifier: TokenVerifier) -> None:
    for number in range(1005):
        verifier.verify(issuer.issue(Principal(str(number), Role.AUDITOR, "o")))
    assert len(verifier._verified) == 1000


@pytest.mark.parametrize(
    ("area", "place", "covered"),
    [
        ("430802", "430802001", True),
        ("430802", "430802", True),
        ("430802", "430821", False),
        ("430802", None, False),
        ("", "430821", True),
        ("", None, True),
    ],
)
def test_an_area_covers_what_lies_in_it(area: str, place: str | None, covered: bool) -> None:
    assert Principal("s", Role.COUNTY_SUPERVISOR, "o", area).covers(place) is covered
