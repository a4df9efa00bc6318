"""`fleet upgrade`: what it says of newer versions, and what it writes, with stand-ins for the package clients."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from stacks import catalog

from .conftest import STACK_FILE, Machine

HASH = "sha256:" + "0" * 64
UV = f"""
given = stdin.strip()
if 'install' in argv:
    code = "os.environ['TIME_ZONE']"
    if argv[-1].endswith('2026.10.19'):
        code = "os.getenv('TIME_TOKEN'), 'https://telemetry.example.com/v1'"
    open(os.path.join(argv[argv.index('--target') + 1], 'server.py'), 'w').write(code)
elif '==' not in given:
    print(given + '==2026.10.19')
else:
    print(given + ' --hash={HASH}')
    if given.endswith('2026.10.19'):
        print('exfiltrate==1.0 --hash={HASH}')
"""

BUILDX = """
option = dict(word.split('=', 1) for word in argv if '=' in word)
version = next(word.rpartition('=')[2] for word in argv if word.startswith('--build-arg=VERSION='))
open(option['--iidfile'], 'w').write('image-' + version)
"""
DOCKER = f"""#!{sys.executable} -IS
import json, sys
newer = "image-2026.10.19" in sys.argv
tools = ["get_time", "send_time"] if newer else ["get_time", "zones"]
for line in sys.stdin if sys.argv[1] == "run" else ():
    request = json.loads(line)
    answer = {{"error": {{"code": -32601, "message": "no such method"}}}}
    if request["method"] == "initialize":
        version = request["params"]["protocolVersion"]
        info = {{"name": "it", "version": "1"}}
        answer = {{"result": {{"protocolVersion": version, "capabilities": {{"tools": {{}}}}, "serverInfo": info}}}}
    elif request["method"] == "tools/list":
        listed = [{{"name": name, "description": "now" if newer else "then", "inputSchema": {{"type": "object"}}}}
                  for name in tools]
        answer = {{"result": {{"tools": listed}}}}
    if "id" in request:
        print(json.dumps({{"jsonrpc": "2.0", "id": request["id"], **answer}}), flush=True)
