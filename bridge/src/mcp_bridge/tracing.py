"""Spans of calls on their way to an OTLP receiver: a bounded queue, and a task of its own that empties it.

A receiver that is away or slow costs spans, which are counted, and never a call.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Mapping
from itertools import islice
from typing import Final

import httpx2

from . import logs
from .call_counts import CallLabels
from .core.calls import Asked
from .core.spans import Span
from .otlp import Encoder, EndedCall

QUEUE: Final = 4096
BATCH: Final = 1024
"""Spans in one request: a request costs as much as encoding hundreds, and encoding these holds calls up for 2 ms."""

INTERVAL_SECONDS: Final = 2.0
TIMEOUT_SECONDS: Final = 5.0
LAST_SECONDS: Final = 1.0
"""For what is left when the bridge ends."""

RETRYABLE: Final = frozenset({429, 502, 503, 504})
"""https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes"""


class Tracing:
    """Sends spans to a receiver.

    Arguments:
        endpoint: its base URL; `/v1/traces` is added.
        resource: attributes of the process, such as service.name.
        version: of the bridge.
    """

    def __init__(self, endpoint: str, resource: Mapping[str, str], version: str) -> None:
        self._url = endpoint.rstrip("/") + "/v1/traces"
        self._encoder = Encoder(resource, version)
        self._queue: deque[EndedCall] = deque()
        self._full = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._http = httpx2.AsyncClient(
            timeout=TIMEOUT_SECONDS, trust_env=False, headers={"content-type": "application/x-protobuf"}
        )
        self._away = False
        self.sent = 0
        self.dropped = 0

    def start(self) -> None:
        """Begin to send."""
        self._task = asyncio.create_task(self._run())

    def settled(
        self, span: Span, asked: Asked, client_id: bytes, labels: CallLabels, seconds: float, *, cached: bool = False
    ) -> None:
        """Take the span of a request that has ended; `cached`: without the server. `client_id`: its id as JSON."""
        if len(self._queue) >= QUEUE:
            self.dropped += 1
            return
        end = time.time_ns()
        self._queue.append(
            EndedCall(
                span,
                labels,
                asked.caller.revision,
                asked.caller.client,
                asked.exchange.origin.request_id,
                client_id.decode().strip('"'),
                end - int(seconds * 1e9),
                end,
                cached,
            )
        )
        if len(self._queue) == BATCH:
            self._full.set()

    async def stop(self) -> None:
        """Send what is left, if that is quickly done."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_SECONDS):
                while self._queue and await self._send():
                    pass
        await self._http.aclose()

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._full.wait(), INTERVAL_SECONDS)
            self._full.clear()
            while self._queue and await self._send():
                pass

    async def _send(self) -> bool:
        """Send one batch; False where the receiver is away: the batch stays for the next time."""
        batch = list(islice(self._queue, BATCH))
        try:
            response = await self._http.post(self._url, content=self._encoder.encode(batch))
        except httpx2.HTTPError as error:
            return self._unreachable(str(error) or type(error).__name__)
        if response.status_code in RETRYABLE:
            return self._unreachable(f"status {response.status_code}")
        for _ in batch:
            self._queue.popleft()
        if response.is_success:
            self._away = False
            self.sent += len(batch)
        else:
            self.dropped += len(batch)
            logs.warning("traces_refused", url=self._url, status=response.status_code, spans=len(batch))
        return True

    def _unreachable(self, reason: str) -> bool:
        if not self._away:
            logs.warning("trace_receiver_unreachable", url=self._url, reason=reason)
        self._away = True
        return False
