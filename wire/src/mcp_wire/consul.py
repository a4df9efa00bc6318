"""The five calls of Consul's HTTP API that the fleet makes: https://developer.hashicorp.com/consul/api-docs."""

from typing import Any
from urllib.parse import quote

import httpx2

from .registration import Endpoint, Registration

CALL_TIMEOUT_SECONDS = 5.0
JITTER_FRACTION = 16
"""Consul answers a blocking query up to wait/16 late."""


class ConsulError(Exception):
    """Consul did not answer, or refused. The message names the call and the address."""


class Consul:
    """A client of one Consul agent. Use as an async context manager."""

    def __init__(self, address: str) -> None:
        """`address` is a URL such as http://consul:8500; a DNS name is resolved anew for each connection."""
        self.address = address
        self._http = httpx2.AsyncClient(base_url=address, timeout=CALL_TIMEOUT_SECONDS)

    async def __aenter__(self) -> "Consul":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def register(self, registration: Registration, *, ttl_seconds: int, passing: bool) -> None:
        """Create or replace a registration; replacing keeps a passing check passing."""
        body = registration.to_consul(ttl_seconds=ttl_seconds, passing=passing)
        await self._call("PUT", "/v1/agent/service/register", json=body)

    async def refresh(self, registration: Registration) -> None:
        """Pass the TTL check. Raises ConsulError where the agent doesn't know it: register again then."""
        await self._call("PUT", f"/v1/agent/check/pass/{quote('service:' + registration.id, safe='')}")

    async def deregister(self, registration: Registration) -> None:
        """Remove a registration. One that is already gone is no error on old agents and a 404 on new ones."""
        await self._call("PUT", f"/v1/agent/service/deregister/{registration.id}", also_good=(404,))

    async def services(self) -> frozenset[str]:
        """Return the names of all registered services."""
        response = await self._call("GET", "/v1/catalog/services")
        return frozenset(response.json())

    async def endpoints(self, service: str) -> tuple[Endpoint, ...]:
        """Return all replicas of a service, passing or not, sorted by id."""
        response = await self._call("GET", f"/v1/health/service/{quote(service, safe='')}")
        return tuple(sorted(map(Endpoint.from_consul, response.json()), key=lambda endpoint: endpoint.id))

    async def wait_for_change(self, index: int, *, wait_seconds: float) -> int:
        """Block until any check changed after `index` or `wait_seconds` passed; return the new index.

        An index that went backwards means that Consul lost its state: 0 is returned, so that the caller reads
        afresh (https://developer.hashicorp.com/consul/api-docs/features/blocking).
        """
        response = await self._call(
            "GET",
            "/v1/health/state/any",
            params={"index": str(index), "wait": f"{int(wait_seconds * 1000)}ms"},
            answer_within=wait_seconds * (1 + 1 / JITTER_FRACTION) + CALL_TIMEOUT_SECONDS,
        )
        new = int(response.headers["X-Consul-Index"])
        return new if new >= index else 0

    async def _call(
        self,
        method: str,
        path: str,
        *,
        json: dict[str, Any] | None = None,
        params: dict[str, str] | None = None,
        answer_within: float = CALL_TIMEOUT_SECONDS,
        also_good: tuple[int, ...] = (),
    ) -> httpx2.Response:
        try:
            response = await self._http.request(method, path, json=json, params=params, timeout=answer_within)
        except httpx2.HTTPError as error:
            raise ConsulError(f"{method} {self.address}{path}: {error or type(error).__name__}") from error
        if response.is_error and response.status_code not in also_good:
            raise ConsulError(f"{method} {self.address}{path}: {response.status_code} {response.text[:200]}")
        return response
