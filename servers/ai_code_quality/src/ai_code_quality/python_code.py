"""Python code, reviewed and mended by Ruff. It is given to Ruff on stdin, and never run.

Source: https://docs.astral.sh/ruff/linter and https://docs.astral.sh/ruff/formatter
"""

import subprocess
import sys
from typing import Final

import anyio
from mcp.server.mcpserver.exceptions import ToolError
from mcp_chassis import Chassis

from ai_code_quality.models import Diagnostics, Finding, Mended, Review, Rule
from ai_code_quality.settings import QualitySettings

SECONDS: Final = 20.0
"""Ruff takes milliseconds."""
FINDINGS: Final = 50
"""That are returned."""
FAILED: Final = 2
"""Exit status where Ruff could not do what it was asked for; 1 is that it found something."""
SYNTAX: Final = "invalid-syntax"


class PythonCode:
    """Reviews and mends. Raises tool errors that say what to do."""

    def __init__(self, chassis: Chassis[QualitySettings]) -> None:
        self._chassis = chassis

    async def review(self, code: str) -> Review:
        """Return what is wrong with code."""
        found = Diagnostics.model_validate_json(await self._ruff(code, "check", "--output-format=json", *self._rules()))
        findings = sorted(found.root, key=lambda each: (each.location.row, each.location.column))
        return Review(
            findings=tuple(
                Finding(
                    line=each.location.row,
                    column=each.location.column,
                    rule=each.code or SYNTAX,
                    message=each.message,
                    remedy=each.fix.message if each.fix else None,
                    mended_by_mend_code=each.fix is not None and each.fix.applicability == "safe",
                )
                for each in findings[:FINDINGS]
            ),
            findings_in_all=len(findings),
        )

    async def mend(self, code: str) -> Mended:
        """Return code with what can be mended safely, formatted. Raises ToolError where it is no Python."""
        broken = [each for each in (await self.review(code)).findings if each.rule == SYNTAX]
        if broken:
            raise ToolError(f"Line {broken[0].line} is no Python: {broken[0].message}. Mend that first.")
        mended = await self._ruff(code, "check", "--fix-only", "--quiet", *self._rules())
        length = f"--line-length={self._chassis.settings.line_length}"
        formatted = await self._ruff(mended.decode(), "format", "--quiet", length, *self._target())
        text = formatted.decode()
        return Mended(code=text, changed=text != code)

    async def rule(self, code: str) -> Rule:
        """Return what a rule is for."""
        try:
            return Rule.model_validate_json(await self._run("rule", code, "--output-format=json"))
        except _FailedError:
            raise ToolError(f"Ruff has no rule {code}. review_code tells the rules of what it finds.") from None

    def _rules(self) -> list[str]:
        return [f"--select={','.join(self._chassis.settings.rules)}", *self._target()]

    def _target(self) -> list[str]:
        return [f"--target-version={self._chassis.settings.target}"]

    async def _ruff(self, code: str, command: str, *options: str) -> bytes:
        try:
            # --isolated: no configuration of wherever the server runs.
            stdin = ("--stdin-filename=code.py", "-")
            return await self._run(command, "--isolated", "--no-cache", *options, *stdin, given=code.encode())
        except _FailedError as error:
            raise ToolError(f"Ruff can't work on this: {error}. Send one whole Python file.") from None

    async def _run(self, *arguments: str, given: bytes = b"") -> bytes:
        try:
            with anyio.fail_after(SECONDS):
                ended = await anyio.run_process(
                    [sys.executable, "-m", "ruff", *arguments], input=given, check=False, stderr=subprocess.PIPE
                )
        except TimeoutError:
            raise ToolError(f"Ruff took more than {SECONDS:g} s. Send less code at a time.") from None
        if ended.returncode >= FAILED or ended.returncode < 0:
            raise _FailedError(ended.stderr.decode(errors="replace").strip()[:300])
        return ended.stdout


class _FailedError(Exception):
    """Ruff's own words."""
