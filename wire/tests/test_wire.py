"""What goes to Consul comes back as the same endpoint, and no token opens another server's door."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp_wire import token
from mcp_wire.consul import Consul, ConsulError
from mcp_wire.registration import Endpoint, Registration

NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,20}[a-z0-9]", fullmatch=True)


def registration(server: str = "time", slot: int = 1, task: str = "k3j4h5k6j7") -> Registration:
    return Registration(
        server=server,
        slot=slot,
        task=task,
        address="10.0.1.7",
        port=8080,
        version="2026.8.0",
        revisions=("2026-07-28", "2025-11-25"),
        capabilities=("tools",),
    )


@given(server=NAMES, slot=st.integers(1, 999), status=st.sampled_from(["passing", "critical", "warning"]))
def test_an_endpoint_read_back_is_the_replica_that_registered(server: str, slot: int, status: str) -> None:
    written = registration(server, slot)
    body = written.to_consul(ttl_seconds=10, passing=False)
    answer = {
        "Service": {
            "ID": body["ID"],
            "Service": body["Name"],
            "Address": body["Address"],
            "Port": body["Port"],
        },
        "Checks": [{"Status": "passing"}, {"Status": status}],
    }
    assert Endpoint.from_consul(json.loads(json.dumps(answer))) == Endpoint(
        id=written.id, server=server, address="10.0.1.7", port=8080, passing=status == "passing"
    )


def test_two_tasks_of_one_slot_have_ids_of_their_own() -> None:
    old, new = registration(task="aaaaaaaaaaaa"), registration(task="bbbbbbbbbbbb")
    assert old.id == "mcp-time-001-aaaaaaaa"
    assert old.id != new.id


@given(first=NAMES, second=NAMES)
def test_a_token_opens_one_server_only(first: str, second: str) -> None:
    mine = token.derive("master", token.server_audience(first))
    other = token.derive("master", token.server_audience(second))
    assert token.matches(mine, other) == (first == second)
    assert not token.matches(mine, token.derive("master", token.POLICY_AUDIENCE))


@given(st.text())
def test_any_text_can_be_compared(given_token: str) -> None:
    assert not token.matches("expected", "x" + given_token)


@asynccontextmanager
async def answering(status: int, body: bytes, index: int = 0) -> AsyncIterator[str]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nX-Consul-Index: %d\r\nConnection: close\r\n\r\n%b"
            % (status, len(body), index, body)
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def refused() -> None:
    async with answering(500, b"No cluster leader") as address, Consul(address) as consul:
        await consul.refresh(registration())


def test_a_refusal_names_the_call_and_the_reason() -> None:
    with pytest.raises(ConsulError, match=r"PUT http://.*/v1/agent/check/pass/.*500 No cluster leader"):
        asyncio.run(refused())


@pytest.mark.parametrize(("seen", "answered", "returned"), [(3, 9, 9), (9, 3, 0), (5, 5, 5)])
def test_an_index_that_went_backwards_starts_anew(seen: int, answered: int, returned: int) -> None:
    async def wait() -> int:
        async with answering(200, b"[]", index=answered) as address, Consul(address) as consul:
            return await consul.wait_for_change(seen, wait_seconds=0.1)

    assert asyncio.run(wait()) == returned