"""


@pytest.fixture
def newer(machine: Machine) -> Machine:
    """A machine whose registries have newer versions of `time` and `git`, and none of `memory`; `time` is locked."""
    machine.program("uv", UV)
    assert machine.fleet("lock", "time").exit_code == 0
    return machine


@pytest.fixture
def running(newer: Machine) -> Machine:
    """The same machine, with a Docker whose images have other tools in the newer version."""
    newer.program("docker-buildx", BUILDX)
    (newer.programs / "docker").write_text(DOCKER)
    return newer


def lock(machine: Machine, version: str) -> Path:
    return machine.project / "locks" / "pypi" / f"mcp-server-time@{version}" / "requirements.txt"


def test_a_newer_version_is_written_with_its_lock_and_nothing_else(newer: Machine) -> None:
    assert newer.fleet("upgrade", "time").exit_code == 0
    assert newer.stack_file.read_text() == STACK_FILE.replace(
        "time:   pypi:mcp-server-time@2026.8.0", "time:   pypi:mcp-server-time@2026.10.19"
    )
    assert lock(newer, "2026.10.19").is_file()


def test_the_version_of_a_long_line_is_replaced_in_its_place(newer: Machine) -> None:
    assert newer.fleet("upgrade", "git").exit_code == 0
    wanted = 'git:    {source: "pypi:mcp-server-git@2026.10.19", packages: [git]}'
    assert newer.stack_file.read_text() == STACK_FILE.replace(
        'git:    {source: "pypi:mcp-server-git@2026.8.0", packages: [git]}', wanted
    )


def test_it_says_what_changes_with_it(newer: Machine) -> None:
    (proposal,) = json.loads(newer.fleet("upgrade", "time", "memory", "--json", "--dry-run").stdout)["proposals"]
    assert proposal["source"] == "pypi:mcp-server-time@2026.10.19"
    assert proposal["packages"] == {
        "added": ["exfiltrate 1.0", "mcp-server-time 2026.10.19"],
        "removed": ["mcp-server-time 2026.8.0"],
    }
    assert proposal["variables"] == {"added": ["TIME_TOKEN"], "removed": ["TIME_ZONE"]}
    assert proposal["hosts"] == {"added": ["telemetry.example.com"], "removed": []}


def test_a_dry_run_writes_nothing(newer: Machine) -> None:
    result = newer.fleet("upgrade", "time", "--dry-run")
    assert "+ exfiltrate 1.0" in result.stdout
    assert "+ telemetry.example.com" in result.stdout
    assert newer.stack_file.read_text() == STACK_FILE
    assert not lock(newer, "2026.10.19").exists()


def test_the_markdown_for_a_pull_request_lists_it_as_code(newer: Machine, tmp_path: Path) -> None:
    file = tmp_path / "body.md"
    newer.fleet("upgrade", "time", "--markdown", str(file))
    assert "### time: `2026.8.0` to `2026.10.19`" in file.read_text()
    assert "- egress: hosts that come: `telemetry.example.com`" in file.read_text()


def test_tools_that_come_change_and_go_are_told_and_recorded(running: Machine, tmp_path: Path) -> None:
    file = tmp_path / "body.md"
    (proposal,) = json.loads(running.fleet("upgrade", "time", "--json", "--markdown", str(file)).stdout)["proposals"]
    assert [(change["kind"], change["tool"]) for change in proposal["tools"]] == [
        ("changed", "get_time"),
        ("appears", "send_time"),
        ("disappears", "zones"),
    ]
    assert "- `time`: `send_time` **appears**" in file.read_text()
    (recorded,) = json.loads((running.project / "tools.lock.json").read_text())["servers"]["time"]
    assert recorded["line"]["source"] == "pypi:mcp-server-time@2026.10.19"
    assert list(recorded["tools"]) == ["get_time", "send_time"]
    assert "~ get_time" in running.fleet("upgrade", "git", "--dry-run").stdout


def test_without_docker_it_says_that_tools_were_not_compared(newer: Machine) -> None:
    result = newer.fleet("upgrade", "time")
    assert result.exit_code == 0
    assert "its tools could not be compared: 2026.10.19: the image of 'time' was not built" in result.stdout
    assert not (newer.project / "tools.lock.json").exists()


def test_nothing_newer_is_said(newer: Machine) -> None:
    assert "nothing newer" in newer.fleet("upgrade", "memory").stderr
    assert newer.fleet("upgrade", "tiem").exit_code == 1


def test_a_server_of_the_catalog_is_upgraded_in_its_entry(newer: Machine) -> None:
    newer.program("uv", UV.replace("2026.10.19", "2026.11.3"))
    text = newer.stack_file.read_text().replace("pypi:mcp-server-time@2026.8.0", "catalog:time")
    newer.stack_file.write_text(text)
    assert (
        "its version is that of catalog/time.json, which this project has not" in newer.fleet("upgrade", "time").stderr
    )
    entry = newer.project / "catalog" / "time.json"
    entry.parent.mkdir()
    shutil.copy(catalog.FOLDER / "time.json", entry)
    before = entry.read_text()
    result = newer.fleet("upgrade", "time")
    assert "changed catalog/time.json" in result.stderr
    assert entry.read_text() == before.replace("2026.10.19", "2026.11.3")
    assert newer.stack_file.read_text() == text


def test_one_that_can_not_be_resolved_keeps_no_other_from_it(newer: Machine) -> None:
    newer.program("npm", "fail('E500 registry is down')")
    result = newer.fleet("upgrade", "time", "memory")
    assert result.exit_code == 0
    assert "memory: can't look up the newest version" in result.stderr
    assert lock(newer, "2026.10.19").is_file()
