"""The committed stack of prod on the real engine, in a moto account: what its first preview shows."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.plugins.aws.provider import SERVICES
from fleet import preview_log
from tests.components.moto_engine import REGION, furnished

from .aws_stack import CREDENTIALS, MotoAccount, moto_account
from .deployment import ROOT, copy_project

LEAD = """
import json
import pulumi

def to_moto(args):
    if args.type_ != "pulumi:providers:aws":
        return None
    return pulumi.ResourceTransformationResult({{**args.props, **json.loads({settings!r})}}, args.opts)

pulumi.runtime.register_stack_transformation(to_moto)
"""


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[MotoAccount]:
    with moto_account(monkeypatch) as account:
        yield account


@pytest.fixture
def project(account: MotoAccount, tmp_path: Path) -> Path:
    """The project, with a stack file of this account's ids, and led to it instead of AWS."""
    folder = tmp_path / "project"
    folder.mkdir()
    copy_project(folder)
    found = furnished(account.client)
    text = (ROOT / "Pulumi.prod.yaml").read_text().replace("us-east-1", REGION)
    text = re.sub(r"Z0\w+", found["hosted_zone"], text.replace("ami-0123456789abcdef0", found["images"]["x86_64"]))
    (folder / "Pulumi.prod.yaml").write_text(text)
    settings = {
        "accessKey": CREDENTIALS,
        "secretKey": CREDENTIALS,
        "endpoints": json.dumps([dict.fromkeys(SERVICES, account.url)]),
        **dict.fromkeys(("skipCredentialsValidation", "skipMetadataApiCheck", "skipRegionValidation"), "true"),
        **dict.fromkeys(("skipRequestingAccountId", "s3UsePathStyle"), "true"),
    }
    program = folder / "__main__.py"
    lead = LEAD.format(settings=json.dumps(settings))
    program.write_text(program.read_text().replace("\nimport os\n", f"\nimport os\n{lead}", 1))
    return folder


def test_the_first_preview_shows_the_whole_stack_and_breaks_no_rule(
    project: Path, account: MotoAccount, engine_environment: dict[str, str]
) -> None:
    before = account.left()
    environ = {**engine_environment, "PULUMI_BACKEND_URL": f"file://{project.parent}"}
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
