"""A stack in a simulated cloud: its project folder, and Pulumi's operations on it."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from dev import commands, home
from dev.cloud.cloud import Cloud
from dev.environment import environment
from dev.errors import EngineError
from dev.progress import Steps
from dev.project_copy import copy_project
from dev.pulumi_events import SETTLED, Follower

LOCK_VARIABLE: Final = "MCP_FLEET_IMAGES_LOCK"
PASSPHRASE: Final = "of-the-simulated-cloud"  # noqa: S105 - its state is as short-lived as it is
INTERRUPT_SECONDS: Final = 60.0
UNASKED: Final = ("--yes", "--skip-preview")


@dataclass(frozen=True, kw_only=True)
class Change:
    """One step of an operation: what is done (`create`, `update`, …) to the resource of this type and name."""

    operation: str
    type: str
    name: str


@dataclass(kw_only=True)
class Operation:
    """What an operation did, and how long it took, in seconds."""

    seconds: float = 0.0
    changes: list[Change] = field(default_factory=list)

    def follow(self, line: str) -> None:
        """Take one line of the engine's output."""
        if not line.startswith("{"):
            return
        metadata = (json.loads(line).get("resourcePreEvent") or {}).get("metadata")
        if metadata and metadata["op"] not in SETTLED:
            urn = metadata["urn"]
            self.changes.append(Change(operation=metadata["op"], type=metadata["type"], name=urn.rpartition("::")[2]))


class CloudStack:
    """One stack; `config` is what its Pulumi.<name>.yaml has below `config:`, keys without the namespace."""

    def __init__(self, name: str, cloud: Cloud, config: Mapping[str, Any], steps: Steps) -> None:
        self.name = name
        self.config = dict(config)
        self.project = cloud.folder / "stacks" / name
        self._steps = steps
        self.project.mkdir(parents=True)
        copy_project(self.project)
        state = self.project / "state"
        state.mkdir()
        self.environment = {
            **os.environ,
            **environment(),
            **cloud.account.environment(),
            "PULUMI_BACKEND_URL": f"file://{state}",
            "MCP_FLEET_BACKEND_URL": f"file://{state}",
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        }
        if pins := self.environment.get(LOCK_VARIABLE):
            # As they are now: another checkout may have the mirror build its images anew at any time.
            self.environment[LOCK_VARIABLE] = str(shutil.copy(pins, self.project / "images.lock.own.json"))
        self._quiet("stack", "init", name)

    @property
    def file(self) -> Path:
        """Its Pulumi.<name>.yaml."""
        return self.project / f"Pulumi.{self.name}.yaml"

    def up(self, title: str, *options: str) -> Operation:
        """Run an `up`, which must succeed.

        Raises:
            EngineError: It failed; with what it said.
        """
        return self._run("up", title, *UNASKED, *options)

    def preview(self, title: str, *options: str) -> Operation:
        """Tell what an `up` would change. Raises EngineError with what it said if it failed."""
        return self._run("preview", title, *options)

    def destroy(self, title: str) -> Operation:
        """Remove everything. Raises EngineError with what it said if it failed."""
        return self._run("destroy", title, *UNASKED, "--refresh")

    def fleet(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run our command line on it."""
        return subprocess.run(
            [sys.executable, "-m", "fleet", "-C", str(self.project), *arguments, "--stack", self.name],
            cwd=home.CHECKOUT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def set_secret(self, path: str, value: str) -> None:
        """Set a secret of the config; its value is in no argument."""
        self._write()
        self._quiet("config", "set", "--secret", "--path", f"mcp-fleet:{path}", told=value)

    def set_plain(self, key: str, value: str) -> None:
        """Set a key of another namespace, such as lambda-labs:endpoint."""
        self._write()
        self._quiet("config", "set", key, value)

    def outputs(self) -> dict[str, Any]:
        """What the program exports, its secrets too."""
        shown: dict[str, Any] = json.loads(self._quiet("stack", "output", "--json", "--show-secrets"))
        return shown

    def _write(self) -> None:
        """Write the stack file, keeping what Pulumi itself put there: the salt, secrets, keys of other namespaces."""
        document = yaml.safe_load(self.file.read_text()) if self.file.exists() else {}
        kept = {
            key: value
            for key, value in (document.get("config") or {}).items()
            if key == "mcp-fleet:secrets" or not key.startswith("mcp-fleet:")
        }
        document["config"] = {f"mcp-fleet:{key}": value for key, value in self.config.items()} | kept
        self.file.write_text(yaml.safe_dump(document, sort_keys=False))

    def _run(self, command: str, title: str, *options: str) -> Operation:
        self._write()
        operation = Operation()
        with self._steps.step(title) as step:
            follower = Follower(step, 0)

            def follow(line: str) -> None:
                follower.follow(line)
                operation.follow(line)

            started = time.monotonic()
            try:
                commands.run(
                    ["pulumi", "--non-interactive", command, "--json", "--stack", self.name, *options],
                    name=f"pulumi-{command}-{self.name}",
                    on_line=follow,
                    environ={**self.environment, "PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"},
                    cwd=self.project,
                    grace=INTERRUPT_SECONDS,
                )
            except EngineError as error:
                told = "\n".join(follower.problems or follower.said) or str(error)
                raise EngineError(f"pulumi {command} of stack {self.name} failed:\n{told}") from error
            operation.seconds = time.monotonic() - started
            step.done(follower.summary())
        return operation

    def _quiet(self, *arguments: str, told: str | None = None) -> str:
        done = subprocess.run(
            ["pulumi", "--non-interactive", *arguments, *(() if arguments[1] == "init" else ("--stack", self.name))],
            cwd=self.project,
            env=self.environment,
            input=told,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise EngineError(f"pulumi {' '.join(arguments[:2])} of stack {self.name} failed:\n{done.stderr.strip()}")
        return done.stdout


def committed(name: str) -> dict[str, Any]:
    """The config of a stack as the checkout has it, keys without the namespace."""
    document = yaml.safe_load((home.CHECKOUT / f"Pulumi.{name}.yaml").read_text())["config"]
    return {key.removeprefix("mcp-fleet:"): value for key, value in document.items()}


def in_cloud(config: Mapping[str, Any], cloud: Cloud, network: str) -> dict[str, Any]:
    """A committed config with what is to be filled in: the ids of this account, and addresses that are free here."""
    aws = {
        **config["hosts"]["aws"],
        "images": {"x86_64": cloud.found["images"]["x86_64"]},
        "domain": {**config["hosts"]["aws"]["domain"], "hosted-zone": cloud.found["hosted_zone"]},
        "network": network,
    }
    # One server is added by a line alone, whose package has no lock.
    return {**config, "require-locks": False, "hosts": {**config["hosts"], "aws": aws}}
