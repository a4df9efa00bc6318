"""Calls through a load balancer by the official MCP client, one by one or without end beside another operation."""

import asyncio
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Self

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from dev.cloud.cloud import Cloud
from dev.errors import EngineError

CALL_SECONDS: Final = 30.0
PAUSE_SECONDS: Final = 0.2
"""Between two calls of steady traffic: enough of them to notice a gap, without taking the machine from the fleet."""
REVISION: Final = "2026-07-28"


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of a tool, and what its answer has to have.

    Arguments:
        url: of the server, as the stack exports it.
        expect: part of the text of a right answer.
    """

    url: str
    token: str = field(repr=False)
    tool: str
    arguments: dict[str, Any]
    expect: str

    @classmethod
    def of_time(cls, outputs: Mapping[str, Any], client: str) -> Self:
        """A call of the server `time` of a stack with these outputs, as one of its clients."""
        zone = "Europe/Berlin"
        url, token = outputs["urls"]["time"], outputs["tokens"][client]
        return cls(url=url, token=token, tool="get_current_time", arguments={"timezone": zone}, expect=zone)


class _Resolved(httpx2.AsyncHTTPTransport):
    """Connects to a given address whatever the URL's host is, and knows that host's certificate alone."""

    def __init__(self, address: str, certificate: str) -> None:
        context = ssl.create_default_context(cadata=certificate)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # moto's certificates have no issuer that exists
        super().__init__(verify=context)
        self._address = address

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        request.extensions = {**request.extensions, "sni_hostname": request.url.host}
        request.url = request.url.copy_with(host=self._address)
        return await super().handle_async_request(request)


class Caller:
    """Calls servers of stacks in a cloud, by their domain."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._balancers: dict[str, str] = {}

    def call(self, call: Call) -> str:
        """List the tools, call one, and return its text.

        Raises:
            EngineError: No answer, or not the one that was expected.
        """

        async def bounded() -> str:
            async with asyncio.timeout(CALL_SECONDS):
                return await self._call(call)

        try:
            answer = asyncio.run(bounded())
        except Exception as error:
            reason = error.exceptions[0] if isinstance(error, ExceptionGroup) else error
            raise EngineError(f"{call.url}: {type(reason).__name__} {reason}") from error
        if call.expect not in answer:
            raise EngineError(f"{call.url}: {call.tool} says {answer!r}; expected {call.expect!r} in it")
        return answer

    def wait(self, call: Call, seconds: float) -> float:
        """Call until the answer is right; return how many seconds that took.

        Raises:
            EngineError: It took too long; with what the last call met.
        """
        started = time.monotonic()
        while True:
            try:
                self.call(call)
            except EngineError:
                if time.monotonic() - started > seconds:
                    raise
                time.sleep(PAUSE_SECONDS)
            else:
                return time.monotonic() - started

    @contextmanager
    def traffic(self, call: Call) -> "Iterator[Traffic]":
        """Call again and again until the block ends."""
        traffic = Traffic()
        stop = threading.Event()

        def work() -> None:
            while not stop.is_set():
                began = time.monotonic()
                try:
                    self.call(call)
                except EngineError as error:
                    traffic.failures.append(str(error))
                    traffic.unanswered += time.monotonic() - began
                else:
                    traffic.answered += 1
                stop.wait(PAUSE_SECONDS)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield traffic
        finally:
            stop.set()
            thread.join()

    async def _call(self, call: Call) -> str:
        domain = httpx2.URL(call.url).host
        if domain not in self._balancers:
            self._balancers[domain] = self._cloud.balancer_of(domain)
        name = self._balancers[domain]
        transport = _Resolved(self._cloud.balancers.address(name), self._cloud.balancers.certificate(name))
        headers = {"Authorization": f"Bearer {call.token}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=CALL_SECONDS, transport=transport) as http,
            Client(streamable_http_client(call.url, http_client=http), mode=REVISION) as client,
        ):
            await client.list_tools()
            result = await client.call_tool(call.tool, call.arguments)
            text = "\n".join(getattr(part, "text", "") for part in result.content)
            if result.is_error:
                raise EngineError(text)
            return text


@dataclass
class Traffic:
    """Calls made beside an operation: how many were answered rightly, what went wrong with the others, for how long."""

    answered: int = 0
    failures: list[str] = field(default_factory=list)
    unanswered: float = 0.0

    def __str__(self) -> str:
        return f"{self.answered} calls answered, {len(self.failures)} failed"
