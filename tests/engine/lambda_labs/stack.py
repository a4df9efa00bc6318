"""A stack of machines of Lambda Labs on the real engine, whose account is the stand-in's."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from pulumi import automation

from dev.lambda_cloud.server import LambdaCloud
from tests.engine.deployment import ROOT, Recorder

PROGRAM = """
import json, pathlib
import pulumi
from components.hosts.lambda_labs import FirewallRule, LambdaLabsAccount, LambdaLabsHosts, LambdaLabsHostsArgs, Machine

wanted = json.loads(pathlib.Path("wanted.json").read_text())
machines = {name: Machine(user_data=data) for name, data in wanted.pop("machines").items()}
firewall = [
    FirewallRule(description="wireguard", protocol="udp", source=source, ports=(51820, 51820))
    for source in wanted.pop("peers")
]
account = LambdaLabsAccount.from_config()
gpu = LambdaLabsHosts(
    "gpu", LambdaLabsHostsArgs(account=account, machines=machines, firewall=firewall, **wanted)
)
pulumi.export("hosts", {name: vars(host) for name, host in gpu.outputs.hosts.items()})
"""
USER_DATA = "#cloud-config\nwireguard: canary-of-the-machine\n"
API_KEY = "canary-of-the-account"
PATIENCE_SECONDS = 60


class LambdaStack:
    """One stack. `wanted` is what its program asks for; every operation reads it anew."""

    def __init__(self, folder: Path, environment: Mapping[str, str], cloud: LambdaCloud, ssh_port: int) -> None:
        self.cloud = cloud
        self.account = cloud.account
        self.folder = folder
        self.state = folder / "state"
        self.state.mkdir()
        self.wanted: dict[str, Any] = {
            "label": "test",
            "machines": {"one": USER_DATA},
            "types": ["gpu_1x_a10"],
            "regions": ["us-east-1"],
            "public_key": "ssh-ed25519 AAAA operator",
            "peers": ["203.0.113.7/32"],
            "ssh_port": ssh_port,
        }
        self.environment = {
            **os.environ,
            **environment,
            "PULUMI_BACKEND_URL": f"file://{self.state}",
            "LAMBDA_API_KEY": API_KEY,
        }
        (folder / "Pulumi.yaml").write_text("name: machines\nruntime: python\n")
        (folder / "__main__.py").write_text(PROGRAM)
        (folder / "components").symlink_to(ROOT / "components")
        options = automation.LocalWorkspaceOptions(env_vars=self.environment)
        self._write()
        self._stack = automation.create_stack("test", work_dir=str(folder), opts=options)
        self.configure(
            **{"endpoint": cloud.url, "request-seconds": 0, "launch-seconds": 0, "poll-seconds": 0.05},
        )

    def configure(self, **keys: object) -> None:
        """Set config keys of `lambda-labs:`."""
        file = self.folder / "Pulumi.test.yaml"
        text = file.read_text() if file.exists() else ""
        head = text if "config:" in text else f"{text}config:\n"
        file.write_text(head + "".join(f"  lambda-labs:{key}: {value}\n" for key, value in keys.items()))

    def _write(self) -> None:
        (self.folder / "wanted.json").write_text(json.dumps(self.wanted))

    def up(self, *, refresh: bool = False, **changed: object) -> Recorder:
        """Run an `up` that must succeed, after changing `wanted`."""
        self.wanted |= changed
        self._write()
        recorder = Recorder()
        self._stack.up(on_event=recorder, on_output=print, color="never", refresh=refresh)
        return recorder

    def preview(self) -> Recorder:
        """Tell what an `up` would change."""
        self._write()
        recorder = Recorder()
        self._stack.preview(on_event=recorder, color="never")
        return recorder

    def refused(self, operation: str, **changed: object) -> str:
        """Run an operation that must fail, and return all that it said."""
        self.wanted |= changed
        self._write()
        return self.run(operation, check=False).stdout

    def destroy(self) -> None:
        """Remove everything; must succeed."""
        self.run("destroy")

    def set_plain(self, key: str, value: str) -> None:
        """Set a config value that has nothing to do with Lambda Labs."""
        self._stack.set_config(key, automation.ConfigValue(value))

    def set_secret(self, key: str, value: str) -> None:
        """Set a config value, encrypted."""
        self._stack.set_config(key, automation.ConfigValue(value, secret=True))

    def run(self, operation: str, *, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run an operation by the plain command, in `environment`; `check` says whether it must succeed or fail."""
        argv = ["pulumi", operation, "--stack", "test", "--non-interactive", "--color", "never"]
        flags = [] if operation == "preview" else ["--yes", "--skip-preview"]
        done = subprocess.run(
            [*argv, *flags], cwd=self.folder, env=self.environment, text=True, capture_output=True, timeout=120
        )
        print(done.stdout, done.stderr)
        assert (done.returncode == 0) == check, done.stdout + done.stderr
        return done

    def interrupted_up(self, happened: Callable[[], bool]) -> None:
        """Start an `up`, and kill the engine and all that it started once `happened`."""
        self._write()
        argv = ["pulumi", "up", "--stack", "test", "--yes", "--skip-preview", "--non-interactive"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(
            argv,
            cwd=self.folder,
            env=self.environment,
            start_new_session=True,
            **quiet,  # type: ignore[call-overload]
        ) as engine:
            give_up = time.monotonic() + PATIENCE_SECONDS
            while not happened():
                assert engine.poll() is None, "the engine ended by itself"
                assert time.monotonic() < give_up, "it did not happen"
                time.sleep(0.02)
            for process in [engine.pid, *_descendants(engine.pid)]:
                os.kill(process, signal.SIGKILL)
        self._stack.cancel()

    def outputs(self) -> dict[str, Any]:
        """What the program exports of the machine `one`."""
        return dict(self._stack.outputs()["hosts"].value["one"])

    def machine_ids(self) -> list[str]:
        """The machines that cost money."""
        with self.cloud.lock:
            return [machine.id for machine in self.account.paid_for()]

    def stored(self) -> str:
        """Everything in the state's files."""
        return "".join(path.read_text() for path in self.state.rglob("*") if path.is_file())


def _descendants(process: int) -> list[int]:
    threads = Path(f"/proc/{process}/task").glob("*/children")  # each thread of the engine has children of its own
    children = [int(child) for thread in threads for child in thread.read_text().split()]
    return [found for child in children for found in (child, *_descendants(child))]


def skip_without_proc() -> None:
    """Killing the engine's plugins needs Linux's /proc."""
    if not Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").exists():
        pytest.skip("no /proc")
