"""What programs ask: the discovery document, the public keys, tokens."""

from authlib.integrations.flask_oauth2 import AuthorizationServer
from flask import Blueprint, Response, current_app, g, jsonify, request

from services.identity.accounts import SCOPES
from services.identity.grants import CLIENT_METHODS
from services.identity.provider import note_refusal, provider, transaction
from services.identity.words import LANGUAGES
from shared.web.access import public
from shared.web.tokens import ALGORITHM

bp = Blueprint("endpoints", __name__)
_KEYS_SECONDS = 300


@bp.get("/.well-known/openid-configuration")
@public
def discovery() -> Response:
    """What this provider can do (OpenID Connect Discovery 1.0)."""
    issuer = provider().signing.issuer
    return jsonify(
        issuer=issuer,
        authorization_endpoint=f"{issuer}/authorize",
        token_endpoint=f"{issuer}/token",
        revocation_endpoint=f"{issuer}/revoke",
        end_session_endpoint=f"{issuer}/logout",
        jwks_uri=f"{issuer}/jwks",
        scopes_supported=list(SCOPES),
        response_types_supported=["code"],
        response_modes_supported=["query"],
        grant_types_supported=["authorization_code", "refresh_token", "client_credentials"],
        subject_types_supported=["public"],
        id_token_signing_alg_values_supported=[ALGORITHM],
        token_endpoint_auth_methods_supported=CLIENT_METHODS,
        revocation_endpoint_auth_methods_supported=CLIENT_METHODS,
        code_challenge_methods_supported=["S256"],
        authorization_response_iss_parameter_supported=True,
        claims_supported=["sub", "name", "locale", "role", "org", "div", "sid", "auth_time"],
        ui_locales_supported=list(LANGUAGES.values()),
        request_parameter_supported=False,
        request_uri_parameter_supported=False,
    )


@bp.get("/jwks")
@public
def jwks() -> Response:
    """The public keys: the one in use and the one before."""
    response = jsonify(provider().signing.jwks())
    response.headers["Cache-Control"] = f"public, max-age={_KEYS_SECONDS}"
    return response


@bp.post("/token")
@public
def token() -> Response:
    """Tokens for a code, for a refresh token, or for a machine."""
    with transaction():
        response: Response = _server().create_token_response()
    _note(response)
    return response


@bp.post("/revoke")
@public
def revoke() -> Response:
    """A client gives a refresh token back."""
    with transaction():
        response: Response = _server().create_endpoint_response("revocation")
    return response


def _note(response: Response) -> None:
    """Machines' tokens and what was used twice, for the audit; people's tokens follow from their sign-in."""
    if "refused" in g:
        note_refusal(*g.refused)
    if response.status_code != 200 or request.form.get("grant_type") != "client_credentials":
        return
    client_id = request.authorization.username if request.authorization else request.form["client_id"]
    client = provider().directory.clients[str(client_id)]
    with transaction(client.principal) as work:
        work.note_act("token.issued", None)


def _server() -> AuthorizationServer:
    server: AuthorizationServer = current_app.extensions["authorization_server"]
    return server
