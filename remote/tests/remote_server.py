"""A remote MCP server for tests: the official SDK over real TLS, with a certificate of an authority of the test's own.

Strict where it matters: a request without the right credential gets 401, and the token endpoint takes client
credentials as RFC 6749 has them and nothing else.
"""

import asyncio
import base64
import ipaddress
import secrets
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote_plus

import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from mcp.server import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

DEADLINE_SECONDS = 30.0
KEEP_ALIVE_SECONDS = 3600
"""Longer than any test. An idle client takes no part in TLS' farewell, so a connection that uvicorn closed for being
idle would still be open at the end, and be closed twice then, after which asyncio can't abort it any more."""
CLIENT_ID = "fleet/1"
CLIENT_SECRET = "s3cret: with & and +"
SCOPE = "tools:read tools:call"
RESOURCE = "/.well-known/oauth-protected-resource/mcp"


@dataclass(frozen=True)
class Authority:
    """A certificate authority: `bundle` is what those who trust it are given."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    name: x509.Name

    @classmethod
    def made(cls, folder: Path) -> "Authority":
        key = ec.generate_private_key(ec.SECP256R1())
        authority = cls(folder, key, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority of a test")]))
        now = datetime.now(UTC)
        certificate = authority._sign(authority.name, key, now - timedelta(days=1), now + timedelta(days=1))
        authority.bundle.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return authority

    @property
    def bundle(self) -> Path:
        return self.folder / "authority.pem"

    def context(
        self, *, expired: bool = False, address: str | None = None, hosts: Sequence[str] = ("localhost",)
    ) -> ssl.SSLContext:
        """A server's side of TLS for localhost, or other `hosts`, and for an IP address."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC)
        end = now - timedelta(hours=1) if expired else now + timedelta(days=1)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0])])
        certificate = self._sign(name, key, now - timedelta(days=2), end, hosts=hosts, address=address)
        file = self.folder / f"{secrets.token_hex(4)}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _sign(
        self,
        name: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        start: datetime,
        end: datetime,
        *,
        hosts: Sequence[str] = (),
        address: str | None = None,
    ) -> x509.Certificate:
        """Sign a certificate: an authority's own where it is for no hosts."""
        leaf = bool(hosts)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=not leaf, path_length=None), critical=True)
            # What Python asks for from 3.13 on (RFC 5280, strictly).
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .add_extension(
                x509.KeyUsage(True, False, False, False, False, not leaf, not leaf, False, False), critical=True
            )
        )
        if leaf:
            names: list[x509.GeneralName] = [x509.DNSName(host) for host in hosts]
            if address is not None:
                names.append(x509.IPAddress(ipaddress.ip_address(address)))
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self.key, hashes.SHA256())


def tools() -> MCPServer:
    """A small server."""
    server = MCPServer("remote notes", version="3.1", log_level="CRITICAL")

    @server.tool()
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    @server.tool()
    def secret_plans() -> str:
        """What not everybody may read."""
        return "plans"

    return server


class TokenEndpoint:
    """RFC 6749, 4.4: client credentials alone. `lifetime` is what the next tokens have, `broken` refuses them all."""

    def __init__(self, lifetime: float = 3600) -> None:
        self.lifetime = lifetime
        self.broken = False
        self.issued: list[str] = []
        self.revoked: set[str] = set()

    async def token(self, request: Request) -> Response:
        form = await request.form()
        kind, _, account = request.headers.get("authorization", "").partition(" ")
        if request.headers["content-type"] != "application/x-www-form-urlencoded" or kind != "Basic":
            return JSONResponse({"error": "invalid_request"}, 400)
        known, _, secret = base64.b64decode(account).decode().partition(":")
        if self.broken or (unquote_plus(known), unquote_plus(secret)) != (CLIENT_ID, CLIENT_SECRET):
            return JSONResponse({"error": "invalid_client", "error_description": f"no {secret}"}, 401)
        if form.get("grant_type") != "client_credentials":
            return JSONResponse({"error": "unsupported_grant_type"}, 400)
        if form.get("scope") != SCOPE or form.keys() - {"grant_type", "scope"}:
            return JSONResponse({"error": "invalid_scope"}, 400)
        self.issued.append(f"token-{len(self.issued)}-{secrets.token_hex(8)}")
        answer = {"access_token": self.issued[-1], "token_type": "Bearer", "expires_in": self.lifetime}
        return JSONResponse(answer, headers={"cache-control": "no-store"})

    def takes(self, authorization: str) -> bool:
        token = authorization.removeprefix("Bearer ")
        return token in self.issued and token not in self.revoked


