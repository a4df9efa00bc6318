"""One access token is kept good: taken once, renewed ahead of its end, never shown."""

import asyncio
from typing import Any
from urllib.parse import parse_qs

import httpx2
import pytest
from mcp_remote.client_credentials import ClientCredentials, ClientRegistration
from mcp_remote.credentials import CredentialError

REGISTRATION = ClientRegistration(
    token_url="https://login.example/token", client_id="fleet", client_secret="hush&hush", scopes=("read", "call")
)


class Issuer:
    """Answers token requests: `answer` may be changed."""

    def __init__(self) -> None:
        self.now = 0.0
        self.requests: list[httpx2.Request] = []
        self.answer: tuple[int, Any] = (200, {"token_type": "bearer", "expires_in": 600})

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        status, body = self.answer
        token = {"access_token": f"token-{len(self.requests)}"} if status == 200 else {}
        return httpx2.Response(status, json={**body, **token} if isinstance(body, dict) else body)

    def client(self, registration: ClientRegistration = REGISTRATION) -> ClientCredentials:
        http = httpx2.AsyncClient(transport=httpx2.MockTransport(self))
        return ClientCredentials(registration, http, lambda: self.now)


async def shown(credentials: ClientCredentials) -> str:
    return (await credentials.headers())["authorization"]


@pytest.mark.anyio
async def test_a_token_is_renewed_before_it_expires() -> None:
    issuer = Issuer()
    credentials = issuer.client()
    found = []
    for issuer.now in (0, 539, 541, 1000):
        found.append(await shown(credentials))
    assert found == ["Bearer token-1", "Bearer token-1", "Bearer token-2", "Bearer token-2"]


@pytest.mark.anyio
async def test_requests_at_the_same_time_take_one_token() -> None:
    issuer = Issuer()
    credentials = issuer.client()
    assert set(await asyncio.gather(*(shown(credentials) for _ in range(20)))) == {"Bearer token-1"}


@pytest.mark.anyio
async def test_a_renewal_that_fails_leaves_a_token_that_is_still_good() -> None:
    issuer = Issuer()
    credentials = issuer.client()
    await shown(credentials)
    issuer.now, issuer.answer = 560, (503, {})
    assert await shown(credentials) == "Bearer token-1"
    issuer.now = 601
    with pytest.raises(CredentialError, match="answered 503"):
        await shown(credentials)


@pytest.mark.anyio
async def test_a_token_that_was_refused_is_replaced_once_for_all_who_had_it() -> None:
    issuer = Issuer()
    credentials = issuer.client()
    first = await credentials.headers()
    assert await credentials.refused(first)
    assert await shown(credentials) == "Bearer token-2"
    assert await credentials.refused(first)
    assert await shown(credentials) == "Bearer token-2"


@pytest.mark.anyio
@pytest.mark.parametrize("way", ["basic", "post"])
async def test_id_and_secret_are_sent_as_the_issuer_wants_them(way: Any) -> None:
    issuer = Issuer()
    await shown(
        issuer.client(
            ClientRegistration(
                token_url=REGISTRATION.token_url,
                client_id="fleet",
                client_secret="hush&hush",
                client_authentication=way,
                resource="https://mcp.example/mcp",
            )
        )
    )
    (request,) = issuer.requests
    form = parse_qs(request.content.decode())
    assert form["grant_type"] == ["client_credentials"]
    assert form["resource"] == ["https://mcp.example/mcp"]
    assert ("authorization" in request.headers) == (way == "basic")
    assert form.get("client_secret") == (["hush&hush"] if way == "post" else None)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, {"error": "invalid_client", "error_description": "hush&hush is wrong"}, "answered 401 invalid_client"),
        (200, {"token_type": "mac"}, "no bearer token"),
        (200, ["hush&hush"], "no bearer token"),
        (302, {}, "answered 302"),
    ],
)
async def test_why_there_is_no_token_is_told_without_the_secret(status: int, body: Any, said: str) -> None:
    issuer = Issuer()
    issuer.answer = (status, body)
    with pytest.raises(CredentialError) as refused:
        await shown(issuer.client())
    assert said in str(refused.value)
    assert "hush" not in str(refused.value)
    assert "hush" not in repr(REGISTRATION)
