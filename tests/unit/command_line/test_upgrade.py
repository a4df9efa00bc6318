"""`fleet upgrade`: what it says of newer versions, and what it writes, with stand-ins for the package clients."""

import json
from pathlib import Path

import pytest

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


@pytest.fixture
def newer(machine: Machine) -> Machine:
    """A machine whose registries have newer versions of `time` and `git`, and none of `memory`; `time` is locked."""
    machine.program("uv", UV)
    assert machine.fleet("lock", "time").exit_code == 0
    return machine


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


def test_nothing_newer_is_said_and_a_server_of_the_catalog_is_its_entrys(newer: Machine) -> None:
    assert "nothing newer" in newer.fleet("upgrade", "memory").stderr
    text = newer.stack_file.read_text().replace("pypi:mcp-server-time@2026.8.0", "catalog:time")
    newer.stack_file.write_text(text)
    assert "time: its version is that of catalog/time.json" in newer.fleet("upgrade", "time").stderr
    assert newer.fleet("upgrade", "tiem").exit_code == 1


def test_one_that_can_not_be_resolved_keeps_no_other_from_it(newer: Machine) -> None:
    newer.program("npm", "fail('E500 registry is down')")
    result = newer.fleet("upgrade", "time", "memory")
    assert result.exit_code == 0
    assert "memory: can't look up the newest version" in result.stderr
    assert lock(newer, "2026.10.19").is_file()
