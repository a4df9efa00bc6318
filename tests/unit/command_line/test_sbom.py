"""`fleet sbom`: the bill of materials of servers' images, by locks that are in the project."""

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from stacks.images import REQUIRED

from .conftest import Machine

CHECKOUT = Path(__file__).parents[3]
DIGEST = "d" * 64
HASHES = {"time": "1" * 64, "anyio": "2" * 64, "anyio on ARM": "3" * 64}
TIME = f"""\
mcp-server-time==2026.8.0 --hash=sha256:{HASHES["time"]}
anyio==4.0.0 \\
    --hash=sha256:{HASHES["anyio"]} \\
    --hash=sha256:{HASHES["anyio on ARM"]}
pywin32==300 ; sys_platform == 'win32' --hash=sha256:{HASHES["time"]}
"""
CONTENT = b"a" * 64
INTEGRITY = f"sha512-{b64encode(CONTENT).decode()}"
GIT = f"mcp-server-git==2026.8.0 --hash=sha256:{HASHES['time']}\n"
MEMORY = {
    "packages": {
        "": {},
        "node_modules/@modelcontextprotocol/server-memory": {"version": "2026.8.31", "integrity": INTEGRITY},
        "node_modules/zod": {"version": "4.0.0", "integrity": INTEGRITY},
    }
}


@pytest.fixture
def locked(machine: Machine) -> Machine:
    """A project whose packages have locks, beside the parts of this repository that every image gets."""
    for folder in ("bridge", "wire", "chassis", "remote"):
        (machine.project / folder).symlink_to(CHECKOUT / folder)
    files = {
        "pypi/mcp-server-time@2026.8.0/requirements.txt": TIME,
        "pypi/mcp-server-git@2026.8.0/requirements.txt": GIT,
        "npm/@modelcontextprotocol/server-memory@2026.8.31/package-lock.json": json.dumps(MEMORY),
    }
    for name, text in files.items():
        file = machine.project / "locks" / name
        file.parent.mkdir(parents=True)
        file.write_text(text)
    images = {name: f"docker.io/library/{name}:3@sha256:{DIGEST}" for name in REQUIRED}
    (machine.programs.parent / "images.lock.json").write_text(json.dumps(images))
    return machine


def own_server(machine: Machine, *dependencies: str) -> None:
    """Add a server of one's own to the stack."""
    folder = machine.project / "servers" / "notes"
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(
        f'[project]\nname = "notes"\nversion = "0.3.0"\ndependencies = {list(dependencies)}\n'
        '[project.scripts]\nnotes = "notes:main"\n'
    )
    machine.stack_file.write_text(
        machine.stack_file.read_text().replace(
            "mcp-fleet:servers:\n", "mcp-fleet:servers:\n    notes: ./servers/notes\n"
        )
    )


def bill(machine: Machine, *arguments: str) -> dict[str, Any]:
    result = machine.fleet("sbom", *arguments)
    assert result.exit_code == 0, result.stderr
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(result.stdout) is None
    return dict(json.loads(result.stdout))


def component(document: dict[str, Any], reference: str) -> dict[str, Any]:
    return dict(next(each for each in document["components"] if each["bom-ref"] == reference))


def parts(document: dict[str, Any], reference: str) -> list[str]:
    return list(next(each["dependsOn"] for each in document["dependencies"] if each["ref"] == reference))


def test_a_server_has_its_package_all_that_this_installs_the_bridge_and_its_base(locked: Machine) -> None:
    document = bill(locked, "time")
    server = component(document, "server:time")
    assert (server["type"], server["version"]) == ("container", "2026.8.0")
    assert server["properties"] == [{"name": "mcp-fleet:source", "value": "pypi:mcp-server-time@2026.8.0"}]
    base = f"pkg:oci/python@sha256:{DIGEST}?repository_url=docker.io/library/python&tag=3"
    packages = ["pkg:pypi/anyio@4.0.0", "pkg:pypi/mcp-server-time@2026.8.0"]
    assert parts(document, "server:time") == ["path:bridge", base, *packages]
    assert [each["content"] for each in component(document, packages[0])["hashes"]] == [
        HASHES["anyio"],
        HASHES["anyio on ARM"],
    ]
    assert "path:wire" in parts(document, "path:bridge")
    assert any(part.startswith("pkg:pypi/uvloop@") for part in parts(document, "path:bridge"))
    assert parts(document, "stack") == ["server:time"]


def test_a_server_of_npm_has_node_and_hashes_as_hexadecimal_digits(locked: Machine) -> None:
    document = bill(locked, "memory")
    own = "pkg:npm/%40modelcontextprotocol/server-memory@2026.8.31"
    found = component(document, own)
    assert (found["group"], found["name"]) == ("@modelcontextprotocol", "server-memory")
    assert found["hashes"] == [{"alg": "SHA-512", "content": CONTENT.hex()}]
    node = f"pkg:oci/node@sha256:{DIGEST}?repository_url=docker.io/library/node&tag=3"
    assert {own, node, "pkg:npm/zod@4.0.0"} < {*parts(document, "server:memory")}


