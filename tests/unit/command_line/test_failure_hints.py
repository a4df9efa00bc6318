"""What a failed operation says to do, by what Pulumi said: in the words of the real plugin and of the stand-in."""

from pathlib import Path

import pytest

from dev.errors import EngineError
from fleet.errors import FleetError
from fleet.failure_hints import explained, hint
from stacks.aws_remedies import REMEDIES

ROOT = Path(__file__).resolve().parents[3]

REAL = (
    "creating EC2 Instance: operation error EC2: RunInstances, https response error StatusCode: 400, RequestID: 1-2, "
    "api error VcpuLimitExceeded: You have requested more vCPU capacity than your current vCPU limit of 8 allows"
)
TYPED = "operation error S3: CreateBucket, https response error StatusCode: 409, HostID: 2, BucketAlreadyExists: "
STAND_IN = "ec2 run_instances: An error occurred (VcpuLimitExceeded) when calling the RunInstances operation: …"


@pytest.mark.parametrize("said", [REAL, STAND_IN])
def test_a_refusal_of_aws_is_told_with_what_to_do(said: str) -> None:
    told = hint("prod", f"{said}\n{said}")
    assert told.startswith("AWS says VcpuLimitExceeded: the account's quota of machines is used up; ask at https://")
    assert told.count("VcpuLimitExceeded") == 1
    assert told.endswith("What was done so far is kept: the same command goes on from there")


def test_each_refusal_is_told_once_in_their_order() -> None:
    told = hint("prod", f"{TYPED}\n{REAL}\n{TYPED}")
    assert told.index("BucketAlreadyExists") < told.index("VcpuLimitExceeded")
    assert told.count("AWS says") == 2


def test_words_that_only_look_like_a_code_are_none() -> None:
    assert "AWS says" not in hint("prod", "aws:NotUnsupported MyAccessDeniedX Unsupported2")


def test_what_nobody_knows_stands_above() -> None:
    assert hint("prod", "nothing known") == "the reason stands above; `fleet status --stack prod`"


def test_a_stack_that_another_run_changes_is_told_with_its_holder_and_how_to_unlock_it() -> None:
    files = (
        "error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or delete the "
        "lock file with `pulumi cancel`.\n  file:///s/.pulumi/locks/x.json: created by ann@laptop (pid 42) at "
        "2026-11-21T22:21:28Z\n"
    )
    assert hint("prod", files).startswith(
        "stack 'prod' is being changed by ann@laptop (process 42), since 2026-11-21T22:21:28Z: wait until that run ends"
    )
    cloud = "error: [409] Conflict: Another update is currently in progress."
    assert "is being changed by somebody else" in hint("prod", cloud)
    assert "`pulumi cancel --stack prod`" in hint("prod", cloud)


def test_what_fails_on_this_machine_s_own_state_is_explained_too() -> None:
    said = "pulumi up of stack dev failed:\nthe stack is currently locked by 1 lock(s). created by a@b (pid 4) at 2026"
    with pytest.raises(FleetError, match="pulumi up of stack dev failed") as failed, explained("dev"):
        raise EngineError(said)
    assert failed.value.hint is not None
    assert "being changed by a@b (process 4)" in failed.value.hint


def test_the_runbook_has_every_code() -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    assert [code for code in REMEDIES if f"`{code}`" not in runbook] == []
