"""Access tokens by OAuth's client credentials grant, renewed before they expire.

Sources: RFC 6749, sections 2.3.1, 4.4, 5.1 and 5.2; RFC 8707 for `resource`.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import quote_plus

import httpx2

from .credentials import CredentialError
from .faults import unreachable

TOKEN_SECONDS: Final = 15.0
"""How long the token endpoint may take to answer."""
LEAD_SECONDS: Final = 60.0
"""A token is renewed so long before it expires, or in the last fifth of its life where that is later."""
_PAUSE_SECONDS: Final = 5.0
"""After a renewal that failed while the old token is good, before the next attempt."""


@dataclass(frozen=True, kw_only=True)
class ClientRegistration:
    """What an authorization server knows the fleet by.

    Arguments:
        token_url: where tokens are asked for.
        scopes: what the token is to be good for; the server's default without any.
        resource: the URL of the server that it is for, where the authorization server wants to know (RFC 8707).
        client_authentication: `basic` sends id and secret as a header, `post` in the body.
    """

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: tuple[str, ...] = ()
    resource: str = ""
    client_authentication: Literal["basic", "post"] = "basic"


@dataclass(frozen=True, kw_only=True)
class _Token:
    value: str = field(repr=False)
    renew_at: float
    expires_at: float


class ClientCredentials:
    """Keeps one access token good."""

    def __init__(
        self, registration: ClientRegistration, http: httpx2.AsyncClient, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`http` reaches the token endpoint; `clock` returns seconds that never go back."""
        self._registration = registration
        self._http = http
        self._clock = clock
        self._token: _Token | None = None
        self._renewing = asyncio.Lock()

    async def headers(self) -> Mapping[str, str]:
        """Return the token as a header, a new one where the one at hand is about to expire. Raises CredentialError."""
        async with self._renewing:
            token = self._token
            if token is None or self._clock() >= token.renew_at:
                token = self._token = await self._renewed(token)
        return {"authorization": f"Bearer {token.value}"}

    async def refused(self, headers: Mapping[str, str]) -> bool:
        """Forget the token if it was the one that was refused: the next one may be taken."""
        async with self._renewing:
            if self._token is not None and headers.get("authorization") == f"Bearer {self._token.value}":
                self._token = None
        return True

    async def _renewed(self, old: _Token | None) -> _Token:
        try:
            return await self._fetched()
        except CredentialError:
            now = self._clock()
            if old is None or now >= old.expires_at:
                raise
            return _Token(value=old.value, renew_at=now + _PAUSE_SECONDS, expires_at=old.expires_at)

    async def _fetched(self) -> _Token:
        asked_at = self._clock()
        url = self._registration.token_url
        try:
            response = await self._http.post(
                url,
                data=self._form(),
                headers={"accept": "application/json"},
                auth=self._account(),
                timeout=TOKEN_SECONDS,
                follow_redirects=False,
            )
        except httpx2.TransportError as error:
            raise CredentialError(f"no access token: {unreachable(httpx2.URL(url), error)}") from error
        return self._read(response, asked_at)

    def _form(self) -> dict[str, str]:
        registration = self._registration
        form = {"grant_type": "client_credentials"}
        if registration.scopes:
            form["scope"] = " ".join(registration.scopes)
        if registration.resource:
            form["resource"] = registration.resource
        if registration.client_authentication == "post":
            form |= {"client_id": registration.client_id, "client_secret": registration.client_secret}
        return form

    def _account(self) -> httpx2.Auth:
        if self._registration.client_authentication == "post":
            return httpx2.Auth()
        return httpx2.BasicAuth(quote_plus(self._registration.client_id), quote_plus(self._registration.client_secret))

    def _read(self, response: httpx2.Response, asked_at: float) -> _Token:
        url = self._registration.token_url
        try:
            answer: Any = response.json()
        except ValueError:
            answer = None
        answer = answer if isinstance(answer, dict) else {}
        if response.status_code != httpx2.codes.OK:
            # The error's code alone: its description is free text, which might repeat what was sent.
            reason = f" {answer['error']}" if isinstance(answer.get("error"), str) else ""
            raise CredentialError(
                f"no access token: {url} answered {response.status_code}{reason}; check `auth`: its client's id, "
                "secret and scopes"
            )
        value, kind = answer.get("access_token"), answer.get("token_type")
        if not isinstance(value, str) or not value or not isinstance(kind, str) or kind.lower() != "bearer":
            raise CredentialError(f"no access token: {url} answered with no bearer token; check `token-url`")
        lifetime = answer.get("expires_in")
        if not isinstance(lifetime, int | float) or isinstance(lifetime, bool) or lifetime <= 0:
            return _Token(value=value, renew_at=float("inf"), expires_at=float("inf"))  # until it is refused
        lead = min(LEAD_SECONDS, lifetime / 5)
        return _Token(value=value, renew_at=asked_at + lifetime - lead, expires_at=asked_at + lifetime)
