"""A stack that is a Swarm, run as a user runs it, over what `hosts.json` says."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from pulumi import automation

from dev.cloud.machine import Machine

from .deployment import ROOT, Recorder


class SwarmStack:
    """One stack. `hosts` are its hosts by name: the machine, and what else the program is told of it."""

    program = "swarm_program.py"

    def __init__(self, name: str, folder: Path, environment: Mapping[str, str], private_key: str) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.swarm = name
        self.hosts: dict[str, tuple[Machine, dict[str, Any]]] = {}
        self.docker = ""
        self.machines_go = False
        self.ready_seconds = 60
        project = folder / "project"
        self.state.mkdir()
        project.mkdir()
        shutil.copy2(ROOT / "Pulumi.yaml", project)
        shutil.copy2(Path(__file__).parent / self.program, project / "__main__.py")
        shutil.copytree(ROOT / "components", project / "components", ignore=shutil.ignore_patterns("__pycache__"))
        (project / ".venv").symlink_to(ROOT / ".venv")
        self._project = project
        # What a user's shell may have must not matter: nothing listens there.
        caller = {"DOCKER_HOST": "tcp://127.0.0.1:1", "DOCKER_CONTEXT": "elsewhere", "SSH_AUTH_SOCK": "/nowhere"}
        own = {"PULUMI_BACKEND_URL": f"file://{self.state}", **caller}
        self.stack = automation.create_stack(
            name, work_dir=str(project), opts=automation.LocalWorkspaceOptions(env_vars={**environment, **own})
        )
        self.stack.set_config("private-key", automation.ConfigValue(private_key, secret=True))

    def up(self) -> Recorder:
        """Run an `up` that must succeed."""
        return self._run(self.stack.up)

    def preview(self) -> Recorder:
        """Tell what an `up` would change."""
        return self._run(self.stack.preview)

    def refresh(self) -> Recorder:
        """Read everything anew."""
        return self._run(self.stack.refresh)

    def destroy(self) -> Recorder:
        """Remove everything."""
        return self._run(self.stack.destroy)

    def refused(self, operation: Callable[..., object]) -> str:
        """Run an operation of `stack` that must fail, and return what it said."""
        self._write()
        recorder = Recorder()
        with pytest.raises(automation.CommandError):
            operation(on_event=recorder, on_output=print, color="never")
        return recorder.text

    def known(self) -> set[str]:
        """The names of the resources in the state."""
        return {resource["urn"].rsplit("::", 1)[1] for resource in self.resources()}

    def resources(self) -> list[dict[str, Any]]:
        """What the state has."""
        resources: list[dict[str, Any]] = (self.stack.export_stack().deployment or {}).get("resources", [])
        return resources

    def stored(self) -> str:
        """Everything in the state's files, history and backups too."""
        return "".join(path.read_text() for path in self.state.rglob("*") if path.is_file())

    def _run(self, operation: Callable[..., object]) -> Recorder:
        self._write()
        recorder = Recorder()
        operation(on_event=recorder, on_output=print, color="never")
        return recorder

    def _write(self) -> None:
        hosts = [
            {
                "name": name,
                "machine": machine.id,
                "address": machine.address,
                "host_key": machine.ssh.host_key,
                "advertise_address": machine.address,
                **told,
            }
            for name, (machine, told) in self.hosts.items()
        ]
        (self._project / "hosts.json").write_text(json.dumps(self.asked(hosts)))

    def asked(self, hosts: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        """What the program reads."""
        return {
            "swarm": self.swarm,
            "hosts": hosts,
            "docker": self.docker,
            "machines_go": self.machines_go,
            "ready_seconds": self.ready_seconds,
        }
