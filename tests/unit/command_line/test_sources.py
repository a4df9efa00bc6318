"""Names and versions of what a user asks for."""

import pytest

from fleet.errors import FleetError
from fleet.sources import Request, server_name

from .conftest import Machine


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("pypi:mcp-server-time", "time"),
        ("npm:@modelcontextprotocol/server-memory", "memory"),
        ("npm:@modelcontextprotocol/server-sequential-thinking", "sequential-thinking"),
        ("pypi:awslabs.aws-documentation-mcp-server", "aws-documentation"),
        ("npm:@playwright/mcp", "mcp"),
        ("npm:figma-mcp", "figma"),
        ("pypi:mcp_server_sqlite", "sqlite"),
        ("pypi:mcp-server", "mcp-server"),
        ("./servers/notes", "notes"),
        ("github", "github"),
        ("catalog:github", "github"),
        ("catalog:redis", "redis-mcp"),
        ("pypi:redis-mcp-server", "redis-mcp"),
        ("./servers/notes/", "notes"),
    ],
)
def test_a_server_is_named_after_what_its_package_is_about(source: str, name: str) -> None:
    assert server_name(Request.parse(source)) == name


@pytest.mark.parametrize(
    ("source", "pinned"),
    [
        ("pypi:mcp-server-time", "pypi:mcp-server-time@2026.10.19"),
        ("pypi:mcp-server-time@1.2", "pypi:mcp-server-time@1.2"),
        ("pypi:some-suite#some-server", "pypi:some-suite@2026.10.19#some-server"),
        ("npm:@scope/server-x", "npm:@scope/server-x@2026.8.31"),
        ("npm:@scope/server-x@1.0.0#x", "npm:@scope/server-x@1.0.0#x"),
        ("./servers/notes", "./servers/notes"),
    ],
)
def test_what_has_no_version_gets_the_newest(machine: Machine, source: str, pinned: str) -> None:
    assert Request.parse(source).pinned({"PATH": str(machine.programs)}) == pinned


def test_a_version_that_was_given_needs_no_registry(machine: Machine) -> None:
    Request.parse("npm:@scope/server-x@1.0.0").pinned({"PATH": str(machine.programs)})
    assert machine.called("npm") == []


@pytest.mark.parametrize("text", ["mcp-server-time", "pypi:", "pip:x", "pypi:a b", "npm:@scope"])
def test_what_is_no_source_is_refused_with_examples(text: str) -> None:
    with pytest.raises(FleetError) as refused:
        Request.parse(text).pinned({"PATH": ""})
    assert text in str(refused.value)
    assert refused.value.hint


@pytest.mark.parametrize(
    ("program", "body", "source", "said"),
    [
        ("uv", "fail('x was not found in the package registry')", "pypi:nope", "there is no package 'nope' on PyPI"),
        ("uv", "fail('error: connection refused')", "pypi:nope", "connection refused"),
        ("npm", "fail('npm error code E404')", "npm:nope", "there is no package 'nope' on npm"),
        ("npm", "fail('npm error code ENOTFOUND')", "npm:nope", "ENOTFOUND"),
    ],
)
def test_a_look_up_that_fails_says_why_and_what_to_write_instead(
    machine: Machine, program: str, body: str, source: str, said: str
) -> None:
    machine.program(program, body)
    with pytest.raises(FleetError, match=said) as refused:
        Request.parse(source).pinned({"PATH": str(machine.programs)})
    assert refused.value.hint
