"""identity: who gets which tokens, for what, how often; and what happens with everything that is not right."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from authlib.oidc.discovery import OpenIDProviderMetadata
from authlib.oidc.rpinitiated import OpenIDProviderMetadata as LogoutMetadata
from joserfc import jwt
from joserfc.jwk import KeySet

from services.identity.grants import REFRESH_LIFETIME
from services.identity.provider import CODE_LIFETIME, IDLE_LIMIT, SESSION_LIMIT
from services.identity.service import SERVICE, forget
from services.identity.store import codes, failures, refresh_tokens, sign_ins
from shared.audit.sealing import seal_more
from shared.storage.migrations import differences
from shared.web.access import undeclared_routes
from shared.web.principal import Principal, Role
from shared.web.tokens import InvalidToken, rotate_keys
from tests.support.provider import (
    CONSOLE,
    ISSUER,
    PASSWORD,
    SECRET,
    VERIFIER,
    ProviderUnderTest,
    code_in,
    csrf_token,
    provider_under_test,
)

OFFICER = Principal("officer", Role.COMMUNITY_OFFICER, "office-1", "430802001")
STATION = Principal("station-system", Role.STATION_OFFICER, "station-1", "430802")
CODE = {"grant_type": "authorization_code", "redirect_uri": f"{CONSOLE}/signed-in", "code_verifier": VERIFIER}


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[ProviderUnderTest]:
    with provider_under_test(tmp_path / "identity", f"sqlite:///{tmp_path / 'identity.sqlite3'}") as opened:
        yield opened


@pytest.fixture
def stored(tmp_path: Path, database_url: str) -> Iterator[ProviderUnderTest]:
    """The same on each database, for what depends on it."""
    with provider_under_test(tmp_path / "identity", database_url) as opened:
        yield opened


def refreshed(provider: ProviderUnderTest, token: str, **changed: Any) -> Any:
    return provider.token(**{"grant_type": "refresh_token", "refresh_token": token} | changed)


# What programs find.


def test_it_says_what_it_can_do_and_every_address_it_names_is_there(provider: ProviderUnderTest) -> None:
    http = provider.app.test_client()
    found = http.get("/.well-known/openid-configuration").get_json()
    relaxed = found | {name: f"https{found[name][4:]}" for name in found if str(found[name]).startswith("http:")}
    # The standard wants RS256 offered to everybody; we sign with nothing but Ed25519.
    relaxed["id_token_signing_alg_values_supported"] = [*found["id_token_signing_alg_values_supported"], "RS256"]
    OpenIDProviderMetadata(relaxed).validate(metadata_classes=[LogoutMetadata])
    assert found["issuer"] == ISSUER
    assert set(found["grant_types_supported"]) == {"authorization_code", "refresh_token", "client_credentials"}
    for name in ("authorization_endpoint", "token_endpoint", "revocation_endpoint", "end_session_endpoint", "jwks_uri"):
        path = found[name].removeprefix(ISSUER)
        assert any(rule.rule == path for rule in provider.app.url_map.iter_rules()), name


def test_every_route_says_who_may_use_it(provider: ProviderUnderTest) -> None:
    assert undeclared_routes(provider.app) == []


def test_the_migrated_schema_is_that_of_the_code(stored: ProviderUnderTest) -> None:
    assert differences(stored.storage.engine, SERVICE.name) == []


# Machines.


def test_a_machine_gets_a_token_of_its_own(provider: ProviderUnderTest) -> None:
    answer = provider.token(auth=("station-system", PASSWORD), grant_type="client_credentials")
    assert answer.status_code == 200
    assert "refresh_token" not in answer.get_json()
    assert answer.get_json()["expires_in"] == 900
    assert provider.verifier().verify(answer.get_json()["access_token"]) == STATION
    assert provider.audit() == [("station-system", "token.issued", None)]


def test_a_machine_may_send_its_secret_in_the_form(provider: ProviderUnderTest) -> None:
    form = {"grant_type": "client_credentials", "client_id": "station-system", "client_secret": PASSWORD}
    assert provider.token(auth=None, **form).status_code == 200


@pytest.mark.parametrize(
    ("auth", "status", "error"),
    [
        (("station-system", "wrong"), 401, "invalid_client"),
        (("nobody", PASSWORD), 401, "invalid_client"),
        (("officer", PASSWORD), 401, "invalid_client"),  # a person is no client
        (None, 401, "invalid_client"),
        (("console", SECRET), 400, "unauthorized_client"),
        (("command-line", ""), 401, "invalid_client"),
    ],
)
def test_nobody_else_gets_a_token_by_client_credentials(
    provider: ProviderUnderTest, auth: tuple[str, str] | None, status: int, error: str
) -> None:
    answer = provider.token(auth=auth, grant_type="client_credentials")
    assert (answer.status_code, answer.get_json()["error"]) == (status, error)
    assert "access_token" not in answer.get_json()


def test_what_is_no_credential_at_all_is_refused(provider: ProviderUnderTest) -> None:
    for header in ("Basic", "Basic ****", "Basic /////w==", "Bearer x", "Basic Og=="):
        answer = provider.app.test_client().post(
            "/token", data={"grant_type": "client_credentials"}, headers={"Authorization": header}
        )
        assert answer.status_code == 401, header


def test_there_is_no_password_grant(provider: ProviderUnderTest) -> None:
    answer = provider.token(grant_type="password", username="officer", password=PASSWORD)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "unsupported_grant_type")


def test_odd_input_is_refused_and_never_a_fault(stored: ProviderUnderTest) -> None:
    for odd in ('"é\\中文', "\0", "x" * 5000):
        assert {odd: [status for status in statuses_of(stored, odd) if status >= 500]} == {odd: []}


def statuses_of(provider: ProviderUnderTest, odd: str) -> list[int]:
    """What everything answers that something odd can be sent to."""
    browser = provider.browser()
    browser.enter()  # so that everything is kept that can be
    http = browser.http
    refresh = {"grant_type": "refresh_token", "refresh_token": odd}
    answers = [
        http.get(f"/authorize?{urlencode(dict.fromkeys(('response_type', 'client_id', 'scope', 'prompt'), odd))}"),
        *(browser.open(**{name: odd}) for name in ("response_type", "client_id", "redirect_uri", "code_challenge")),
        *(browser.open(**{name: odd}) for name in ("scope", "prompt", "max_age", "ui_locales", "state", "nonce")),
        provider.token(grant_type=odd),
        provider.token(**refresh),
        provider.token(**{**refresh, "scope": odd}),
        provider.token(**{**CODE, "code": odd}),
        provider.token(auth=(odd, odd), grant_type="client_credentials"),
        provider.token(auth=None, grant_type="client_credentials", client_id=odd, client_secret=odd),
        http.post("/revoke", data={"token": odd, "token_type_hint": odd}, auth=("console", SECRET)),
        http.post("/revoke", data={}, auth=("console", SECRET)),
        http.get(f"/logout?{urlencode({'id_token_hint': odd, 'client_id': odd, 'post_logout_redirect_uri': odd})}"),
    ]
    return [answer.status_code for answer in answers]


# People: the code flow.


def test_a_person_signs_in_and_the_client_gets_tokens(stored: ProviderUnderTest) -> None:
    tokens = stored.browser().tokens()
    assert stored.verifier().verify(tokens["access_token"]) == OFFICER
    keys = KeySet.import_key_set(stored.app.test_client().get("/jwks").get_json())
    claims = jwt.decode(tokens["id_token"], keys, algorithms=["Ed25519"]).claims
    told = {name: claims[name] for name in ("iss", "aud", "sub", "nonce", "role", "org", "div", "name", "name#en")}
    assert told == {
        "iss": ISSUER,
        "aud": "console",
        "sub": "officer",
        "nonce": "n-1",
        "role": "community_officer",
        "org": "office-1",
        "div": "430802001",
        "name": "专干",
        "name#en": "Officer",
    }
    assert claims["exp"] - claims["iat"] == 900
    assert stored.audit() == [("officer", "session.signed_in", None)]


def test_an_id_token_is_no_access_token(provider: ProviderUnderTest) -> None:
    with pytest.raises(InvalidToken):
        provider.verifier().verify(provider.browser().tokens()["id_token"])


def test_the_answer_brings_back_the_state_and_says_who_gives_it(provider: ProviderUnderTest) -> None:
    sent = parse_qs(urlsplit(provider.browser().enter(state="a b&c").location).query)
    assert (sent["state"], sent["iss"]) == (["a b&c"], [ISSUER])


def test_who_is_signed_in_is_not_asked_again_unless_the_client_wants_it(provider: ProviderUnderTest) -> None:
    browser = provider.browser()
    browser.enter()
    assert code_in(browser.open())
    assert browser.open(prompt="login").status_code == 200
    assert code_in(browser.open(max_age="60"))
    provider.clock.advance(timedelta(seconds=61))
    assert browser.open(max_age="60").status_code == 200
    assert code_in(browser.open(prompt="none"))


def test_without_asking_nobody_is_signed_in(provider: ProviderUnderTest) -> None:
    answer = provider.browser().open(prompt="none")
    sent = parse_qs(urlsplit(answer.location).query)
    assert answer.location.startswith(f"{CONSOLE}/signed-in?")
    assert (sent["error"], sent["state"], sent["iss"]) == (["login_required"], ["st"], [ISSUER])


@pytest.mark.parametrize("limit", [IDLE_LIMIT, SESSION_LIMIT])
def test_a_sign_in_ends_when_nobody_is_there_and_after_a_day_s_work(
    provider: ProviderUnderTest, limit: timedelta
) -> None:
    browser = provider.browser()
    browser.enter()
    step = min(limit, IDLE_LIMIT)
    for _ in range(int(limit / step) - 1):
        provider.clock.advance(step)
        assert browser.open().status_code == 303
    provider.clock.advance(step + timedelta(seconds=1))
    assert browser.open().status_code == 200


# PKCE and everything else that a request must say.


@pytest.mark.parametrize(
    "changed",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge": "short"},
        {"nonce": None},
        {"response_type": "token"},
        {"response_type": "id_token"},
    ],
)
def test_a_request_that_leaves_a_safeguard_out_is_sent_back(
    provider: ProviderUnderTest, changed: dict[str, str | None]
) -> None:
    answer = provider.browser().open(**changed)
    assert (answer.status_code, answer.location.split("?")[0]) == (302, f"{CONSOLE}/signed-in")
    assert parse_qs(urlsplit(answer.location).query)["error"][0] in ("invalid_request", "unsupported_response_type")


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": "nobody"},
        {"client_id": None},
        {"client_id": "station-system"},  # a machine has nowhere to be sent back to
        {"redirect_uri": None},
        {"redirect_uri": "https://evil.example/signed-in"},
        {"redirect_uri": f"{CONSOLE}/signed-in/../elsewhere"},
        {"redirect_uri": f"{CONSOLE}/signed-in?next=//evil.example"},
        {"redirect_uri": f"{CONSOLE}.evil.example/signed-in"},
        {"redirect_uri": "http://127.0.0.1:8000@evil.example/signed-in"},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": '"><script>alert(1)</script>'},
        {"redirect_uri": "http://例子.example/é"},
        {"response_type": "token", "redirect_uri": "https://evil.example/"},
        {"prompt": "none", "redirect_uri": "https://evil.example/"},
    ],
)
def test_nobody_is_sent_where_no_client_is_known_to_be(
    provider: ProviderUnderTest, changed: dict[str, str | None]
) -> None:
    browser = provider.browser()
    browser.enter()
    for answer in (browser.open(**changed), browser.enter(csrf="none", **changed)):
        assert answer.status_code == 400
        assert answer.location is None
        assert "<script" not in answer.get_data(as_text=True)


def test_a_parameter_that_comes_twice_is_refused(provider: ProviderUnderTest) -> None:
    browser = provider.browser()
    twice = f"{browser.ask()}&{urlencode({'redirect_uri': 'https://evil.example/'})}"
    assert browser.http.get(twice).status_code == 400


@pytest.mark.parametrize("verifier", [None, "w" * 43, "short"])
def test_a_code_is_worth_nothing_without_its_verifier(provider: ProviderUnderTest, verifier: str | None) -> None:
    code = provider.browser().code()
    form = {**CODE, "code": code} | {"code_verifier": verifier}
    answer = provider.token(**{name: value for name, value in form.items() if value is not None})
    assert answer.status_code == 400
    assert provider.token(code=code, **CODE).status_code == 400  # it was used by the attempt


@pytest.mark.parametrize(
    "changed",
    [
        {"redirect_uri": f"{CONSOLE}/elsewhere"},
        {"redirect_uri": ""},
        {"code": "invented"},
        {"code": ""},
    ],
)
def test_a_code_is_bound_to_what_it_was_asked_for(provider: ProviderUnderTest, changed: dict[str, str]) -> None:
    answer = provider.token(**{**CODE, "code": provider.browser().code()} | changed)
    assert answer.status_code == 400


def test_a_code_is_bound_to_its_client(provider: ProviderUnderTest) -> None:
    code = provider.browser().code()
    assert provider.token(auth=None, client_id="command-line", code=code, **CODE).status_code == 400
    assert provider.token(code=code, **CODE).status_code == 200


def test_a_client_with_a_secret_is_nobody_without_it(provider: ProviderUnderTest) -> None:
    code = provider.browser().code()
    assert provider.token(auth=None, client_id="console", code=code, **CODE).status_code == 401
    assert provider.token(auth=("console", "wrong"), code=code, **CODE).status_code == 401


def test_a_public_client_needs_no_secret_but_its_verifier(provider: ProviderUnderTest) -> None:
    mine = {"client_id": "command-line", "redirect_uri": "http://127.0.0.1/signed-in"}
    code = provider.browser().code(**mine)
    form = {**CODE, **mine, "code": code}
    tokens = provider.token(auth=None, **form).get_json()
    assert provider.verifier().verify(tokens["access_token"]) == OFFICER
    again = refreshed(provider, tokens["refresh_token"], auth=None, client_id="command-line")
    assert again.status_code == 200
    code = provider.browser().code(**mine)
    without = {name: value for name, value in form.items() if name != "code_verifier"} | {"code": code}
    assert provider.token(auth=None, **without).status_code == 400


def test_a_code_ends_after_a_minute(provider: ProviderUnderTest) -> None:
    code = provider.browser().code()
    provider.clock.advance(CODE_LIFETIME)
    assert provider.token(code=code, **CODE).status_code == 400


# What is good for one use.


def test_a_code_that_comes_twice_ends_what_was_got_for_it(stored: ProviderUnderTest) -> None:
    browser = stored.browser()
    code = browser.code()
    tokens = stored.token(code=code, **CODE).get_json()
    assert stored.token(code=code, **CODE).get_json()["error"] == "invalid_grant"
    assert refreshed(stored, tokens["refresh_token"]).status_code == 400
    assert browser.open().status_code == 200  # asked to sign in again
    assert stored.audit()[-1] == ("officer", "code.use", "token.used_twice")


def test_a_refresh_token_is_changed_for_a_new_one_each_time(provider: ProviderUnderTest) -> None:
    token = provider.browser().tokens()["refresh_token"]
    seen = {token}
    for _ in range(3):
        provider.clock.advance(timedelta(minutes=14))
        answer = refreshed(provider, token)
        assert answer.status_code == 200
        assert provider.verifier().verify(answer.get_json()["access_token"]) == OFFICER
        token = answer.get_json()["refresh_token"]
        assert token not in seen
        seen.add(token)


def test_a_refresh_token_that_comes_twice_ends_all_that_follow_it(stored: ProviderUnderTest) -> None:
    first = stored.browser().tokens()["refresh_token"]
    second = refreshed(stored, first).get_json()["refresh_token"]
    assert refreshed(stored, first).get_json()["error"] == "invalid_grant"
    assert refreshed(stored, second).status_code == 400
    assert stored.audit()[-1] == ("officer", "refresh_token.use", "token.used_twice")
    assert refreshed(stored, first).status_code == 400
    assert len(stored.audit()) == 2  # told once


def test_of_many_who_use_a_refresh_token_at_once_one_gets_an_answer(stored: ProviderUnderTest) -> None:
    token = stored.browser().tokens()["refresh_token"]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: refreshed(stored, token).status_code, range(4)))
    assert sorted(answers) == [200, 400, 400, 400]


def test_a_refresh_token_ends_with_its_time_its_sign_in_and_its_account(provider: ProviderUnderTest) -> None:
    browser = provider.browser()
    token = browser.tokens()["refresh_token"]
    provider.clock.advance(REFRESH_LIFETIME)
    assert refreshed(provider, token).status_code == 400
    token = browser.tokens()["refresh_token"]
    del provider.app.extensions["provider"].directory.accounts["officer"]
    assert refreshed(provider, token).status_code == 400


def test_a_refresh_token_is_bound_to_its_client_and_its_scope(provider: ProviderUnderTest) -> None:
    token = provider.browser().tokens()["refresh_token"]
    assert refreshed(provider, token, auth=None, client_id="command-line").status_code == 400
    assert refreshed(provider, token, auth=("station-system", PASSWORD)).status_code == 400
    answer = refreshed(provider, token, scope="openid")
    assert answer.get_json()["scope"] == "openid"
    wider = refreshed(provider, answer.get_json()["refresh_token"], scope="openid profile")
    assert wider.get_json()["error"] == "invalid_scope"


def test_a_refresh_token_given_back_is_good_no_more(provider: ProviderUnderTest) -> None:
    browser = provider.browser()
    token = browser.tokens()["refresh_token"]
    http = provider.app.test_client()
    assert http.post("/revoke", data={"token": token}, auth=("console", "wrong")).status_code == 401
    assert http.post("/revoke", data={"token": token}, auth=("console", SECRET)).status_code == 200
    assert http.post("/revoke", data={"token": "invented"}, auth=("console", SECRET)).status_code == 200
    assert refreshed(provider, token).status_code == 400
    assert browser.open().status_code == 200


def test_nothing_that_opens_anything_is_in_the_database(tmp_path: Path) -> None:
    path = tmp_path / "identity.sqlite3"
    with provider_under_test(tmp_path / "identity", f"sqlite:///{path}") as provider:
        browser = provider.browser()
        code = browser.code()
        tokens = provider.token(code=code, **CODE).get_json()
        browser.enter(password="another guess")
    raw = path.read_bytes()  # the last connection wrote the whole log back into it
    assert b"officer" in raw
    cookie = browser.http.get_cookie("baton_identity")
    assert cookie is not None
    for secret in (code, tokens["refresh_token"], tokens["access_token"], tokens["id_token"], "another guess"):
        assert secret.encode() not in raw


def test_nothing_that_opens_anything_is_in_the_log(
    provider: ProviderUnderTest, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO)
    browser = provider.browser()
    tokens = browser.tokens()
    browser.enter(password="another guess")
    said = caplog.text + "".join(capfd.readouterr())
    for secret in (tokens["refresh_token"], tokens["access_token"], PASSWORD, "another guess"):
        assert secret not in said


def test_what_is_long_over_is_forgotten(stored: ProviderUnderTest) -> None:
    stored.browser().tokens()
    stored.browser().enter(password="wrong")
    for days, left in ((1, True), (2, False)):
        stored.clock.advance(timedelta(hours=13) * days)
        with stored.storage.work() as work:
            forget(work)
        with stored.storage.engine.connect() as connection:
            for table in (sign_ins, codes, refresh_tokens, failures):
                assert bool(connection.execute(table.select()).all()) is left, table.name


# Signing out.


def logout_address(**asked: str) -> str:
    return f"/logout?{urlencode(asked)}"


def test_signing_out_ends_the_sign_in_and_leads_back_to_the_client(provider: ProviderUnderTest) -> None:
    browser = provider.browser()
    tokens = browser.tokens()
    back = {"post_logout_redirect_uri": f"{CONSOLE}/signed-out", "state": "s"}
    answer = browser.http.get(logout_address(id_token_hint=tokens["id_token"], client_id="console", **back))
    assert (answer.status_code, answer.location) == (302, f"{CONSOLE}/signed-out?state=s")
    assert browser.open().status_code == 200
    assert refreshed(provider, tokens["refresh_token"]).status_code == 400
    assert provider.audit()[-1] == ("officer", "session.signed_out", None)


def test_an_id_token_that_has_expired_still_signs_out(provider: ProviderUnderTest) -> None:
    browser = provider.browser()
    tokens = browser.tokens()
    provider.clock.advance(timedelta(minutes=20))
    back = {"post_logout_redirect_uri": f"{CONSOLE}/signed-out"}
    answer = browser.http.get(logout_address(id_token_hint=tokens["id_token"], **back))
    assert answer.location == f"{CONSOLE}/signed-out"
    assert browser.open().status_code == 200


@pytest.mark.parametrize("asked", [{}, {"client_id": "console", "post_logout_redirect_uri": f"{CONSOLE}/signed-out"}])
def test_another_page_signs_nobody_out_without_being_asked(provider: ProviderUnderTest, asked: dict[str, str]) -> None:
    browser = provider.browser()
    browser.enter()
    page = browser.http.get(logout_address(**asked))
    assert (page.status_code, page.location) == (200, None)
    assert browser.open().status_code == 303
    assert browser.http.post(logout_address(**asked)).status_code == 200  # without the form's own token
    assert browser.open().status_code == 303
    browser.http.post(logout_address(**asked), data={"csrf_token": csrf_token(page)})
    assert browser.open().status_code == 200


@pytest.mark.parametrize(
    "where", ["https://evil.example/", f"{CONSOLE}/signed-out/../x", f"{CONSOLE}/signed-in", "//evil.example"]
)
def test_signing_out_leads_nowhere_else(provider: ProviderUnderTest, where: str) -> None:
    browser = provider.browser()
    hint = browser.tokens()["id_token"]
    answer = browser.http.get(logout_address(id_token_hint=hint, post_logout_redirect_uri=where))
    assert (answer.status_code, answer.location) == (200, None)


@pytest.mark.parametrize("hint", ["invented", "a.b.c", ""])
def test_an_invented_hint_signs_nobody_out(provider: ProviderUnderTest, hint: str) -> None:
    browser = provider.browser()
    browser.enter()
    browser.http.get(logout_address(id_token_hint=hint, post_logout_redirect_uri=f"{CONSOLE}/signed-out"))
    assert browser.open().status_code == 303


# The key is changed.


def test_a_new_key_signs_from_now_on_and_signed_out_nobody(provider: ProviderUnderTest) -> None:
    browser = provider.browser()
    before = browser.tokens()
    verifier = provider.verifier()
    rotate_keys(provider.settings.private_jwk, provider.settings.public_jwks)
    after = refreshed(provider, before["refresh_token"]).get_json()
    assert len(provider.app.test_client().get("/jwks").get_json()["keys"]) == 2
    assert verifier.verify(after["access_token"]) == verifier.verify(before["access_token"]) == OFFICER
    assert after["access_token"].split(".")[0] != before["access_token"].split(".")[0]
    back = {"post_logout_redirect_uri": f"{CONSOLE}/signed-out"}
    assert browser.http.get(logout_address(id_token_hint=before["id_token"], **back)).status_code == 302


# The audit is one like every service's.


def test_what_happened_is_in_a_chain_that_is_sealed(provider: ProviderUnderTest) -> None:
    browser = provider.browser()
    browser.enter(password="wrong")
    browser.enter(username="小王的密码", password="wrong")
    browser.enter()
    assert provider.audit() == [
        ("officer", "session.sign_in", "credentials.wrong"),
        ("unknown", "session.sign_in", "credentials.wrong"),  # what was typed is not repeated
        ("officer", "session.signed_in", None),
    ]
    provider.clock.advance(timedelta(minutes=5))
    with provider.storage.work() as work:
        assert seal_more(work) == 3
