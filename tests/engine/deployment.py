"""A stack of the test's own on the real engine: its project folder, its operations, and what Docker shows of it."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
import pytest
import yaml
from pulumi import automation

from dev.project_copy import copy_project
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
UNCHANGED = {automation.OpType.SAME, automation.OpType.READ, automation.OpType.REFRESH}


def committed_config() -> dict[str, Any]:
    """Return the config of the dev stack as it is committed, keys without the namespace, on ports of its own."""
    committed = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())["config"]
    ports = {key: free_port() for key in ("port", "registry-port", "grafana-port")}
    return {key.removeprefix("mcp-fleet:"): value for key, value in committed.items()} | ports


def leftovers(engine: docker.DockerClient, stack: str) -> list[str]:
    """Return the name of everything in Docker that belongs to a stack."""
    mine: Callable[[str], bool] = lambda name: name == stack or name.startswith(f"{stack}-")  # noqa: E731
    named = {
        "service": [service.name for service in engine.services.list()],
        "network": [network.name for network in engine.networks.list()],
        "secret": [secret.name for secret in engine.secrets.list()],
        "config": [config.name for config in engine.configs.list()],
        "volume": [volume.name for volume in engine.volumes.list()],
        "container": [container.name for container in engine.containers.list(all=True)],
    }
    return [f"{kind} {name}" for kind, names in named.items() for name in names if mine(name)]


@dataclass(frozen=True)
class Step:
    """One step of an operation: what is done (`create`, `update`, …) to the resource of this type and name."""

    operation: str
    type: str
    name: str


@dataclass
class Recorder:
    """Collects the steps that change something, and every diagnostic text, of one operation."""

    steps: list[Step] = field(default_factory=list)
    diagnostics: list[str] = field(default_factory=list)

    def __call__(self, event: automation.EngineEvent) -> None:
        if event.resource_pre_event and event.resource_pre_event.metadata.op not in UNCHANGED:
            metadata = event.resource_pre_event.metadata
            self.steps.append(Step(metadata.op.value, metadata.type, metadata.urn.rsplit("::", 1)[1]))
        if event.diagnostic_event:
            self.diagnostics.append(event.diagnostic_event.message)

    @property
    def text(self) -> str:
        return "\n".join(self.diagnostics)

    def touching(self, type_suffix: str) -> set[str]:
        """Return the names of the changed resources whose type ends so."""
        return {step.name for step in self.steps if step.type.endswith(type_suffix)}


class Deployment:
    """One stack: `config` is the content of its Pulumi.<stack>.yaml below `config:`, keys without the namespace."""

    def __init__(self, name: str, directory: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self.directory = directory
        self.environment = dict(environment)
        self.config: dict[str, Any] = {}
        self.docker = docker.DockerClient(base_url=environment.get("DOCKER_HOST"))
        copy_project(directory)
        self.stack = automation.create_stack(
            name,
            work_dir=str(directory),
            opts=automation.LocalWorkspaceOptions(env_vars=self.environment),
        )

    @property
    def config_file(self) -> Path:
        return self.directory / f"Pulumi.{self.name}.yaml"

    def write(self) -> None:
        """Write the stack file, keeping what Pulumi itself put there (the salt)."""
        document = yaml.safe_load(self.config_file.read_text()) if self.config_file.exists() else {}
        secure = {key: value for key, value in (document.get("config") or {}).items() if key == "mcp-fleet:secrets"}
        document["config"] = {f"mcp-fleet:{key}": value for key, value in self.config.items()} | secure
        self.config_file.write_text(yaml.safe_dump(document, sort_keys=False))

    def up(self) -> Recorder:
        self.write()
        recorder = Recorder()
        self.stack.up(on_event=recorder, on_output=print, color="never")
        return recorder

    def up_with_events(self, file: Path) -> str:
        """Bring the stack up, write the engine's own log of events to a file, and return all that was said."""
        self.write()
        run = subprocess.run(
            ["pulumi", "up", "--stack", self.name, "--yes", "--skip-preview", "--color=never", f"--event-log={file}"],
            cwd=self.directory,
            env={**self.environment, "PULUMI_DEBUG_COMMANDS": "true"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout + run.stderr

    def preview(self) -> Recorder:
        self.write()
        recorder = Recorder()
        self.stack.preview(on_event=recorder, on_output=print, color="never")
        return recorder

    def failing(self, operation: Callable[..., object]) -> str:
        """Run the `up` or `preview` of `self.stack`, which must fail, and return all that it said."""
        self.write()
        recorder = Recorder()
        with pytest.raises(automation.CommandError) as refused:
            operation(on_event=recorder, on_output=print, color="never")
        return f"{recorder.text}\n{refused.value}"

    def refresh(self) -> Recorder:
        recorder = Recorder()
        self.stack.refresh(on_event=recorder, color="never")
        return recorder

    def destroy(self) -> None:
        self.stack.destroy(on_output=print, color="never", refresh=True)
        self.stack.workspace.remove_stack(self.name)

    def run_in(self, container: str, program: str) -> str:
        """Run a Python program in a container and return what it prints."""
        printed = self.docker.containers.get(container).exec_run(["python3", "-c", program]).output
        assert isinstance(printed, bytes)
        return printed.decode().strip()

    def set_secret(self, path: str, value: str) -> None:
        self.stack.set_config(f"mcp-fleet:{path}", automation.ConfigValue(value, secret=True), path=True)

    def state(self) -> str:
        """Return the state as it is stored: secrets encrypted, which export_stack of the automation API opens."""
        command = ["pulumi", "stack", "export", "--stack", self.name]
        run = subprocess.run(
            command, cwd=self.directory, env=self.environment, capture_output=True, text=True, check=True
        )
        return run.stdout

    def outputs(self) -> dict[str, Any]:
        return {name: output.value for name, output in self.stack.outputs().items()}

    def url(self, server: str) -> str:
        return str(self.outputs()["urls"][server])

    def token(self, client: str = "operator") -> str:
        return str(self.outputs()["tokens"][client])

    def fleet(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the command line on this stack."""
        return subprocess.run(
            [sys.executable, "-m", "fleet", *arguments],
            cwd=self.directory,
            env={**self.environment, "PYTHONPATH": str(ROOT), "PULUMI_STACK": self.name},
            capture_output=True,
            text=True,
            check=check,
            timeout=600,
        )

    def preview_of_the_file_as_it_is(self, **environment: str) -> subprocess.CompletedProcess[str]:
        """Preview by the plain command, without writing the stack file first."""
        return subprocess.run(
            ["pulumi", "preview", "--stack", self.name, "--color", "never", "--non-interactive"],
            cwd=self.directory,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def services(self) -> dict[str, Any]:
        label = f"mcp-fleet.stack={self.name}"
        return {service.name: service for service in self.docker.services.list(filters={"label": label})}

    def containers(self, name: str) -> set[str]:
        """Return the ids of the running containers of the component or server of this bare name."""
        service = f"com.docker.swarm.service.name={self.name}-{name}"
        return {str(container.id) for container in self.docker.containers.list(filters={"label": service})}

    def leftovers(self) -> list[str]:
        """Return the name of everything in Docker that belongs to this stack."""
        return leftovers(self.docker, self.name)

    @contextmanager
    def changed(self, **keys: Any) -> Iterator[None]:
        """Change top-level config keys for a while."""
        before = dict(self.config)
        self.config.update(keys)
        try:
            yield
        finally:
            self.config = before

    def with_server(self, name: str, entry: Any) -> dict[str, Any]:
        """Return the servers of the config with one more, or another form of one."""
        return {**self.config["servers"], name: entry}
