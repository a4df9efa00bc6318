"""The committed stack of prod on the real engine, in a moto account: what its first preview shows."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.cloud.aws_account import AwsAccount, furnished
from dev.project_copy import copy_project
from fleet import preview_log
from tests.components.moto_engine import REGION

from .aws_stack import moto_account
from .deployment import ROOT


@pytest.fixture
def account() -> Iterator[AwsAccount]:
    with moto_account() as account:
        yield account


@pytest.fixture
def project(account: AwsAccount, tmp_path: Path) -> Path:
    """The project, with a stack file of this account's ids."""
    folder = tmp_path / "project"
    folder.mkdir()
    copy_project(folder)
    found = furnished(account.client)
    text = (ROOT / "Pulumi.prod.yaml").read_text().replace("us-east-1", REGION)
    text = re.sub(r"Z0\w+", found["hosted_zone"], text.replace("ami-0123456789abcdef0", found["images"]["x86_64"]))
    (folder / "Pulumi.prod.yaml").write_text(text)
    return folder


def test_the_first_preview_shows_the_whole_stack_and_breaks_no_rule(
    project: Path, account: AwsAccount, engine_environment: dict[str, str]
) -> None:
    before = account.left()
    environ = {**engine_environment, **account.environment(), "PULUMI_BACKEND_URL": f"file://{project.parent}"}
    environ["PULUMI_ENABLE_STREAMING_JSON_PREVIEW"] = "true"
    subprocess.run(["pulumi", "stack", "init", "prod"], cwd=project, env=environ, check=True, capture_output=True)
    command = ["pulumi", "preview", "--json", "--non-interactive", "--stack", "prod", "--policy-pack", "policy"]
    run = subprocess.run(command, cwd=project, env=environ, capture_output=True, text=True)
    log = preview_log.read(run.stdout.splitlines(), failed=run.returncode != 0, stderr=run.stderr)
    assert log.errors == ()
    assert log.violations == ()
    kinds = [step.urn.split("::")[2].rpartition("$")[2] for step in log.steps]
    assert kinds.count("aws:ec2/instance:Instance") == 5
    assert kinds.count("pulumi-python:dynamic/mcp-fleet:SwarmNode") == 5
    assert kinds.count("docker-build:index:Image") == 4
    assert kinds.count("docker:index/service:Service") == 9
    assert "OPENSSH PRIVATE KEY" not in run.stdout
    assert account.left() == before, "a preview makes nothing"
