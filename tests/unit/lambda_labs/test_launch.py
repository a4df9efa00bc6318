"""One machine, whatever happens: what is looked up, where it is launched, and that nothing paid for is left."""

import pytest

from components.providers.lambda_labs.client import RefusedError
from components.providers.lambda_labs.launch import SPEC_TAG
from components.providers.plain_errors import ProviderError
from dev.lambda_cloud.account import Account
from dev.lambda_cloud.faults import Fault
from dev.lambda_cloud.machines import Machine, Times
from dev.lambda_cloud.requests import Launch as LaunchBody
from dev.lambda_cloud.server import LambdaCloud

from .conftest import Launch, ManualClock, wanted

A10 = "gpu_1x_a10"
A100 = "gpu_1x_a100"


def left_behind(account: Account, *, spec: str = "spec-in-us-east-1", claim: str = "prod-0123") -> Machine:
    """A machine as an interrupted run leaves it."""
    tags = {"mcp-fleet:claim": claim, "mcp-fleet:machine": "one", SPEC_TAG: spec}
    body = LaunchBody.model_validate(
        {
            "region_name": "us-east-1",
            "instance_type_name": A10,
            "ssh_key_names": ["operator"],
            "tags": [{"key": key, "value": value} for key, value in tags.items()],
        }
    )
    return account.machines[account.launch(body)["instance_ids"][0]]


def launches(cloud: LambdaCloud) -> list[tuple[str, str]]:
    bodies = cloud.asked("POST", "/instance-operations/launch")
    return [(body["instance_type_name"], body["region_name"]) for body in bodies]


def paid_for(account: Account) -> list[str]:
    return [machine.id for machine in account.paid_for()]


def test_a_machine_is_launched_and_waited_for(
    launch: Launch, cloud: LambdaCloud, account: Account, clock: ManualClock
) -> None:
    machine = launch(wanted()).machine()
    assert machine.status == "active"
    assert machine.ip == "127.0.0.1"
    assert paid_for(account) == [machine.id]
    assert 180 <= clock.seconds < 220, "it boots in 180 s"
    assert cloud.refused_for_speed == 0
    assert launch.said == []


def test_an_active_machine_is_waited_for_until_it_answers_by_ssh(launch: Launch, account: Account) -> None:
    launch.answers = False
    with pytest.raises(ProviderError, match="did not answer by SSH within 1800 s; its state is active"):
        launch(wanted()).machine()
    assert paid_for(account) == []


def test_a_machine_that_an_interrupted_run_left_is_used(launch: Launch, cloud: LambdaCloud, account: Account) -> None:
    left = left_behind(account)
    assert launch(wanted()).machine().id == left.id
    assert launches(cloud) == []
    assert f"prod-one: machine {left.id} is there already, from a run that was interrupted: it is used" in launch.said


def test_of_two_that_were_left_one_is_used_and_one_ended(launch: Launch, account: Account) -> None:
    first, _ = left_behind(account), left_behind(account)
    assert launch(wanted()).machine().id == first.id
    assert paid_for(account) == [first.id]


def test_one_that_was_left_with_another_spec_is_ended_before_a_new_one_is_launched(
    launch: Launch, account: Account
) -> None:
    left = left_behind(account, spec="another")
    machine = launch(wanted()).machine()
    assert machine.id != left.id
    assert paid_for(account) == [machine.id]


@pytest.mark.parametrize("trouble", ["unhealthy", "preempted"])
def test_one_that_was_left_in_trouble_is_not_used(launch: Launch, account: Account, trouble: str) -> None:
    left = left_behind(account)
    left.trouble = trouble  # type: ignore[assignment]
    machine = launch(wanted()).machine()
    assert machine.id != left.id
    assert paid_for(account) == [machine.id]
    assert left.ended_at is not None


def test_machines_of_others_are_left_alone(launch: Launch, account: Account) -> None:
    other = left_behind(account, claim="prod-4567")
    machine = launch(wanted()).machine()
    assert sorted(paid_for(account)) == sorted([other.id, machine.id])


def test_the_first_type_is_tried_in_all_regions_before_the_next(
    launch: Launch, cloud: LambdaCloud, account: Account
) -> None:
    for place in [(A10, "us-east-1"), (A10, "us-west-1"), (A100, "us-east-1")]:
        account.capacity[place] = 0
        account.hints.add(place)
    machine = launch(wanted(types=(A10, A100), regions=("us-east-1", "us-west-1"))).machine()
    assert (machine.instance_type.name, machine.region.name) == (A100, "us-west-1")
    assert launches(cloud) == [(A10, "us-east-1"), (A10, "us-west-1"), (A100, "us-east-1"), (A100, "us-west-1")]
    assert cloud.refused_for_speed == 0, "a refused launch counts for the limit too"
    assert launch.said == [
        "prod-one: gpu_1x_a10 in us-east-1 has no capacity",
        "prod-one: gpu_1x_a10 in us-west-1 has no capacity",
        "prod-one: gpu_1x_a100 in us-east-1 has no capacity",
        "prod-one: launched as gpu_1x_a100 in us-west-1",
    ]


def test_a_place_that_is_said_to_be_full_is_left_out_and_told(
    launch: Launch, cloud: LambdaCloud, account: Account
) -> None:
    account.capacity[A10, "us-east-1"] = 0
    launch(wanted(regions=("us-east-1", "us-west-1"))).machine()
    assert launches(cloud) == [(A10, "us-west-1")]
    assert "prod-one: gpu_1x_a10 in us-east-1 has no capacity" in launch.said


