"""Follow the policy service by long polls: a change arrives in milliseconds, and an idle fleet is silent."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable

import httpx2
from mcp_wire import token

from .policy import Policy, PolicyError

WAIT_SECONDS = 30
RETRY_SECONDS = 0.2
LONGEST_RETRY_SECONDS = 2.0
CALL_TIMEOUT_SECONDS = 5.0

_log = logging.getLogger(__name__)


class PolicyUnavailableError(Exception):
    """The policy service did not answer with a policy. The message names its address and what it answered."""


class PolicyWatch:
    """A client of the policy service. Use as an async context manager."""

    def __init__(self, address: str, master: str, on_contact: Callable[[], None]) -> None:
        """`address` is a URL such as http://policy:8090; `on_contact` is called each time that it answered."""
        self._url = f"{address.rstrip('/')}/v1/policy"
        self._on_contact = on_contact
        authorization = f"Bearer {token.derive(master, token.POLICY_AUDIENCE)}"
        self._http = httpx2.AsyncClient(headers={"authorization": authorization}, timeout=CALL_TIMEOUT_SECONDS)

    async def __aenter__(self) -> "PolicyWatch":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def changes(self) -> AsyncIterator[Policy]:
        """Yield the policy, at once and after each change, for ever. One that can't be used is logged, skipped."""
        version, pause = "", RETRY_SECONDS
        while True:
            try:
                response = await self._poll(version)
                pause = RETRY_SECONDS
            except PolicyUnavailableError as error:
                _log.warning("keeping the policy as it is: %s", error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_RETRY_SECONDS)
                continue
            self._on_contact()
            if response.status_code == httpx2.codes.NOT_MODIFIED:
                continue
            version = response.headers["etag"]
            try:
                yield Policy.from_json(response.content, source=self._url)
            except PolicyError as error:
                _log.error("keeping the policy as it is: %s", error)

    async def _poll(self, version: str) -> httpx2.Response:
        conditional = {"if-none-match": version} if version else {}
        try:
            response = await self._http.get(
                self._url,
                params={"wait": str(WAIT_SECONDS)},
                headers=conditional,
                timeout=httpx2.Timeout(CALL_TIMEOUT_SECONDS, read=WAIT_SECONDS + CALL_TIMEOUT_SECONDS),
            )
        except httpx2.HTTPError as error:
            raise PolicyUnavailableError(f"{self._url}: {error or type(error).__name__}") from error
        if response.status_code not in (httpx2.codes.OK, httpx2.codes.NOT_MODIFIED):
            raise PolicyUnavailableError(f"{self._url}: {response.status_code} {response.text[:200]}")
        return response
