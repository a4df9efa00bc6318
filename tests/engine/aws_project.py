"""A project whose program makes hosts on AWS, run by the command line as a user does, on a way where faults happen."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dev.plugins.aws.faults import FaultyWay, Hold

from .deployment import ROOT
from .killing import kill_session

PROGRAM = """
import json, pathlib
import pulumi
import pulumi_aws as aws
from components.hosts.aws.hosts import AwsHosts, AwsHostsArgs, Budget, Domain
from components.hosts.aws.machines import MachineGroup

asked = json.loads(pathlib.Path("asked.json").read_text())
provider = aws.Provider("aws", aws.ProviderArgs(region=asked["region"]))
AwsHosts(
    "aws",
    AwsHostsArgs(
        label="mcp-fleet-test",
        zones=["eu-west-1a"],
        groups={"manager": MachineGroup(role="manager", count=asked["machines"], type="t3.large")},
        images=asked["images"],
        public_key="ssh-ed25519 AAAA operator",
        ssh_from=["203.0.113.0/24"],
        domain=Domain(name="mcp.example.com", hosted_zone=asked["hosted_zone"]) if asked["entrance"] else None,
        bucket="example-backups",
        repositories=["time"],
        budget=Budget(dollars=500, emails=["owner@example.com"]) if asked["entrance"] else None,
        protected=asked["protected"],
        tags={"mcp-fleet.stack": "test"},
    ),
    pulumi.ResourceOptions(providers=[provider]),
)
"""
RUN_SECONDS = 900


class AwsProject:
    """One stack, `test`. `asked` is what its program asks for, and every operation reads it anew."""

    def __init__(self, folder: Path, environment: Mapping[str, str], way: FaultyWay, asked: Mapping[str, Any]) -> None:
        self.folder = folder
        self._log = folder / "started.log"
        self.way = way
        self.asked = {"machines": 1, "entrance": False, "protected": False, **asked}
        (folder / "state").mkdir()
        (folder / "Pulumi.yaml").write_text("name: mcp-fleet\nruntime: python\n")
        (folder / "__main__.py").write_text(PROGRAM)
        for name in ("components", "policy"):
            (folder / name).symlink_to(ROOT / name)
        state = {"PULUMI_BACKEND_URL": f"file://{folder}/state", "MCP_FLEET_BACKEND_URL": f"file://{folder}/state"}
        account = {"AWS_ENDPOINT_URL": way.url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        secrets = {"PULUMI_CONFIG_PASSPHRASE": "of-the-test"}
        python = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        self.environment = {**os.environ, **environment, **state, **account, **secrets, **python}
        self.pulumi("stack", "init", "test")

    def pulumi(self, *arguments: str) -> str:
        """Run the Pulumi CLI, which must succeed; returns what it printed."""
        run = self._run(["pulumi", "--non-interactive", *arguments])
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout

    def fleet(self, *arguments: str, given: str | None = None) -> "subprocess.CompletedProcess[str]":
        """Run our command line on the stack."""
        return self._run([sys.executable, "-m", "fleet", *arguments, "--stack", "test"], given=given)

    def deployed(self) -> str:
        """`fleet deploy`, which must succeed."""
        return self._worked(self.fleet("deploy"))

    def destroyed(self) -> str:
        """`fleet destroy`, which must succeed."""
        return self._worked(self.fleet("destroy", "--yes"))

    def refused(self, *arguments: str, given: str | None = None) -> str:
        """Run our command line, which must fail in a sentence; returns what it said last."""
        run = self.fleet(*arguments, given=given)
        print(run.stdout, run.stderr)
        assert run.returncode == 1, run.stdout + run.stderr
        return run.stderr[run.stderr.rindex("error: stack") :]

    def killed(self, operation: str) -> None:
        """Start `fleet deploy`, and kill it when AWS has done `operation` and its answer is not there yet."""
        hold = Hold(operation)
        self.way.holds.append(hold)
        with self.started() as run:
            try:
                self.await_held(hold, run)
            finally:
                kill_session(run.pid)
                hold.let_go.set()
        self.pulumi("cancel", "--yes", "--stack", "test")

    def await_held(self, hold: Hold, run: "subprocess.Popen[bytes]") -> None:
        """Wait until the operation of `hold` was carried out, or fail with what `run` said when it ended without it."""

        def release() -> None:
            run.wait()
            hold.done.set()

        threading.Thread(target=release).start()
        assert hold.done.wait(RUN_SECONDS), f"{hold.operation} was not asked for:\n{self._log.read_text()}"
        assert run.poll() is None, f"the run ended before {hold.operation} was held:\n{self._log.read_text()}"

    def started(self) -> "subprocess.Popen[bytes]":
        """Start `fleet deploy` in a session of its own."""
        self._write()
        with self._log.open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "fleet", "deploy", "--stack", "test"],
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def unchanged(self) -> None:
        """Check that a preview would change nothing."""
        self._write()
        self.pulumi("preview", "--stack", "test", "--expect-no-changes")

    def resources(self) -> list[dict[str, Any]]:
        """What the state has."""
        document = json.loads(self.pulumi("stack", "export", "--stack", "test"))
        found: list[dict[str, Any]] = document["deployment"].get("resources") or []
        return found

    def _worked(self, run: "subprocess.CompletedProcess[str]") -> str:
        print(run.stdout, run.stderr)
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stderr

    def _run(self, command: list[str], *, given: str | None = None) -> "subprocess.CompletedProcess[str]":
        self._write()
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            input=given or "",
            capture_output=True,
            text=True,
            check=False,
            timeout=RUN_SECONDS,
        )

    def _write(self) -> None:
        (self.folder / "asked.json").write_text(json.dumps(self.asked))
