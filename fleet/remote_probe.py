"""Looks at a remote server before its line is written: what can't work is refused at once, in one sentence."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Final, TypeVar

import httpx2
from mcp.client.auth.utils import (
    build_oauth_authorization_server_metadata_discovery_urls,
    build_protected_resource_metadata_discovery_urls,
    extract_resource_metadata_from_www_auth,
)
from mcp_remote.faults import address, certificate_fault, no_answer, refusal, unreachable
from mcp_types.version import LATEST_HANDSHAKE_VERSION
from pydantic import BaseModel, ValidationError

from fleet.errors import FleetError

SECONDS: Final = 10.0
MAX_DOCUMENT_BYTES: Final = 1 << 20
MACHINES: Final = "client_credentials"
SURE: Final = frozenset({9, 10, 62})
"""OpenSSL's codes of certificates that nobody can trust: not yet valid, expired, of another host. An authority that is
not known here may be known where the fleet runs."""

_ASK: Final = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": LATEST_HANDSHAKE_VERSION,
        "capabilities": {},
        "clientInfo": {"name": "mcp-fleet", "version": "0.1.0"},
    },
}
_SESSION: Final = "mcp-session-id"

DocumentT = TypeVar("DocumentT", bound=BaseModel)


class _ProtectedResource(BaseModel):
    """https://www.rfc-editor.org/rfc/rfc9728#section-2"""

    authorization_servers: list[str] = []


class _Issuer(BaseModel):
    """https://www.rfc-editor.org/rfc/rfc8414#section-2, with its default."""

    token_endpoint: str = ""
    grant_types_supported: list[str] = ["authorization_code", "implicit"]


def probe(url: str, headers: Mapping[str, str]) -> str:
    """Ask a remote server how it is, without a credential, and return what its user should know; mostly nothing.

    Args:
        headers: what its line sends. The secrets in them are not known here, so they are not sent; with some, a server
            that asks for a credential is as it should be.

    Raises:
        FleetError: it can't be served from this URL: no MCP there, a redirect, a certificate that nobody can trust, or
            a login that only a person can do.
    """
    with httpx2.Client(timeout=SECONDS, follow_redirects=False) as client:
        try:
            with _asked(client, url) as response:
                if response.status_code == httpx2.codes.UNAUTHORIZED:
                    return "" if headers else _authorization(client, url, response)
                return _answer(response)
        except httpx2.TransportError as error:
            sentence, flaw = unreachable(httpx2.URL(url), error), certificate_fault(error)
            if flaw is not None and flaw.verify_code in SURE:
                raise FleetError(sentence) from error
            return f"could not look at it from here: {sentence}"


@contextmanager
def _asked(client: httpx2.Client, url: str) -> Iterator[httpx2.Response]:
    """Introduce ourselves, and end the session that the server may have made for it."""
    accept = {"accept": "application/json, text/event-stream"}
    with client.stream("POST", url, json=_ASK, headers=accept) as response:
        yield response
    if (session := response.headers.get(_SESSION)) is not None:
        with suppress(httpx2.TransportError):  # it has answered; what it keeps of that is its own affair
            client.delete(url, headers={_SESSION: session})


def _answer(response: httpx2.Response) -> str:
    fault = refusal(response, shown=False) or no_answer(response)
    if fault is None or response.headers.get("content-type", "").startswith("application/json"):
        return ""  # an error of JSON-RPC, in the words of a server that wants to be asked otherwise, is one of MCP
    if response.status_code in (httpx2.codes.FORBIDDEN, httpx2.codes.TOO_MANY_REQUESTS) or response.is_server_error:
        return f"asked without a credential, {fault}"
    raise FleetError(fault, hint="the vendor's documentation names the URL of its MCP server")


def _authorization(client: httpx2.Client, url: str, refused: httpx2.Response) -> str:
    """Say how the server at `url`, which asks for a credential, gets one. Raises FleetError where only a person can."""
    where = address(httpx2.URL(url))
    places = build_protected_resource_metadata_discovery_urls(extract_resource_metadata_from_www_auth(refused), url)
    resource = _first(client, places, _ProtectedResource) or _ProtectedResource()
    issuers = {
        issuer: _first(client, build_oauth_authorization_server_metadata_discovery_urls(issuer, url), _Issuer)
        for issuer in resource.authorization_servers
    }
    for found in issuers.values():
        if found is not None and MACHINES in found.grant_types_supported:
            return (
                f"{where} asks for an access token, which {found.token_endpoint} gives by client credentials: write "
                "`auth` into its line, as docs/remote-servers.md shows"
            )
    if not issuers or None in issuers.values():
        return f"{where} asks for a credential: give it one with --header 'Authorization=Bearer {{NAME}}', or `auth`"
    raise FleetError(
        f"{where} lets in people who log in, and no machines: {', '.join(issuers)} has no grant by client credentials",
        hint="each person adds it to their own client; if it takes a key, too: --header 'Authorization=Bearer {NAME}'",
    )


def _first(client: httpx2.Client, urls: Sequence[str], kind: type[DocumentT]) -> DocumentT | None:
    """Return the first of some documents that is there and is one; where none is, nothing is known."""
    found = (_document(client, url, kind) for url in urls if url.startswith("https://"))
    return next((document for document in found if document is not None), None)


def _document(client: httpx2.Client, url: str, kind: type[DocumentT]) -> DocumentT | None:
    content = b""
    try:
        with client.stream("GET", url, headers={"accept": "application/json"}) as response:
            for part in response.iter_bytes():
                content += part
                if len(content) > MAX_DOCUMENT_BYTES:
                    return None
        return kind.model_validate_json(content) if response.is_success else None
    except (httpx2.HTTPError, httpx2.InvalidURL, ValidationError):
        return None