def test_debian_packages_are_named_without_a_version(locked: Machine) -> None:
    document = bill(locked, "git")
    assert "version" not in component(document, "pkg:deb/debian/git")
    assert "pkg:deb/debian/git" in parts(document, "server:git")


def test_own_code_has_the_chassis_and_its_lock(locked: Machine) -> None:
    own_server(locked, "mcp-chassis")
    document = bill(locked, "notes")
    assert component(document, "path:./servers/notes")["version"] == "0.3.0"
    found = parts(document, "server:notes")
    assert {"path:chassis", "path:./servers/notes"} < {*found}
    assert any(part.startswith("pkg:pypi/structlog@") for part in found)


def test_a_remote_server_has_what_speaks_to_it(locked: Machine) -> None:
    text = locked.stack_file.read_text()
    line = "mcp-fleet:servers:\n    linear: https://mcp.linear.app/mcp\n"
    locked.stack_file.write_text(text.replace("mcp-fleet:servers:\n", line))
    document = bill(locked, "linear")
    assert document["services"][0]["endpoints"] == ["https://mcp.linear.app/mcp"]
    assert {"path:remote", "remote:linear"} < {*parts(document, "server:linear")}


def test_an_image_of_somebody_else_has_that_image_and_the_bridge(locked: Machine) -> None:
    text = locked.stack_file.read_text()
    image = f"ghcr.io/acme/files@sha256:{DIGEST}"
    line = f"mcp-fleet:servers:\n    files: 'oci:{image}#/server'\n"
    locked.stack_file.write_text(text.replace("mcp-fleet:servers:\n", line))
    document = bill(locked, "files")
    origin = f"pkg:oci/files@sha256:{DIGEST}?repository_url=ghcr.io/acme/files"
    assert {"path:bridge", origin} < {*parts(document, "server:files")}


def test_the_same_stack_gives_the_same_bytes_and_another_lock_another_serial_number(locked: Machine) -> None:
    whole = bill(locked)
    assert parts(whole, "stack") == ["server:git", "server:memory", "server:time"]
    assert locked.fleet("sbom", "time", "memory", "git").stdout == locked.fleet("sbom").stdout
    file = locked.project / "locks/pypi/mcp-server-time@2026.8.0/requirements.txt"
    file.write_text(file.read_text().replace("4.0.0", "4.0.1"))
    assert bill(locked)["serialNumber"] != whole["serialNumber"]


def test_it_is_written_into_a_file(locked: Machine, tmp_path: Path) -> None:
    file = tmp_path / "sbom.json"
    result = locked.fleet("sbom", "--output", str(file))
    assert (result.exit_code, result.stdout) == (0, "")
    assert file.read_text() == locked.fleet("sbom").stdout
    result = locked.fleet("sbom", "--output", str(tmp_path / "missing" / "sbom.json"))
    assert result.exit_code == 1
    assert "can't be written: No such file or directory" in result.stderr


def test_all_servers_without_a_lock_are_named_with_what_to_do(locked: Machine) -> None:
    for lock in ("time", "git"):
        (locked.project / f"locks/pypi/mcp-server-{lock}@2026.8.0/requirements.txt").unlink()
    own_server(locked, "mcp-chassis", "numpy>=2")
    result = locked.fleet("sbom")
    assert (result.exit_code, result.stdout) == (1, "")
    assert (
        "time: its package has no lock, so what it installs is not known; make it: bin/fleet lock time --stack dev"
    ) in result.stderr
    assert "git: its package has no lock" in result.stderr
    assert "notes: ./servers/notes/pyproject.toml depends on numpy, which chassis/requirements.lock" in result.stderr
    assert "memory" not in result.stderr


def test_a_lock_that_is_not_for_its_line_gives_no_bill(locked: Machine) -> None:
    file = locked.project / "locks/pypi/mcp-server-time@2026.8.0/requirements.txt"
    file.write_text(GIT)
    result = locked.fleet("sbom", "time")
    assert result.exit_code == 1
    assert "does not have mcp-server-time in version 2026.8.0; make it: bin/fleet lock time" in result.stderr
    file.write_text("mcp-server-time==2026.8.0 --hash=sha256:12\n")
    assert "time: 'sha256:12' is no hash" in locked.fleet("sbom", "time").stderr


def test_a_server_that_is_not_there_is_said(locked: Machine) -> None:
    result = locked.fleet("sbom", "tiem")
    assert result.exit_code == 1
    assert "stack 'dev' has no server 'tiem'" in result.stderr