def test_without_capacity_anywhere_in_the_lists_the_error_says_where_there_is_some(
    launch: Launch, cloud: LambdaCloud, account: Account
) -> None:
    account.capacity[A10, "us-east-1"] = 0
    with pytest.raises(ProviderError) as failed:
        launch(wanted()).machine()
    assert launches(cloud) == [(A10, "us-east-1")], "the hint may be old, so it is tried all the same"
    assert str(failed.value) == (
        "Lambda Labs: prod-one can't be launched now: gpu_1x_a10 in us-east-1 has no capacity. There is capacity "
        "with other `regions`: gpu_1x_a10 in europe-central-1, us-west-1, us-west-2, "
        "or with other `types`: gpu_1x_a100, gpu_1x_h100_pcie; list more of them, or run again later."
    )


def test_a_region_that_is_open_to_all_is_not_recommended(launch: Launch, account: Account) -> None:
    account.capacity[A10, "us-east-1"] = 0
    with pytest.raises(ProviderError) as failed:
        launch(wanted()).machine()
    assert "us-south-1" not in str(failed.value)


def test_a_type_that_does_not_exist_is_told_with_the_nearest(launch: Launch, cloud: LambdaCloud) -> None:
    with pytest.raises(ProviderError) as failed:
        launch(wanted(types=("gpu_1x_a1O",), regions=("us-east1",))).machine()
    assert str(failed.value) == (
        "Lambda Labs: there is no type 'gpu_1x_a1O'; did you mean gpu_1x_a10?; "
        "there is no region 'us-east1'; did you mean us-east-1?"
    )
    assert launches(cloud) == []


def test_a_quota_is_no_reason_to_go_elsewhere(launch: Launch, cloud: LambdaCloud, account: Account) -> None:
    account.quota = 0
    with pytest.raises(RefusedError, match="terminate what is not needed, or ask Lambda's support"):
        launch(wanted(regions=("us-east-1", "us-west-1"))).machine()
    assert len(launches(cloud)) == 1


def test_a_launch_whose_answer_is_lost_is_found_by_its_tag(
    launch: Launch, cloud: LambdaCloud, account: Account
) -> None:
    cloud.faults.append(Fault("POST", "/launch", after=True))
    machine = launch(wanted()).machine()
    assert len(launches(cloud)) == 1
    assert paid_for(account) == [machine.id]


@pytest.mark.parametrize("appear", [5.0, 25.0])
def test_it_is_found_even_if_it_appears_late(
    launch: Launch, cloud: LambdaCloud, account: Account, appear: float
) -> None:
    account.times = Times(appear=appear)
    cloud.faults.append(Fault("POST", "/launch", after=True))
    machine = launch(wanted()).machine()
    assert len(launches(cloud)) == 1
    assert paid_for(account) == [machine.id]


def test_one_that_appears_after_its_successor_was_launched_is_ended(
    launch: Launch, cloud: LambdaCloud, account: Account
) -> None:
    account.times = Times(appear=150.0)
    cloud.faults.append(Fault("POST", "/launch", after=True))
    account.boot = lambda machine: account.__setattr__("times", Times()) or "127.0.0.1"  # type: ignore[func-returns-value]
    machine = launch(wanted()).machine()
    assert len(launches(cloud)) == 2
    assert paid_for(account) == [machine.id]


def test_a_launch_that_was_not_carried_out_is_made_again(launch: Launch, cloud: LambdaCloud, account: Account) -> None:
    cloud.faults.append(Fault("POST", "/launch", status=500))
    machine = launch(wanted()).machine()
    assert paid_for(account) == [machine.id]
    assert launches(cloud) == [(A10, "us-east-1")] * 2


def test_a_place_that_stays_in_trouble_is_given_up(launch: Launch, cloud: LambdaCloud) -> None:
    cloud.faults.append(Fault("POST", "/launch", times=2, status=400, code="provider/internal-unavailable"))
    machine = launch(wanted(regions=("us-east-1", "us-west-1"))).machine()
    assert machine.region.name == "us-west-1"
    assert any("gpu_1x_a10 in us-east-1 was given up" in note for note in launch.said)


def test_a_launched_machine_may_take_a_while_to_appear(launch: Launch, account: Account) -> None:
    account.times = Times(appear=40.0)
    machine = launch(wanted()).machine()
    assert machine.status == "active"
    assert paid_for(account) == [machine.id]


@pytest.mark.parametrize("trouble", ["unhealthy", "preempted"])
def test_a_machine_that_fails_while_it_starts_is_ended_and_another_place_tried(
    launch: Launch, account: Account, trouble: str
) -> None:
    def boot(machine: Machine) -> str:
        if machine.request.region_name == "us-east-1":
            machine.trouble = trouble  # type: ignore[assignment]
        return "127.0.0.1"

    account.boot = boot
    machine = launch(wanted(regions=("us-east-1", "us-west-1"))).machine()
    assert machine.region.name == "us-west-1"
    assert paid_for(account) == [machine.id]
    assert any(f"became {trouble} while it started; it was terminated" in note for note in launch.said)


def test_a_machine_that_never_boots_is_ended(launch: Launch, account: Account, clock: ManualClock) -> None:
    account.times = Times(boot=1e9)
    with pytest.raises(ProviderError, match="did not answer by SSH within 1800 s; its state is booting"):
        launch(wanted()).machine()
    assert paid_for(account) == []
    assert clock.seconds < 2000


def test_a_machine_that_does_not_end_is_named(launch: Launch, account: Account) -> None:
    account.times = Times(terminate=1e9)
    left = left_behind(account, spec="another")
    with pytest.raises(ProviderError, match=f"still terminating after 900 s, and paid for: {left.id}; run again"):
        launch(wanted()).machine()
