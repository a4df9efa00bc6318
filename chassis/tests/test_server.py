"""Servers on the chassis, as processes, asked by the official client."""

import io
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp_chassis import logs
from mcp_chassis.testing import ERAS, ServerProcess, text, tool_error
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from .service import serving

SERVER = ServerProcess("example_server", source=Path(__file__).parent)
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize("mode", ERAS)
def test_a_server_answers_and_says_how_it_is_in_both_eras(mode: str) -> None:
    async def work(client: Client) -> None:
        assert text(await client.call_tool("greet", {"name": "you"})) == "good morning you"
        report: Any = (await client.call_tool("health", {})).structured_content
        assert report["status"] == "healthy"
        assert report["version"] == "1.2.3"
        assert report["components"]["wiki"]["status"] == "healthy"

    SERVER.ask(work, mode=mode, MCP_GREETING="good morning")


def test_lines_are_json_with_the_trace_of_the_call(tmp_path: Path) -> None:
    async def work(client: Client) -> None:
        meta: Any = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
        await client.call_tool("greet", {"name": "Zoë"}, meta=meta)
        await client.call_tool("greet", {"name": "b"})

    with (tmp_path / "log").open("w") as log:
        SERVER.ask(work, log=log)
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    first, second = (line for line in lines if line["event"] == "greeted")
    assert (first["server"], first["level"], first["name"]) == ("example", "info", "Zoë")
    assert (first["correlation_id"], first["method"]) == (TRACE, "tools/call")
    assert second["correlation_id"].startswith("request-")
    assert {"time", "logger"} <= first.keys()


def test_the_bridge_can_read_what_a_server_counts(tmp_path: Path) -> None:
    async def work(client: Client) -> None:
        assert "well" in text(await client.call_tool("read", {"page": "home"}))
        await client.call_tool("health", {})

    with serving() as service:
        SERVER.ask(work, MCP_WIKI_URL=service.url, PROMETHEUS_MULTIPROC_DIR=str(tmp_path))
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(tmp_path))  # type: ignore[no-untyped-call]
    page = generate_latest(registry).decode()
    assert 'mcp_upstream_requests_total{outcome="200",upstream="wiki"} 1.0' in page
    assert 'mcp_component_health{component="wiki"} 1.0' in page


def test_a_service_that_is_away_is_a_tool_error_and_the_server_goes_on() -> None:
    async def work(client: Client) -> None:
        assert "wiki is not able to answer (HTTP 500)" in await tool_error(client, "read", {"page": "home"})
        assert not (await client.call_tool("greet", {"name": "you"})).is_error

    with serving() as service:
        service.answers = [500]
        SERVER.ask(work, MCP_WIKI_URL=service.url)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"MCP_LOG_LEVEL": "loud"}, "example: settings won't do: MCP_LOG_LEVEL"),
        ({"MCP_GREETING": "HELLO"}, "example: MCP_GREETING: shouts"),
        ({"MCP_SETTINGS_FILE": "/nowhere.json"}, "example: MCP_SETTINGS_FILE: /nowhere.json"),
    ],
)
def test_a_server_that_can_not_start_says_why_in_one_line(variables: dict[str, str], said: str) -> None:
    refusal = SERVER.refusal(**variables)
    assert refusal.startswith(said)
    assert refusal.count("\n") == 1


def test_the_level_counts_for_the_lines_of_libraries_too() -> None:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    try:
        logs.configure("warning", "example", stream)
        logging.getLogger("library").info("not said")
        logs.set_level("info")
        logging.getLogger("library").info("said %s", "this")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    (line,) = map(json.loads, stream.getvalue().splitlines())
    assert (line["event"], line["logger"], line["server"]) == ("said this", "library", "example")
