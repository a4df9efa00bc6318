"""The committed stack of prod on the real engine, in a moto account: what its first preview shows."""

import re
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from dev.cloud.aws_account import AwsAccount, furnished
from dev.lambda_cloud.account import Account
from dev.lambda_cloud.server import LambdaCloud, Limits
from dev.project_copy import copy_project
from fleet import preview_log
from tests.components.moto_engine import REGION

from .aws_stack import moto_account
from .deployment import ROOT

API_KEY = "canary-of-the-account"
LAMBDA_LABS = "    lambda_labs: {regions: [us-west-1, us-east-1], types: [gpu_1x_a10], count: 2}\n"


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


def preview(project: Path, environment: Mapping[str, str]) -> tuple[preview_log.PreviewLog, str]:
    """Preview a new stack with the policy pack; return what is read of it, and all that was printed."""
    environ = {**environment, "PULUMI_BACKEND_URL": f"file://{project.parent}"}
    environ["PULUMI_ENABLE_STREAMING_JSON_PREVIEW"] = "true"
    subprocess.run(["pulumi", "stack", "init", "prod"], cwd=project, env=environ, check=True, capture_output=True)
    command = ["pulumi", "preview", "--json", "--non-interactive", "--stack", "prod", "--policy-pack", "policy"]
    run = subprocess.run(command, cwd=project, env=environ, capture_output=True, text=True)
    log = preview_log.read(run.stdout.splitlines(), failed=run.returncode != 0, stderr=run.stderr)
    return log, run.stdout + run.stderr


def kinds(log: preview_log.PreviewLog) -> Counter[str]:
    return Counter(step.urn.split("::")[2].rpartition("$")[2] for step in log.steps)


def test_the_first_preview_shows_the_whole_stack_and_breaks_no_rule(
    project: Path, account: AwsAccount, engine_environment: dict[str, str]
) -> None:
    before = account.left()
    log, printed = preview(project, {**engine_environment, **account.environment()})
    assert log.errors == ()
    assert log.violations == ()
    found = kinds(log)
    assert found["aws:ec2/instance:Instance"] == 5
    assert found["pulumi-python:dynamic/mcp-fleet:SwarmNode"] == 5
    assert found["docker-build:index:Image"] == 4
    assert found["docker:index/service:Service"] == 9
    assert "OPENSSH PRIVATE KEY" not in printed
    assert account.left() == before, "a preview makes nothing"


def test_a_preview_over_two_clouds_knows_what_it_can_before_there_are_machines(
    project: Path, account: AwsAccount, engine_environment: dict[str, str]
) -> None:
    stack = project / "Pulumi.prod.yaml"
    cloud = LambdaCloud(Account(), API_KEY, Limits(request=0, launch=0))
    with cloud.serving():
        own = f"  lambda-labs:endpoint: {cloud.url}\n  lambda-labs:request-seconds: 0\n"
        servers = "  mcp-fleet:servers:\n"
        stack.write_text(stack.read_text().replace(servers, f"{LAMBDA_LABS}{own}{servers}"))
        log, printed = preview(project, {**engine_environment, **account.environment(), "LAMBDA_API_KEY": API_KEY})
    assert log.errors == ()
    assert log.violations == ()
    found = kinds(log)
    assert found["pulumi-python:dynamic/lambda-labs:Instance"] == 2
    assert found["pulumi-python:dynamic/mcp-fleet:TunnelEnd"] == 7
    assert found["pulumi-python:dynamic/mcp-fleet:SwarmNode"] == 7
    assert found["aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"] == 6
    assert API_KEY not in printed
    assert "OPENSSH PRIVATE KEY" not in printed
    assert cloud.account.is_empty(), "a preview makes nothing"
