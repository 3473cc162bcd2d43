"""The OAuth 2.1 server, built from Authlib: code flow with PKCE for people, client credentials for machines.

Invariants: a code or a refresh token is good for one use; a second use ends the sign-in it came from, with everything
that was got from it. Nothing else gives tokens: there is no password grant and no implicit flow.
"""

import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError, OAuth2Request
from authlib.oauth2.rfc6749 import grants as rfc6749
from authlib.oauth2.rfc6749.authenticate_client import (
    authenticate_client_secret_basic,
    authenticate_client_secret_post,
)
from authlib.oauth2.rfc6749.util import extract_basic_authorization
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc9207 import IssuerParameter
from authlib.oidc.core import UserInfo
from authlib.oidc.core.grants import OpenIDCode
from authlib.oidc.rpinitiated import EndSessionEndpoint
from flask import g, request

from services.identity.accounts import Account, Client
from services.identity.provider import CODE_LIFETIME, SESSION_LIMIT, current, note_refusal, provider
from services.identity.store import Code, RefreshToken, SignIn, codes, hashed, refresh_tokens
from services.identity.throttle import scopes_of_client
from services.identity.words import LANGUAGES, language_of
from shared.web.tokens import ALGORITHM, LIFETIME

LONGEST_NONCE = 255
REFRESH_LIFETIME = timedelta(hours=1)
CLIENT_METHODS = ["client_secret_basic", "client_secret_post", "none"]

log = structlog.get_logger(__name__)


class TooManyFailures(InvalidClientError):  # type: ignore[misc]
    """The secret was not looked at, for too many were wrong."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(description="too many failures, try again later", status_code=429)
        self._seconds = max(1, round(wait.total_seconds()))

    def get_headers(self) -> list[tuple[str, str]]:
        """With how long to wait."""
        return [*super().get_headers(), ("Retry-After", str(self._seconds))]


class S256(CodeChallenge):  # type: ignore[misc]
    """PKCE is asked of everybody, also of clients that have a secret, and only in the form that hides the verifier."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        """Raises: InvalidRequestError."""
        said = grant.request.payload.data
        if not said.get("code_challenge") or said.get("code_challenge_method") != "S256":
            raise InvalidRequestError("PKCE with S256 is required")
        super().validate_code_challenge(grant, redirect_uri)


class IdToken(OpenIDCode):  # type: ignore[misc]
    """The ID token: who signed in, for the client to show."""

    def validate_openid_authorization_request(self, grant: Any, redirect_uri: str) -> None:
        """It is given back as it came, so it must be something that can be kept.

        Raises: InvalidRequestError.
        """
        super().validate_openid_authorization_request(grant, redirect_uri)
        nonce = grant.request.payload.data["nonce"]
        if len(nonce) > LONGEST_NONCE or not nonce.isprintable():
            raise InvalidRequestError("the nonce is not printable or too long")

    def exists_nonce(self, nonce: str, request: OAuth2Request) -> bool:
        """Whether it was used is for the client to know, which made it; see OpenID Connect Core 3.1.3.7."""
        return False

    def get_client_algorithm(self, client: Client) -> str:
        """Ours."""
        return ALGORITHM

    def get_encode_header(self, client: Client) -> dict[str, str]:
        """With the key's name."""
        return {"alg": ALGORITHM, "kid": str(provider().signing.key.kid)}

    def resolve_client_private_key(self, client: Client) -> Any:
        """The newest."""
        return provider().signing.key

    def get_client_claims(self, client: Client) -> dict[str, Any]:
        """By whom, for whom, until when."""
        now, sign_in = current().now, g.sign_in
        return {
            "iss": provider().signing.issuer,
            "aud": client.client_id,
            "iat": int(now.timestamp()),
            "exp": int((now + LIFETIME).timestamp()),
            "auth_time": int(sign_in.at.timestamp()),
            "sid": str(sign_in.id),
        }

    def generate_user_info(self, user: Account, scope: str) -> UserInfo:
        """Who it is."""
        info = UserInfo(sub=user.username)
        if "profile" in scope.split():
            info |= {"name": user.title_zh, "name#en": user.title_en, "locale": g.locale}
            info |= {"role": user.role.value, "org": user.organisation, "div": user.division}
        return info


