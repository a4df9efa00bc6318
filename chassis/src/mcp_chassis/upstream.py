"""Calls of one other service over HTTP: limited, tried again where that is safe, and left alone when it fails.

Errors are tool errors: a tool may let them pass, and the model reads what to do.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Final

import anyio
import httpx2
from mcp.server.mcpserver.exceptions import ToolError
from purgatory import AsyncCircuitBreakerFactory
from purgatory.domain.messages.base import Event
from purgatory.domain.model import OpenedState
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_exponential

from .health import Component, Status
from .metrics import UPSTREAM_CIRCUIT, UPSTREAM_REQUESTS, UPSTREAM_SECONDS

CONNECTIONS: Final = 100
"""Requests under way at a time, to all services together."""
CONNECTIONS_A_SERVICE: Final = 30
IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
"""Methods that may be sent twice (RFC 9110, 9.2.2)."""
BUSY: Final = frozenset({429, 502, 503, 504})
"""Answers that say: not now."""
DETAIL_CHARACTERS: Final = 300
_CIRCUIT: Final = {"closed": 0, "half-opened": 1, "opened": 2}
_NOT_SENT: Final = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
"""Failures before the request was sent: whatever it was, it may be sent again."""


class UpstreamError(ToolError):
    """The service did not do what it was asked for, and may do it later."""


class UpstreamRefusedError(UpstreamError):
    """The service refused the request itself: sent again, it would be refused again."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class _BusyError(Exception):
    """An answer that says: not now. Counts as a failure of the service, as one of the connection does."""

    def __init__(self, response: httpx2.Response) -> None:
        super().__init__(f"HTTP {response.status_code}")
        self.response = response


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How much is borne. Times are in seconds.

    Arguments:
        attempts: at one request, the first included.
        shortest: pause between two of them; it doubles.
        longest: pause between two of them, also where the service asks for more.
        timeout: of one attempt, for each of connecting, sending and receiving.
        failures: in a row, after which the service is left alone.
        recovery: for how long.
    """

    attempts: int = 3
    shortest: float = 4.0
    longest: float = 10.0
    timeout: float = 30.0
    failures: int = 5
    recovery: float = 60.0


class Upstream:
    """One service. To be entered before it is called: `async with`.

    Arguments:
        name: of the service, in messages and metrics.
        base_url: what paths are relative to.
        headers: sent with each request, such as Authorization.
        slots: shared by all services of a process.
        patience: how much is borne.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        slots: anyio.CapacityLimiter,
        patience: Patience | None = None,
    ) -> None:
        self.name = name
        self._patience = patience or Patience()
        self._slots = slots
        self._client = httpx2.AsyncClient(
            base_url=base_url,
            headers=dict(headers or {}),
            timeout=self._patience.timeout,
            limits=httpx2.Limits(
                max_connections=CONNECTIONS_A_SERVICE, max_keepalive_connections=CONNECTIONS_A_SERVICE
            ),
        )
        # A call that was cancelled says nothing of the service.
        self._circuits = AsyncCircuitBreakerFactory(
            self._patience.failures, self._patience.recovery, exclude=[asyncio.CancelledError]
        )
        self._circuits.add_listener(self._circuit_changed)
        self._circuit = "closed"
        UPSTREAM_CIRCUIT.labels(name).set(0)

    async def __aenter__(self) -> "Upstream":
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self._client.__aexit__(kind, error, traceback)

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        json: object = None,
        idempotent: bool | None = None,
    ) -> httpx2.Response:
        """Return the answer, whose status is below 400.

        Arguments:
            idempotent: whether the request may be sent twice, where its method does not tell.

        Raises:
            UpstreamRefusedError: The service refused it (4xx, or a redirect).
            UpstreamError: The service could not be reached, is not able to answer, or is left alone for a while.
        """
        repeatable = method in IDEMPOTENT if idempotent is None else idempotent
        request = self._client.build_request(method, path, params=params, json=json)
        retrying = AsyncRetrying(
            stop=stop_after_attempt(self._patience.attempts),
            wait=self._pause,
            retry=retry_if_exception(lambda error: self._may_try_again(error, repeatable=repeatable)),
            reraise=True,
        )
        try:
            response: httpx2.Response = await retrying(self._attempt, request)
        except OpenedState:
            raise UpstreamError(
                f"{self.name} failed {self._patience.failures} times in a row and is left alone for "
                f"{self._patience.recovery:g} s. Do something else, and try again then."
            ) from None
        except _BusyError as error:
            raise UpstreamError(f"{self.name} {_busy(error.response)}") from error
        except httpx2.TransportError as error:
            raise UpstreamError(
                f"{self.name} could not be reached ({type(error).__name__}). Try again in a minute; "
                f"if it stays so, tell the operator of this server."
            ) from error
        if not response.is_success:
            raise UpstreamRefusedError(f"{self.name} {_refusal(response)}", response.status_code)
        return response

    async def check(self) -> Component:
        """Return how the service is, for Health: what calls of it have shown, without one more."""
        if self._circuit == "closed":
            return Component()
        status = Status.UNHEALTHY if self._circuit == "opened" else Status.DEGRADED
        return Component(status=status, reason=f"its circuit is {self._circuit} after too many failures")

    async def _attempt(self, request: httpx2.Request) -> httpx2.Response:
        outcome = "left_alone"
        try:
            async with await self._circuits.get_breaker(self.name), self._slots:
                outcome = "failed"
                with UPSTREAM_SECONDS.labels(self.name).time():
                    response = await self._client.send(request)
                outcome = str(response.status_code)
                if response.status_code >= 500 or response.status_code in BUSY:
                    raise _BusyError(response)
                return response
        finally:
            UPSTREAM_REQUESTS.labels(self.name, outcome).inc()

    def _may_try_again(self, error: BaseException, *, repeatable: bool) -> bool:
        if isinstance(error, _NOT_SENT):
            return True
        if isinstance(error, _BusyError):
            # 429 and 503 say that nothing was done.
            status = error.response.status_code
            return status in BUSY and (repeatable or status in (429, 503))
        return repeatable and isinstance(error, httpx2.TransportError)

    def _pause(self, state: RetryCallState) -> float:
        patience = self._patience
        pause = float(wait_exponential(patience.shortest, patience.longest, min=patience.shortest)(state))
        error = state.outcome.exception() if state.outcome else None
        asked = error.response.headers.get("retry-after", "") if isinstance(error, _BusyError) else ""
        return min(max(pause, float(asked)), patience.longest) if asked.isdigit() else pause

    def _circuit_changed(self, _: str, kind: str, event: Event) -> None:
        if kind == "state_changed":
            self._circuit = str(vars(event)["state"])
            UPSTREAM_CIRCUIT.labels(self.name).set(_CIRCUIT[self._circuit])


def _busy(response: httpx2.Response) -> str:
    if response.status_code == 429:
        wait = response.headers.get("retry-after")
        return f"answers too many requests (HTTP 429). Ask for less, {f'in {wait} s' if wait else 'and later'}."
    return f"is not able to answer (HTTP {response.status_code}). Try again in a minute."


def _refusal(response: httpx2.Response) -> str:
    status = response.status_code
    if status in (401, 403):
        return f"refused the credentials of this server (HTTP {status}). Only its operator can change them."
    if response.is_redirect:
        return f"answers with a redirect (HTTP {status}), which is not followed. Its address here may be out of date."
    detail = " ".join(response.text.split())[:DETAIL_CHARACTERS]
    return f"refused the request (HTTP {status}){f': {detail}' if detail else ''}. Change its arguments."
