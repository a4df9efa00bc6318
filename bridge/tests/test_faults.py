"""A mistake in the bridge costs one request, and the log says where it is without quoting anybody."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from bridge.tests.rig import Bridge, bridge, post, server, text_of, tool

IN_THE_ENVIRONMENT = 'of-the-"fleet"\\hunter2'
IN_THE_ARGUMENTS = "sk-pasted-by-somebody"
GATEWAY_TOKEN = "s3cret-gateway-token"


@pytest.fixture
def faulty(tmp_path: Path) -> Iterator[Bridge]:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "API_TOKEN").write_text(IN_THE_ENVIRONMENT)
    (tmp_path / "token").write_text(GATEWAY_TOKEN)
    options = ("--secrets-dir", str(secrets), "--gateway-token-file", str(tmp_path / "token"), "--host", "127.0.0.1")
    with bridge(*server("session_era"), options=options, program=("-m", "bridge.tests.faulty_bridge")) as running:
        running.wait_ready()
        yield running


def call(running: Bridge, text: str, timeout: float = 20) -> httpx2.Response:
    arguments = tool("echo", text=f"{text} {IN_THE_ARGUMENTS} {IN_THE_ENVIRONMENT}")
    headers = {"x-mcp-gateway-token": GATEWAY_TOKEN}
    return post(running, "tools/call", arguments, modern=True, headers=headers, timeout=timeout)


def test_a_fault_is_found_in_the_log_and_no_secret_is(faulty: Bridge) -> None:
    refused = call(faulty, "at-the-request")
    assert (refused.status_code, refused.text) == (500, "Internal error.\n")
    in_the_request = faulty.wait_for("request_failed")
    in_the_loop = faulty.wait_for("fault_in_the_loop")
    with pytest.raises(httpx2.TimeoutException):
        call(faulty, "at-the-answer", timeout=1)
    in_the_answer = faulty.wait_for("message_of_child_failed")
    for fault in (in_the_request, in_the_loop, in_the_answer):
        assert "in quote" in fault["traceback"]
        assert "MistakeError\ncaused by:" in fault["traceback"]
        assert fault["traceback"].endswith("KeyError")
    assert text_of(call(faulty, "after all that")).startswith("after all that")
    assert faulty.stop() == 0
    escaped = (json.dumps(IN_THE_ENVIRONMENT)[1:-1], repr(IN_THE_ENVIRONMENT)[1:-1])
    log = "".join([*faulty.raw, *map(str, faulty.lines)])
    for secret in (IN_THE_ARGUMENTS, IN_THE_ENVIRONMENT, GATEWAY_TOKEN, *escaped):
        assert secret not in log
