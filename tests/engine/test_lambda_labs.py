"""Machines of Lambda Labs by the real engine: made, changed, lost, found again, and gone in the end."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.lambda_cloud.account import Account
from dev.lambda_cloud.faults import Fault
from dev.lambda_cloud.machines import Times
from dev.lambda_cloud.server import LambdaCloud, Limits
from dev.lambda_cloud.ssh import greeter

from .deployment import Step
from .lambda_labs.stack import API_KEY, USER_DATA, LambdaStack, skip_without_proc

INSTANCE = "pulumi-python:dynamic/lambda-labs:Instance"
RULESET = "pulumi-python:dynamic/lambda-labs:FirewallRuleset"
KEY = "pulumi-python:dynamic/lambda-labs:SshKey"
AT_ONCE = Times(boot=0.1, terminate=0.05, forget=0.05)
NEVER = Times(boot=1e9, terminate=0.05, forget=0.05)


@pytest.fixture
def stack(engine_environment: dict[str, str], tmp_path: Path) -> Iterator[LambdaStack]:
    cloud = LambdaCloud(Account(times=AT_ONCE), API_KEY, Limits(request=0, launch=0))
    with contextlib.ExitStack() as stack:
        stack.enter_context(cloud.serving())
        yield LambdaStack(tmp_path, engine_environment, cloud, stack.enter_context(greeter()))


def replaced(name: str) -> list[Step]:
    """The steps of a replacement that deletes first."""
    return [Step(operation, INSTANCE, name) for operation in ("delete-replaced", "replace", "create-replacement")]


def test_a_machine_is_made_changed_and_ended(stack: LambdaStack) -> None:
    stack.up()
    (machine,) = stack.machine_ids()
    outputs = stack.outputs()
    assert outputs["id"] == machine
    assert (outputs["type"], outputs["region"], outputs["hourly_cents"]) == ("gpu_1x_a10", "us-east-1", 75)
    assert (outputs["address"], outputs["private_address"]) == ("127.0.0.1", "10.19.0.4")
    (launched,) = stack.cloud.asked("POST", "/instance-operations/launch")
    assert launched["user_data"] == USER_DATA
    assert launched["name"] == "test-one"

    stack.set_plain("servers:anything", "else")
    assert stack.preview().steps == [], "nothing differs after an up, whatever else is in the stack's config"
    assert stack.up(refresh=True).steps == [], "nor after a refresh"

    assert stack.up(peers=["203.0.113.8/32"]).steps == [Step("update", RULESET, "gpu-us-east-1")]
    ((ruleset),) = stack.account.rulesets.values()
    assert [rule["source_network"] for rule in ruleset["rules"]] == ["203.0.113.8/32"]

    renamed = stack.up(label="renamed", types=["gpu_1x_a100", "gpu_1x_a10"])
    assert renamed.steps == [Step("update", INSTANCE, "gpu-one")], "it stays where it is, as long as that is listed"
    assert stack.account.machines[machine].name == "renamed-one"
    assert stack.machine_ids() == [machine]

    steps = stack.up(machines={"one": USER_DATA + "another: line\n"}).steps
    assert set(steps) == set(replaced("gpu-one"))
    assert steps[0].operation == "delete-replaced"
    (another,) = stack.machine_ids()
    assert another != machine

    stack.destroy()
    assert stack.account.is_empty()


def test_no_secret_is_stored_in_plain(stack: LambdaStack) -> None:
    del stack.environment["LAMBDA_API_KEY"]
    stack.set_secret("lambda-labs:api-key", API_KEY)
    stack.run("up")
    stack.run("refresh")
    stored = stack.stored()
    assert INSTANCE in stored
    assert "canary" not in stored, "user data or API key"
    assert "jupyter" not in stored


def test_an_interrupted_create_is_taken_up_by_the_next_run(stack: LambdaStack) -> None:
    skip_without_proc()
    stack.account.times = NEVER
    stack.interrupted_up(lambda: len(stack.machine_ids()) == 1)
    (left,) = stack.machine_ids()
    stack.account.machines[left].times = AT_ONCE
    said = stack.up().text
    assert f"machine {left} is there already, from a run that was interrupted: it is used" in said
    assert stack.machine_ids() == [left]
    assert len(stack.cloud.asked("POST", "/instance-operations/launch")) == 1
    stack.destroy()
    assert stack.account.is_empty()


def test_an_interrupted_create_is_ended_by_a_destroy(stack: LambdaStack) -> None:
    skip_without_proc()
    stack.account.times = NEVER
    stack.interrupted_up(lambda: len(stack.machine_ids()) == 1)
    stack.destroy()
    assert stack.account.is_empty()


def test_without_capacity_the_next_place_is_taken_and_told_however_busy_the_account_is(stack: LambdaStack) -> None:
    stack.account.capacity["gpu_1x_a10", "us-east-1"] = 0
    stack.account.hints.add(("gpu_1x_a10", "us-east-1"))
    stack.cloud.faults += [
        Fault("GET", "/instances", status=429, headers={"retry-after": "1"}),
        Fault("POST", "/launch", status=429, headers={"retry-after": "1"}),
        Fault("POST", "/ssh-keys", status=429, headers={"retry-after": "1"}),
    ]
    said = stack.up(regions=["us-east-1", "us-west-1"]).text
    notes = ["gpu_1x_a10 in us-east-1 has no capacity", "launched as gpu_1x_a10 in us-west-1"]
    assert all(f"Lambda Labs: test-one: {note}" in said for note in notes)
    outputs = stack.outputs()
    assert (outputs["region"], outputs["notes"]) == ("us-west-1", notes)
    assert stack.preview().steps == []


def test_what_gets_lost_is_made_anew_by_an_up_with_a_refresh(stack: LambdaStack) -> None:
    names = ("terminated", "preempted", "unhealthy", "well")
    stack.up(machines=dict.fromkeys(names, USER_DATA))
    with stack.cloud.lock:
        before = {machine.name.removeprefix("test-"): machine for machine in stack.account.paid_for()}
        stack.account.terminate([before["terminated"].id])
        before["preempted"].trouble = "preempted"
        before["unhealthy"].trouble = "unhealthy"
        stack.account.rulesets.clear()
        stack.account.ssh_keys.clear()
    assert stack.preview().steps == [], "an up without a refresh knows nothing of it"

    stack.up(refresh=True)
    after = {machine.name.removeprefix("test-"): machine.id for machine in stack.account.paid_for()}
    assert after.keys() == set(names)
    assert before["terminated"].id != after["terminated"]
    assert before["preempted"].id != after["preempted"]
    assert before["unhealthy"].id != after["unhealthy"]
    assert len(stack.account.ssh_keys) == len(stack.account.rulesets) == 1

    with stack.cloud.lock:
        stack.account.terminate([after["unhealthy"]])
        stack.account.rulesets.clear()
        stack.account.ssh_keys.clear()
    stack.destroy()
    assert stack.account.is_empty(), "what is gone already does not keep a destroy from its end"


def test_a_create_that_failed_leaves_nothing_and_the_next_one_works(stack: LambdaStack) -> None:
    stack.account.capacity["gpu_1x_a10", "us-east-1"] = 0
    said = stack.refused("up")
    assert "error: ProviderError: Lambda Labs: test-one can't be launched now: gpu_1x_a10 in us-east-1 has no" in said
    assert "Traceback" not in said
    assert stack.machine_ids() == []
    stack.up(regions=["us-east-1", "us-west-1"])
    assert len(stack.machine_ids()) == 1


def test_bad_config_fails_the_preview_in_a_sentence_each(stack: LambdaStack) -> None:
    del stack.environment["LAMBDA_API_KEY"]
    said = stack.refused("preview", label="Test")
    for sentence in (
        "there is no API key; make one at https://cloud.lambda.ai/api-keys, then set it",
        "`pulumi config set --secret lambda-labs:api-key`",
        "label 'Test' must begin with a lower-case letter",
    ):
        assert sentence in said
    assert "Traceback" not in said
    assert "canary" not in said


def test_a_wrong_type_region_or_key_fails_the_preview_in_a_sentence(stack: LambdaStack) -> None:
    said = stack.refused("preview", types=["gpu_1x_a1O"], regions=["us-east-1", "us-east1"])
    assert "there is no type 'gpu_1x_a1O'; did you mean gpu_1x_a10?" in said
    assert "there is no region 'us-east1'; did you mean us-east-1?" in said
    stack.environment["LAMBDA_API_KEY"] = "canary-of-another"
    said = stack.refused("preview")
    assert "API key was invalid, expired, or deleted (global/invalid-api-key); make one at" in said
    assert "Traceback" not in said
    assert "canary" not in said
