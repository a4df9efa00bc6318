"""A project folder, a home with programs that stand in for Pulumi and the registries' clients, and the command line."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from fleet.app import app
from stacks.images import REQUIRED

STACK_FILE = """\
# yaml-language-server: $schema=schema/stack.schema.json
encryptionsalt: v1:abc
config:
  mcp-fleet:port: 8080  # the gateway
  mcp-fleet:servers:
    # from the Python index
    time:   pypi:mcp-server-time@2026.8.0
    git:    {source: "pypi:mcp-server-git@2026.8.0", packages: [git]}
    memory:
      source: npm:@modelcontextprotocol/server-memory@2026.8.31
      args:
        - --verbose
      # keeps its graph
      volume: true

  # who may call
  mcp-fleet:clients:
    codex: {tier: pro, servers: [time, git]}
    ci-bot:
      servers: {time: [get_current_time]}
"""


@dataclass
class Machine:
    """What the commands find around them.

    Attributes:
        project: the folder with Pulumi.yaml and Pulumi.dev.yaml.
        programs: the folder that is first on their PATH.
        calls: where the stand-in programs write how they were called.
    """

    project: Path
    programs: Path
    calls: Path
    run: Callable[..., Result] = field(default=CliRunner().invoke)

    @property
    def stack_file(self) -> Path:
        return self.project / "Pulumi.dev.yaml"

    def fleet(self, *arguments: str, given: str | None = None) -> Result:
        return self.run(app, ["-C", str(self.project), *arguments], input=given)

    def program(self, name: str, body: str) -> None:
        """Install a stand-in: Python code with `argv`, `stdin`, `fail(text)`."""
        path = self.programs / name
        path.write_text(
            f"#!{sys.executable} -IS\n"
            "import json, os, sys\n"
            "argv, stdin = sys.argv[1:], '' if sys.stdin is None or sys.stdin.isatty() else sys.stdin.read()\n"
            f"open({str(self.calls)!r}, 'a').write(json.dumps([{name!r}, *argv]) + '\\n')\n"
            "def fail(text):\n    print(text, file=sys.stderr)\n    sys.exit(1)\n"
            f"{body}\n"
        )
        path.chmod(0o755)

    def pulumi(self, outputs: Mapping[str, Any], *, previews: bool = True) -> None:
        """Install a Pulumi with these outputs; `tokens` are secret."""
        self.program(
            "pulumi",
            f"outputs = json.loads({json.dumps(outputs)!r})\n"
            "if argv[0] == 'stack':\n"
            "    if 'tokens' in outputs and '--show-secrets' not in argv:\n"
            "        outputs['tokens'] = '[secret]'\n"
            "    print(json.dumps(outputs))\n"
            f"elif argv[0] == 'preview' and not {previews}:\n"
            "    fail('error: Docker does not answer')\n"
            "else:\n"
            "    print('+ 9 to create')",
        )

    def called(self, program: str) -> list[list[str]]:
        """How a stand-in was called, call by call."""
        lines = self.calls.read_text().splitlines() if self.calls.exists() else []
        return [call[1:] for call in map(json.loads, lines) if call[0] == program]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    project, home = tmp_path / "project", tmp_path / "home"
    (home / "bin").mkdir(parents=True)
    project.mkdir()
    (project / "Pulumi.yaml").write_text("name: mcp-fleet\nruntime: python\n")
    (project / "Pulumi.dev.yaml").write_text(STACK_FILE)
    found = {"docker_host": None, "buildx": False, "pulumi": None, "docker_registry": False, "pulumi_downloads": False}
    (home / "reach.json").write_text(json.dumps(found))
    monkeypatch.setenv("MCP_FLEET_HOME", str(home))
    monkeypatch.delenv("PULUMI_STACK", raising=False)
    monkeypatch.setenv("OSV_API_URL", "http://127.0.0.1:9")  # the discard port, where nobody answers
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "localhost")
    monkeypatch.chdir(tmp_path)
    machine = Machine(project=project, programs=home / "bin", calls=tmp_path / "calls")
    machine.program("uv", "print(stdin.strip() + '==2026.10.19')")
    machine.program("npm", "print('2026.8.31')")
    machine.program("docker", "fail('Docker does not answer')")
    machine.program("docker-buildx", "fail('Docker does not answer')")
    (home / "images.lock.json").write_text(json.dumps(dict.fromkeys(REQUIRED, "x@sha256:1")))
    machine.pulumi({})
    return machine
