"""A stack whose program is a function, on the engine and the plugins of this machine, with a state of its own."""

import gc
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import docker
import pytest
from pulumi import automation

from dev.plugins.docker.waiting import until
from tests.engine.deployment import Recorder

Program = Callable[[], None]


class ContractStack:
    """One stack. Every operation takes the program to run; `name` is unique, for the names of Docker objects."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.name = f"contract-{secrets.token_hex(3)}"
        self.state = folder / "state"
        self.state.mkdir()
        self.docker: Any = docker.APIClient(base_url=environment.get("DOCKER_HOST"), version="auto")
        own = {"PULUMI_BACKEND_URL": f"file://{self.state}", "PULUMI_RUN_PROGRAM": "false"}
        self._stack = automation.create_stack(
            self.name,
            project_name="contract",
            program=lambda: None,
            opts=automation.LocalWorkspaceOptions(env_vars={**environment, **own}),
        )

    def up(self, program: Program) -> Recorder:
        """Run an `up` that must succeed."""
        recorder = Recorder()
        self._stack.up(program=program, on_event=recorder, on_output=print, color="never")
        return recorder

    def refused(self, program: Program) -> Recorder:
        """Run an `up` that must fail; its recorder has the reasons."""
        recorder = Recorder()
        with pytest.raises(automation.CommandError):
            self._stack.up(program=program, on_event=recorder, on_output=print, color="never")
        gc.collect()  # the SDK leaves coroutines of the failed program behind: let them end in this test
        return recorder

    def preview(self, program: Program) -> Recorder:
        """Tell what an `up` would change."""
        recorder = Recorder()
        self._stack.preview(program=program, on_event=recorder, color="never")
        return recorder

    def refresh(self) -> None:
        """Read every resource anew."""
        self._stack.refresh(color="never")

    def destroy(self) -> None:
        """Remove everything; must succeed."""
        self._stack.destroy(on_output=print, color="never")

    def destroy_refused(self) -> Recorder:
        """Try to remove everything, which must fail."""
        recorder = Recorder()
        with pytest.raises(automation.CommandError):
            self._stack.destroy(on_event=recorder, on_output=print, color="never")
        return recorder

    def leftovers(self) -> list[str]:
        """The names of the stack's objects that Docker still has."""
        client = self.docker
        names = [found["Name"] for found in client.networks() + (client.volumes()["Volumes"] or [])]
        names += [found["Spec"]["Name"] for found in client.services() + client.secrets() + client.configs()]
        return [name for name in names if name.startswith(self.name)]

    def service_id(self, name: str) -> str | None:
        """The ID of the stack's service of this name, if there is one."""
        found = [service["ID"] for service in self.docker.services() if service["Spec"]["Name"] == self.full_name(name)]
        return found[0] if found else None

    def running_arguments(self, name: str) -> list[list[str]]:
        """The arguments with which the tasks of a service run."""
        tasks = self.docker.tasks(filters={"service": self.full_name(name), "desired-state": "running"})
        return [task["Spec"]["ContainerSpec"]["Args"] for task in tasks if task["Status"]["State"] == "running"]

    def comes_to_run(self, name: str, arguments: list[str]) -> bool:
        """Whether all tasks of a service run with these arguments within half a minute.

        Swarm calls an update or a rollback completed when the last new task has been told to start.
        """
        return bool(until(lambda: self.running_arguments(name) == [arguments] or None, 30))

    def full_name(self, name: str) -> str:
        """The name of one of the stack's objects on the engine."""
        return f"{self.name}-{name}"

    def close(self) -> None:
        """Let go of what the SDKs hold open."""
        self.docker.close()
        gc.collect()

    def stored(self) -> str:
        """Everything in the state's files."""
        return "".join(path.read_text() for path in self.state.rglob("*") if path.is_file())
