"""`mcp-remote` as a process: standard input and output, and how it ends."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from .remote_server import DEADLINE_SECONDS, Authority, Remote, remote

PING = '{"jsonrpc":"2.0","id":"a","method":"ping"}'


@pytest.fixture(scope="module")
def running(authority: Authority) -> Iterator[Remote]:
    with remote(authority.context()) as server:
        yield server


def start(*arguments: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    command = [sys.executable, "-m", "mcp_remote", *arguments]
    return subprocess.Popen(command, text=True, stdin=pipe, stdout=pipe, stderr=pipe)


def test_it_answers_what_was_asked_before_the_input_ended(running: Remote) -> None:
    with start(running.url) as process:
        said, errors = process.communicate(f"{PING}\nno message\n", DEADLINE_SECONDS)
    answers = [json.loads(line) for line in said.splitlines()]
    assert {answer["id"]: answer["error"]["code"] for answer in answers} == {"a": -32603, None: -32700}
    assert process.returncode == 0
    assert errors == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_it_is_told_to(running: Remote, number: signal.Signals) -> None:
    with start(running.url) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{PING}\n")
        process.stdin.flush()
        assert process.stdout.readline()
        process.send_signal(number)
        assert process.wait(DEADLINE_SECONDS) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("https://localhost/mcp", "--header=Authorization: Bearer {NOT_SET}"), "the variable NOT_SET is not set"),
        (("http://localhost/mcp",), "must be an https:// URL"),
    ],
)
def test_it_does_not_start_without_tls_or_its_credential(arguments: tuple[str, ...], said: str) -> None:
    with start(*arguments) as process:
        _, errors = process.communicate("", DEADLINE_SECONDS)
    assert process.returncode != 0
    assert said in errors