class AuthorizationCodeGrant(rfc6749.AuthorizationCodeGrant):  # type: ignore[misc]
    """The code flow."""

    TOKEN_ENDPOINT_AUTH_METHODS = CLIENT_METHODS

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        """Keep it, hashed."""
        said, now = request.payload.data, current().now
        kept = Code(
            hash=hashed(code),
            sign_in=g.sign_in.id,
            client=request.client.client_id,
            redirect_uri=request.payload.redirect_uri,
            scope=request.scope,
            nonce=said.get("nonce"),
            code_challenge=said["code_challenge"],
            locale=LANGUAGES[language_of(said["ui_locales"])] if said.get("ui_locales") else None,
            expires_at=now + CODE_LIFETIME,
        )
        current().keep(codes, kept)

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        """Use it; None when it is not good any more."""
        found = current().use_code(code, client.client_id)
        if found is None or found.expires_at <= current().now:
            return None
        return found if _is_first_use(found, "code.use") else None

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """It stays, so that a second use is noticed."""

    def authenticate_user(self, authorization_code: Code) -> Account | None:
        """Who got it, if still signed in."""
        g.locale = authorization_code.locale
        return _still_signed_in(authorization_code.sign_in)


class RefreshTokenGrant(rfc6749.RefreshTokenGrant):  # type: ignore[misc]
    """A new access token, and a new refresh token for the one used."""

    TOKEN_ENDPOINT_AUTH_METHODS = CLIENT_METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> RefreshToken | None:
        """Use it; None when it is not good any more."""
        found = current().use_refresh_token(refresh_token, self.request.client.client_id)
        if found is None or found.expires_at <= current().now:
            return None
        return found if _is_first_use(found, "refresh_token.use") else None

    def authenticate_user(self, refresh_token: RefreshToken) -> Account | None:
        """Who got it, if still signed in."""
        account = _still_signed_in(refresh_token.sign_in)
        if account is not None:
            current().see(g.sign_in)
        return account

    def revoke_old_credential(self, refresh_token: RefreshToken) -> None:
        """It was used above."""


class ClientCredentialsGrant(rfc6749.ClientCredentialsGrant):  # type: ignore[misc]
    """For machines. A client without a role of its own does not have this grant."""

    TOKEN_ENDPOINT_AUTH_METHODS = CLIENT_METHODS[:2]


class Revocation(RevocationEndpoint):  # type: ignore[misc]
    """A client gives its refresh token back, and so ends the sign-in."""

    CLIENT_AUTH_METHODS = CLIENT_METHODS

    def query_token(self, token_string: str, token_type_hint: str | None) -> RefreshToken | None:
        """Only refresh tokens can be given back; an access token ends by itself."""
        return current().refresh_token(token_string)

    def revoke_token(self, token: RefreshToken, request: OAuth2Request) -> None:
        """End what it came from."""
        current().end_sign_in(token.sign_in)


class EndSession(EndSessionEndpoint):  # type: ignore[misc]
    """Signing out, asked for by a client (OpenID Connect RP-Initiated Logout)."""

    def get_server_jwks(self) -> Any:
        """Our keys."""
        return provider().signing.key_set()

    def get_algorithms(self) -> list[str]:
        """Ours."""
        return [ALGORITHM]

    def end_session(self, end_session_request: Any) -> None:
        """End the sign-in that the ID token names; without one, which its user has confirmed, that of this browser."""
        claims = end_session_request.id_token_claims
        ended = UUID(claims["sid"]) if claims else g.sign_in.id if g.sign_in else None
        if ended is not None and current().end_sign_in(ended):
            current().note_act("session.signed_out", None)