@dataclass
class Remote:
    """A running remote server. `seen` are the `authorization` headers that came to /mcp, in order."""

    host: str = "localhost"
    port: int = 0
    key: str = ""
    tokens: TokenEndpoint = field(default_factory=TokenEndpoint)
    seen: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    away: bool = False
    grants: list[str] | None = None
    """What its authorization server says it gives tokens for; None where it says nothing."""

    @property
    def url(self) -> str:
        return self.path("/mcp")

    def path(self, path: str) -> str:
        return f"https://{self.host}:{self.port}{path}"

    def _allows(self, authorization: str) -> bool:
        return self.tokens.takes(authorization) or (bool(self.key) and authorization == f"Bearer {self.key}")

    def guarded(self, application: ASGIApp) -> ASGIApp:
        async def guard(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or scope["path"] != "/mcp":
                await application(scope, receive, send)
                return
            headers = {name.decode(): value.decode() for name, value in scope["headers"]}
            self.seen.append(headers.get("authorization", ""))
            self.headers.append(headers)
            if self.away:
                await Response("<h1>Bad Gateway</h1>", 502, media_type="text/html")(scope, receive, send)
            elif self._allows(headers.get("authorization", "")):
                await application(scope, receive, send)
            else:
                where = f', resource_metadata="{self.path(RESOURCE)}"' if self.grants is not None else ""
                challenge = {"www-authenticate": f'Bearer realm="remote"{where}'}
                await JSONResponse({"error": "unauthorized"}, 401, challenge)(scope, receive, send)

        return guard

    async def resource(self, _: Request) -> Response:
        """RFC 9728: where tokens come from."""
        if self.grants is None:
            return Response(status_code=404)
        return JSONResponse({"resource": self.url, "authorization_servers": [self.path("/login")]})

    async def issuer(self, _: Request) -> Response:
        """RFC 8414: what they are given for."""
        return JSONResponse(
            {
                "issuer": self.path("/login"),
                "authorization_endpoint": self.path("/login/authorize"),
                "token_endpoint": self.path("/token"),
                "response_types_supported": ["code"],
                **({"grant_types_supported": self.grants} if self.grants else {}),
            }
        )


async def _page(_: Request) -> Response:
    return Response("<html>Welcome</html>", media_type="text/html")


async def _moved(_: Request) -> Response:
    return Response(status_code=308, headers={"location": "https://elsewhere.example/mcp?token=abc"})


class _Web(uvicorn.Server):
    """A web server that says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def run_whole(self) -> None:
        """Serve, and close what clients left open."""
        await self.serve()
        for connection in self.server_state.connections:
            if connection.transport is not None:
                connection.transport.abort()


@contextmanager
def remote(context: ssl.SSLContext, *, key: str = "", address: str | None = None) -> Iterator[Remote]:
    """Run a remote server in a thread of this process: on localhost, or on another address of this machine."""
    running = Remote(key=key, host=address or "localhost")
    server = tools()
    hosts = TransportSecuritySettings(allowed_hosts=[f"{running.host}:*"])
    mcp = server.streamable_http_app(transport_security=hosts)
    routes = [
        Route("/token", running.tokens.token, methods=["POST"]),
        Route("/page", _page, methods=["GET", "POST"]),
        Route("/moved", _moved, methods=["GET", "POST"]),
        Route(RESOURCE, running.resource),
        Route("/.well-known/oauth-authorization-server/login", running.issuer),
        Mount("/", mcp),
    ]
    application = Starlette(routes=routes, lifespan=lambda _: server.session_manager.run())
    config = uvicorn.Config(
        running.guarded(application),
        host=address or "127.0.0.1",
        port=0,
        log_level="critical",
        timeout_graceful_shutdown=1,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
    config.load()
    config.ssl = context
    web = _Web(config)
    thread = threading.Thread(target=lambda: asyncio.run(web.run_whole()), daemon=True)
    thread.start()
    assert web.ready.wait(DEADLINE_SECONDS)
    running.port = web.servers[0].sockets[0].getsockname()[1]
    try:
        yield running
    finally:
        web.should_exit = True
        thread.join(DEADLINE_SECONDS)
