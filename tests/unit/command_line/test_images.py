"""Servers that are container images, on the command line; a stand-in of buildx answers for their registry."""

import json
from typing import Any

import pytest

from .conftest import STACK_FILE, Machine

DIGEST = "sha256:" + "a" * 64
LINE = f"oci:ghcr.io/acme/files-mcp-server:v1@{DIGEST}"


def described(entrypoint: list[str] | None, command: list[str] | None) -> dict[str, Any]:
    config = {key: value for key, value in (("Entrypoint", entrypoint), ("Cmd", command)) if value is not None}
    return {"manifest": {"digest": DIGEST}, "image": {"architecture": "amd64", "os": "linux", "config": config}}


def registry(machine: Machine, answer: dict[str, Any]) -> None:
    """Have buildx say this of one image."""
    machine.program(
        "docker-buildx",
        "if argv[:2] != ['imagetools', 'inspect']:\n    fail('ERROR: builds nothing')\n"
        "if not argv[-1].startswith('ghcr.io/acme/files-mcp-server'):\n    fail(f'ERROR: {argv[-1]}: not found')\n"
        f"print(json.dumps(json.loads({json.dumps(answer)!r})))",
    )


def added(machine: Machine, *arguments: str) -> str:
    result = machine.fleet("add", *arguments)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_an_image_is_pinned_with_what_it_starts_by_itself(machine: Machine) -> None:
    registry(machine, described(["/server", "--quiet"], ["stdio"]))
    assert (
        added(machine, "oci:ghcr.io/acme/files-mcp-server:v1")
        == f"files: {{source: {LINE}#/server, args: [--quiet, stdio]}}\n"
    )
    asked = next(call for call in machine.called("docker-buildx") if call[0] == "imagetools")
    assert asked[-2:] == ["--format={{json .}}", "ghcr.io/acme/files-mcp-server:v1"]


def test_arguments_stand_in_place_of_the_images_own_as_with_docker(machine: Machine) -> None:
    registry(machine, described(["/server"], ["stdio"]))
    text = added(machine, "oci:ghcr.io/acme/files-mcp-server:v1", "--arg", "http", "--arg=--read-only")
    assert "#/server, args: [http, --read-only]" in text


@pytest.mark.parametrize(("command", "line"), [(["node"], f"{LINE}#node\n"), (["node", "x.js"], "args: [x.js]}\n")])
def test_an_image_without_an_entry_point_starts_its_command(machine: Machine, command: list[str], line: str) -> None:
    registry(machine, described(None, command))
    assert added(machine, "oci:ghcr.io/acme/files-mcp-server:v1").endswith(line)


def test_an_image_for_several_platforms_is_pinned_for_all_of_them(machine: Machine) -> None:
    of_one = described(["/server"], None)
    platforms = {"linux/amd64": of_one["image"], "linux/arm64": of_one["image"], "unknown/unknown": {}}
    registry(machine, {**of_one, "image": platforms})
    assert added(machine, "oci:ghcr.io/acme/files-mcp-server:v1") == f"files: {LINE}#/server\n"


def test_a_whole_source_is_taken_as_it_is(machine: Machine) -> None:
    assert added(machine, f"{LINE}#/server") == f"files: {LINE}#/server\n"
    assert [call for call in machine.called("docker-buildx") if call[0] == "imagetools"] == []


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            "oci:ghcr.io/acme/nothing:v1",
            "ghcr.io/acme/nothing:v1 can't be looked up: ghcr.io/acme/nothing:v1: not found",
        ),
        ("oci:ghcr.io/acme/files-mcp-server:v1", "does not say what it starts"),
        (f"{LINE}#/server one", "is no program"),
    ],
)
def test_what_can_not_be_added_changes_nothing(machine: Machine, source: str, said: str) -> None:
    registry(machine, described(None, None))
    result = machine.fleet("add", source)
    assert result.exit_code == 1
    assert said in result.stderr
    assert machine.stack_file.read_text() == STACK_FILE


def test_an_image_that_is_not_signed_as_the_stack_asks_is_not_added(machine: Machine) -> None:
    signed = "config:\n  mcp-fleet:signatures: [{images: ghcr.io/acme/*, key: acme.pub}]\n"
    machine.stack_file.write_text(before := STACK_FILE.replace("config:\n", signed))
    (machine.project / "acme.pub").write_text("-----BEGIN PUBLIC KEY-----")
    machine.program("cosign", "fail('Error: no signatures found')")
    result = machine.fleet("add", f"{LINE}#/server", "--no-preview")
    assert result.exit_code == 1
    assert "has no signature that is accepted: no signatures found" in result.stderr
    assert machine.stack_file.read_text() == before
    machine.program("cosign", "")
    assert machine.fleet("add", f"{LINE}#/server", "--no-preview").exit_code == 0
    assert machine.called("cosign")[-1] == ["verify", "--key=acme.pub", f"ghcr.io/acme/files-mcp-server@{DIGEST}"]


@pytest.fixture
def with_image(machine: Machine) -> Machine:
    line = f"mcp-fleet:servers:\n    files: {{source: '{LINE}#/server', args: [stdio], env: {{A: b}}}}\n"
    machine.stack_file.write_text(STACK_FILE.replace("mcp-fleet:servers:\n", line))
    return machine


def test_a_client_runs_an_image_by_docker(with_image: Machine) -> None:
    written = with_image.fleet("clients", "operator", "--local").stdout
    run = json.loads(written)["mcpServers"]["files"]
    assert (run["command"], run["args"][:3]) == ("docker", ["run", "--rm", "--interactive"])
    image = LINE.removeprefix("oci:")
    assert run["args"][3:] == ["--env", "A", "--entrypoint", "/server", image, "stdio"]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("lock", "files"), "a container image is pinned by its digest"),
        (("upgrade", "files"), "docker buildx imagetools inspect ghcr.io/acme/files-mcp-server:TAG"),
    ],
)
def test_commands_say_what_an_image_can_not_have(with_image: Machine, command: tuple[str, ...], said: str) -> None:
    assert said in with_image.fleet(*command).stderr