class _Issuer(IssuerParameter):  # type: ignore[misc]
    def get_issuer(self) -> str:
        return provider().signing.issuer


def _add_issuer(server: AuthorizationServer) -> None:
    """Every answer says who gives it (RFC 9207)."""
    _Issuer()(server)


def make_server() -> AuthorizationServer:
    """The server, without an application."""
    server = AuthorizationServer(query_client=_query_client, save_token=_save_token)
    server.scopes_supported = None  # what is not known is left out, as OpenID Connect Core 3.1.2.1 wants it
    lifetime = int(LIFETIME.total_seconds())
    server.register_token_generator("default", BearerTokenGenerator(_access_token, _refresh_token, lifetime))
    server.register_client_auth_method("client_secret_basic", _by_basic)
    server.register_client_auth_method("client_secret_post", _by_post)
    server.register_grant(AuthorizationCodeGrant, [S256(required=True), IdToken(require_nonce=True)])
    server.register_grant(RefreshTokenGrant)
    server.register_grant(ClientCredentialsGrant)
    server.register_endpoint(Revocation)
    server.register_endpoint(EndSession)
    server.register_extension(_add_issuer)
    return server


def _query_client(client_id: str) -> Client | None:
    return provider().directory.clients.get(client_id)


def _by_basic(query_client: Any, asked: OAuth2Request) -> Client | None:
    try:
        client_id, secret = extract_basic_authorization(asked.headers)
    except ValueError:  # not even text
        return None
    return _throttled(authenticate_client_secret_basic, client_id if secret else None, query_client, asked)


def _by_post(query_client: Any, asked: OAuth2Request) -> Client | None:
    client_id = asked.form.get("client_id") if asked.form.get("client_secret") else None
    return _throttled(authenticate_client_secret_post, client_id, query_client, asked)


def _throttled(check: Any, client_id: str | None, query_client: Any, asked: OAuth2Request) -> Client | None:
    """Check a secret, unless too many were wrong. The count is kept also when the request is refused."""
    if client_id is None:
        return None
    scopes = scopes_of_client(client_id, request.remote_addr or "")
    with provider().storage.work() as work:
        wait = work.begin_attempt(scopes)
    if wait:
        raise TooManyFailures(wait)
    known = query_client(client_id)
    client: Client | None = check(query_client, asked) if known else None
    if client is None:
        note_refusal(known.principal if known else None, "client.authenticate", "credentials.wrong")
        return None
    with provider().storage.work() as work:
        work.forgive(scopes)
    return client


def _access_token(client: Client, user: Account | None, **_asked: Any) -> str:
    principal = user.principal if user is not None else client.principal
    assert principal is not None
    return provider().signing.access_token(principal)


def _refresh_token(**_asked: Any) -> str:
    return secrets.token_urlsafe(48)


def _save_token(token: dict[str, Any], asked: OAuth2Request) -> None:
    """Keep the refresh token, hashed; access tokens are not kept."""
    if "refresh_token" not in token:
        return
    sign_in: SignIn = g.sign_in
    expires_at = min(current().now + REFRESH_LIFETIME, sign_in.at + SESSION_LIMIT)
    kept = RefreshToken(
        hashed(token["refresh_token"]), sign_in.id, asked.client.client_id, token.get("scope", ""), expires_at
    )
    current().keep(refresh_tokens, kept)


def _is_first_use(found: Code | RefreshToken, action: str) -> bool:
    """Two hands hold it when it comes twice, and one of them is not the client's: then nobody goes on with it."""
    if found.used_at is None:
        return True
    sign_in = current().sign_in(found.sign_in)
    account = provider().account_of(sign_in)
    if current().end_sign_in(found.sign_in):
        log.warning("token.used_twice", action=action)
        g.refused = (account.principal if account else None, action, "token.used_twice")
    return False


def _still_signed_in(sign_in_id: UUID) -> Account | None:
    g.sign_in = current().sign_in(sign_in_id)
    return provider().account_of(g.sign_in)
