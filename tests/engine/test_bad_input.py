"""Bad input is refused by the preview, with the file, the key and the remedy, and nothing is changed."""

from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import MakeDeployment
from .deployment import Deployment

GOOD = "pypi:mcp-server-time@2026.10.19"


@pytest.fixture(scope="module")
def empty(make_deployment: MakeDeployment) -> Iterator[Deployment]:
    """A stack that was never brought up."""
    deployment = make_deployment("empty")
    deployment.config |= {"clients": {"codex": {"tier": "pro"}}, "servers": {"time": GOOD}}
    yield deployment
    assert deployment.leftovers() == []


CASES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "an unknown key": ({"severs": {}}, ("severs", "servers")),
    "an unpinned source": (
        {"servers": {"time": "pypi:mcp-server-time"}},
        ("servers.time", "version", "fleet add"),
    ),
    "a malformed source": ({"servers": {"time": "pipy:x@1"}}, ("servers.time", "pypi:")),
    "a name that is no DNS label": ({"servers": {"Time_1": GOOD}}, ("Time_1", "lower")),
    "a name that is too long": ({"servers": {"t" * 60: GOOD}}, ("t" * 60, "long")),
    "a path that is not there": ({"servers": {"time": "./servers/nowhere"}}, ("servers/nowhere",)),
    "an unknown tier": ({"clients": {"codex": {"tier": "gold"}}}, ("codex", "gold", "pro")),
    "an unknown server": (
        {"clients": {"codex": {"tier": "pro", "servers": ["tyme"]}}},
        ("codex", "tyme", "time"),
    ),
    "a missing secret": (
        {"servers": {"time": {"source": GOOD, "secrets": ["TOKEN"]}}},
        ("time", "TOKEN", "pulumi config set --secret --path"),
    ),
    "a limit over the host's": (
        {"servers": {"time": {"source": GOOD, "memory": "9000G"}}},
        ("servers.time.memory", "lower it"),
    ),
    "a package that is not there": (
        {"servers": {"time": "pypi:mcp-server-time-which-nobody-made@1.0"}},
        ("mcp-server-time-which-nobody-made", "servers.time"),
    ),
    "a version that is not there": ({"servers": {"time": "pypi:mcp-server-time@1999.1.1"}}, ("1999.1.1",)),
    "an npm version that is not there": (
        {"servers": {"memory": "npm:@modelcontextprotocol/server-memory@0.0.0"}},
        ("0.0.0", "servers.memory"),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_preview_refuses_it_and_says_what_to_do(empty: Deployment, case: str) -> None:
    change, expected = CASES[case]
    with empty.changed(**change):
        said = empty.failing(empty.stack.preview)
    for text in (empty.config_file.name, *expected):
        assert text in said, said
    assert "Traceback" not in said


def test_a_missing_package_is_told_in_three_lines(empty: Deployment) -> None:
    with empty.changed(servers={"time": "pypi:mcp-server-time@1999.1.1"}):
        said = empty.failing(empty.stack.preview)
    told = [line for line in said.splitlines() if "1999.1.1" in line or "servers.time" in line]
    assert 1 <= len(set(told)) <= 3


def test_two_servers_of_one_name_are_refused(empty: Deployment) -> None:
    empty.write()
    text = empty.config_file.read_text()
    doubled = text.replace(f"    time: {GOOD}\n", f"    time: {GOOD}\n    time: {GOOD}\n")
    assert doubled != text
    empty.config_file.write_text(doubled)
    run = empty.preview_of_the_file_as_it_is()
    assert run.returncode != 0
    assert 'mapping key "time" already defined' in run.stdout + run.stderr, "by Pulumi itself, with the line"


def test_a_docker_that_does_not_answer_is_named(empty: Deployment) -> None:
    empty.write()
    run = empty.preview_of_the_file_as_it_is(DOCKER_HOST="unix:///nowhere/docker.sock")
    assert run.returncode != 0
    assert "/nowhere/docker.sock" in run.stdout + run.stderr


def test_a_docker_context_in_the_caller_s_shell_does_not_lead_the_stack_elsewhere(empty: Deployment) -> None:
    empty.write()
    run = empty.preview_of_the_file_as_it_is(DOCKER_CONTEXT="elsewhere")
    assert run.returncode != 0
    assert "DOCKER_CONTEXT is set to 'elsewhere'" in run.stdout + run.stderr
