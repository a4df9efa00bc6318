"""The policy pack over hosts on AWS, on the real engine: they keep to it, and the same without encryption do not."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from dev.cloud.aws_account import furnished
from dev.plugins.aws.provider import SERVICES
from fleet import preview_log

from .aws_stack import moto_account
from .deployment import ROOT

PLAIN = {"encrypted": False, "deleteOnTermination": True, "kmsKeyId": "", "volumeSize": 20, "volumeType": "gp3"}
Violations: TypeAlias = Callable[[dict[str, dict[str, Any]]], set[tuple[str, str]]]


@pytest.fixture
def violations(
    engine_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Violations]:
    """Preview with weaker inputs, and return the rules that are broken, with the resources' names."""
    project, state = tmp_path / "project", tmp_path / "state"
    project.mkdir()
    state.mkdir()
    for name in ("components", "policy"):
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(ROOT / "Pulumi.yaml", project)
    shutil.copy2(Path(__file__).parent / "policy_aws_program.py", project / "__main__.py")
    (project / ".venv").symlink_to(ROOT / ".venv")
    environ = {**engine_environment, "PULUMI_BACKEND_URL": f"file://{state}"}
    environ["PULUMI_ENABLE_STREAMING_JSON_PREVIEW"] = "true"
    subprocess.run(["pulumi", "stack", "init", "test"], cwd=project, env=environ, check=True, capture_output=True)

    with moto_account() as account:
        images = furnished(account.client)["images"]

        def preview(weaker: dict[str, dict[str, Any]]) -> set[tuple[str, str]]:
            asked = {"url": account.url, "services": sorted(SERVICES), "images": images, "weaker": weaker}
            (project / "program.json").write_text(json.dumps(asked))
            command = ["pulumi", "preview", "--json", "--non-interactive", "--stack", "test", "--policy-pack", "policy"]
            run = subprocess.run(command, cwd=project, env=environ, capture_output=True, text=True)
            log = preview_log.read(run.stdout.splitlines(), failed=run.returncode != 0, stderr=run.stderr)
            assert log.errors == ()
            assert len(log.steps) > 40, "the hosts are there"
            return {(found.policy_name, found.resource_urn.rpartition("::")[2]) for found in log.violations}

        yield preview


def test_hosts_keep_to_every_rule(violations: Violations) -> None:
    assert violations({}) == set()


def test_what_is_open_plain_or_without_an_owner_is_refused(violations: Violations) -> None:
    weaker: dict[str, dict[str, Any]] = {
        ":Instance aws-manager-2": {"root_block_device": PLAIN, "tags": {}},
        "aws-hosts-tcp-2377": {"cidr_ipv4": "0.0.0.0/0", "referenced_security_group_id": None},
    }
    assert violations(weaker) == {
        ("volumes-encrypted", "aws-manager-2"),
        ("tags", "aws-manager-2"),
        ("world-reaches-443-only", "aws-hosts-tcp-2377"),
    }


def test_a_bucket_without_an_encryption_is_refused(violations: Violations) -> None:
    weaker = {":BucketServerSideEncryptionConfiguration aws": {"bucket": "another-bucket"}}
    assert violations(weaker) == {("buckets-encrypted", "aws")}
