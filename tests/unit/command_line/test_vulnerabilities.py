"""`fleet vulnerabilities`, and what `fleet add` says of a package: asked of a stand-in of OSV."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from dev.osv.server import Osv

from .conftest import Machine

RESOLVED = "print(stdin.strip()); print('jinja2==2.4.1'); print('anyio==4.0.0')"
LOCK = {
    "packages": {
        "": {},
        "node_modules/a": {"version": "1.0.0"},
        "node_modules/a/node_modules/@b/c": {"version": "2.0.0"},
    }
}


@pytest.fixture
def osv(monkeypatch: pytest.MonkeyPatch) -> Iterator[Osv]:
    with Osv().serving() as serving:
        monkeypatch.setenv("OSV_API_URL", serving.url)
        yield serving


@pytest.fixture
def resolving(machine: Machine) -> Machine:
    """A machine whose package clients resolve what servers depend on."""
    machine.program("uv", RESOLVED)
    prefix = "argv[argv.index('--prefix') + 1]"
    machine.program("npm", f"open(os.path.join({prefix}, 'package-lock.json'), 'w').write({json.dumps(LOCK)!r})")
    return machine


def test_vulnerabilities_of_dependencies_are_found_and_told_once(resolving: Machine, osv: Osv) -> None:
    high: dict[str, Any] = {"database_specific": {"severity": "HIGH"}, "summary": "Templates escape.", "fixed": "2.7.2"}
    osv.add("GHSA-1", "jinja2", "2.4.1", aliases=["CVE-2014-1"], **high)
    osv.add("PYSEC-1", "jinja2", "2.4.1", aliases=["CVE-2014-1"])
    osv.add("GHSA-2", "jinja2", "2.4.1", database_specific={"severity": "LOW"})
    osv.add("GHSA-3", "jinja2", "2.4.1", withdrawn="2026-01-01T00:00:00Z")
    osv.add("GHSA-4", "@b/c", "2.0.0", ecosystem="npm", database_specific={"severity": "MODERATE"})
    result = resolving.fleet("vulnerabilities", "time", "memory")
    assert result.exit_code == 1
    assert "jinja2 2.4.1: high: GHSA-1, CVE-2014-1, PYSEC-1: Templates escape.; fixed in 2.7.2" in result.stdout
    assert "@b/c 2.0.0: moderate: GHSA-4" in result.stdout
    assert "GHSA-3" not in result.stdout
    assert result.stdout.count("GHSA-1") == 1


def test_the_threshold_decides_what_fails(resolving: Machine, osv: Osv) -> None:
    osv.add("GHSA-1", "jinja2", "2.4.1", database_specific={"severity": "MODERATE"})
    assert resolving.fleet("vulnerabilities", "time").exit_code == 0
    assert resolving.fleet("vulnerabilities", "time", "--severity", "moderate").exit_code == 1
    osv.add("PYSEC-2", "anyio", "4.0.0")
    result = resolving.fleet("vulnerabilities", "time", "--json")
    assert result.exit_code == 1, "nobody knows how severe it is"
    found = {each["id"]: each for each in json.loads(result.stdout)["findings"]}
    assert (found["PYSEC-2"]["severity"], found["PYSEC-2"]["package"]) == ("unknown", "anyio")


def test_osv_that_is_away_is_said_and_blocks_only_the_strict(resolving: Machine) -> None:
    result = resolving.fleet("vulnerabilities")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "known vulnerabilities were not looked up: http://127.0.0.1:9 does not answer" in result.stderr
    assert resolving.fleet("vulnerabilities", "--strict").exit_code == 1
    assert resolving.called("uv") == []


def test_what_can_not_be_resolved_is_said(resolving: Machine, osv: Osv) -> None:
    resolving.program("uv", "fail('no solution found')")
    result = resolving.fleet("vulnerabilities", "time")
    assert "time: its packages can't be resolved: no solution found" in result.stderr
    assert result.exit_code == 0
    assert resolving.fleet("vulnerabilities", "time", "--strict").exit_code == 1


def test_what_an_image_has_in_it_is_said_to_be_unknown(resolving: Machine, osv: Osv) -> None:
    image = f"ghcr.io/acme/files@sha256:{'0' * 64}"
    text = resolving.stack_file.read_text()
    line = f"mcp-fleet:servers:\n    files: 'oci:{image}#/server'\n"
    resolving.stack_file.write_text(text.replace("mcp-fleet:servers:\n", line))
    result = resolving.fleet("vulnerabilities", "files")
    assert result.exit_code == 0
    assert (
        f"files: what its image has in it is not known here; scan it, for example with: grype {image}" in result.stderr
    )
    assert resolving.fleet("vulnerabilities", "files", "--strict").exit_code == 1


def test_a_malicious_package_is_never_added(resolving: Machine, osv: Osv) -> None:
    osv.add("MAL-2026-1", "anyio", "4.0.0", summary="Malicious code in anyio (PyPI)")
    before = resolving.stack_file.read_text()
    result = resolving.fleet("add", "pypi:mcp-server-calculator@1.0.0", "--no-preview")
    assert result.exit_code == 1
    assert "anyio 4.0.0: malicious: MAL-2026-1" in result.stderr
    assert "error: anyio 4.0.0 is malicious, by OSV" in result.stderr
    assert resolving.stack_file.read_text() == before


def test_a_vulnerable_package_is_added_unless_strictly(resolving: Machine, osv: Osv) -> None:
    osv.add("GHSA-1", "jinja2", "2.4.1", database_specific={"severity": "CRITICAL"})
    before = resolving.stack_file.read_text()
    add = ("add", "pypi:mcp-server-calculator@1.0.0", "--no-preview")
    refused = resolving.fleet(*add, "--strict")
    assert (refused.exit_code, resolving.stack_file.read_text()) == (1, before)
    result = resolving.fleet(*add)
    assert result.exit_code == 0
    assert "jinja2 2.4.1: critical: GHSA-1" in result.stderr
    assert "mcp-server-calculator@1.0.0" in resolving.stack_file.read_text()


def test_more_packages_than_a_batch_and_more_answers_than_a_page(resolving: Machine, osv: Osv) -> None:
    resolving.program("uv", "print('\\n'.join(f'package{number}==1' for number in range(1500)))")
    for number in range(5):
        osv.add(f"GHSA-{number}", "package1499", "1", database_specific={"severity": "HIGH"})
    result = resolving.fleet("vulnerabilities", "time", "--json")
    assert [each["id"] for each in json.loads(result.stdout)["findings"]] == [f"GHSA-{number}" for number in range(5)]
    assert osv.asked.count(("POST", "/v1/querybatch")) >= 4
