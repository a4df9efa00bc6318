"""The stand-in is as strict as Lambda's OpenAPI description: what it lets through, the real API takes."""

from typing import Any

import httpx2
import pytest

from dev.lambda_cloud.account import Account
from dev.lambda_cloud.machines import Times
from dev.lambda_cloud.server import LambdaCloud

from .conftest import API_KEY, ManualClock

LAUNCH: dict[str, Any] = {
    "region_name": "us-east-1",
    "instance_type_name": "gpu_1x_a10",
    "ssh_key_names": ["operator"],
}


def ask(cloud: LambdaCloud, method: str, path: str, body: object = None, key: str = API_KEY) -> tuple[int, Any]:
    headers = {"authorization": f"Bearer {key}"}
    response = httpx2.request(method, cloud.url + path, json=body, headers=headers, verify=False)
    document = response.json()
    return response.status_code, document.get("data", document.get("error", {}).get("code"))


@pytest.fixture(autouse=True)
def unhurried(cloud: LambdaCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for the test of the limits themselves."""
    monkeypatch.setattr(cloud, "check_speed", lambda path: None)


@pytest.mark.parametrize(
    "change",
    [
        {"quantity": 1},
        {"region_name": None},
        {"ssh_key_names": []},
        {"ssh_key_names": ["operator", "operator"]},
        {"hostname": "-bad"},
        {"name": "x" * 65},
        {"user_data": "x" * 1_000_001},
        {"tags": [{"key": "Upper", "value": ""}]},
        {"tags": [{"key": "team", "value": "x" * 129}]},
        {"file_system_mounts": [{"mount_point": "/mnt", "file_system_id": "1"}]},
        {"image": {"family": "a", "id": "b"}},
        {"firewall_rulesets": ["1"]},
        {"region_name": "mars-1"},
        {"instance_type_name": "gpu_1x_none"},
    ],
)
def test_a_launch_with_a_field_too_many_or_a_wrong_one_is_refused(cloud: LambdaCloud, change: dict[str, Any]) -> None:
    body = {key: value for key, value in {**LAUNCH, **change}.items() if value is not None}
    assert ask(cloud, "POST", "/instance-operations/launch", body) == (400, "global/invalid-parameters")


@pytest.mark.parametrize(
    "change",
    [
        {"ssh_key_names": ["unknown"]},
        {"image": {"family": "unknown"}},
        {"firewall_rulesets": [{"id": "1"}]},
        {"file_system_mounts": [{"mount_point": "/data", "file_system_id": "1"}]},
    ],
)
def test_a_launch_with_something_that_is_not_there_is_refused(cloud: LambdaCloud, change: dict[str, Any]) -> None:
    answer = ask(cloud, "POST", "/instance-operations/launch", {**LAUNCH, **change})
    assert answer == (404, "global/object-does-not-exist")


def test_regional_things_are_used_in_their_region(cloud: LambdaCloud) -> None:
    _, ruleset = ask(cloud, "POST", "/firewall-rulesets", {"name": "a", "region": "us-west-1", "rules": []})
    _, file_system = ask(cloud, "POST", "/filesystems", {"name": "a", "region": "us-west-1"})
    mounts = [{"mount_point": "/data", "file_system_id": file_system["id"]}]
    launch = "/instance-operations/launch"
    assert ask(cloud, "POST", launch, {**LAUNCH, "firewall_rulesets": [{"id": ruleset["id"]}]})[0] == 404
    assert ask(cloud, "POST", launch, {**LAUNCH, "file_system_mounts": mounts}) == (
        400,
        "instance-operations/launch/file-system-in-wrong-region",
    )


def test_a_machine_boots_lives_and_dies(cloud: LambdaCloud, account: Account, clock: ManualClock) -> None:
    account.times = Times(appear=5, boot=100, terminate=20, forget=30)
    _, launched = ask(cloud, "POST", "/instance-operations/launch", LAUNCH)
    (id_,) = launched["instance_ids"]
    seen = []
    for pause in (0, 5, 100):
        clock.pause(pause)
        status, machine = ask(cloud, "GET", f"/instances/{id_}")
        seen.append((machine["status"], "ip" in machine) if status == 200 else machine)
    assert seen == ["global/object-does-not-exist", ("booting", False), ("active", True)]
    ask(cloud, "POST", "/instance-operations/terminate", {"instance_ids": [id_]})
    assert [item["status"] for item in ask(cloud, "GET", "/instances")[1]] == ["terminating"]
    clock.pause(20)
    assert ask(cloud, "GET", "/instances")[1] == []
    assert ask(cloud, "GET", f"/instances/{id_}")[1]["status"] == "terminated"
    clock.pause(30)
    assert ask(cloud, "GET", f"/instances/{id_}") == (404, "global/object-does-not-exist")


def test_what_is_in_use_can_t_be_deleted(cloud: LambdaCloud, account: Account) -> None:
    _, ruleset = ask(cloud, "POST", "/firewall-rulesets", {"name": "a", "region": "us-east-1", "rules": []})
    ask(cloud, "POST", "/instance-operations/launch", {**LAUNCH, "firewall_rulesets": [{"id": ruleset["id"]}]})
    answer = ask(cloud, "DELETE", f"/firewall-rulesets/{ruleset['id']}")
    assert answer == (400, "firewall-rulesets/firewall-ruleset-in-use")


def test_only_the_key_opens_it_and_only_what_is_described_is_there(cloud: LambdaCloud) -> None:
    assert ask(cloud, "GET", "/instances", key="another") == (401, "global/invalid-api-key")
    assert ask(cloud, "GET", "/filesystems") == (404, "global/not-found"), "they are listed under /file-systems"
    assert ask(cloud, "GET", "/instances?unknown=1") == (404, "global/not-found")
    assert httpx2.get(cloud.url + "/instances", verify=False).status_code == 401


def test_a_request_too_early_is_refused_with_the_time_to_wait(
    cloud: LambdaCloud, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    path = "/api/v1/instance-operations/launch"
    assert cloud.check_speed(path) is None
    assert cloud.check_speed("/api/v1/instances") == 1
    clock.pause(1)
    assert cloud.check_speed("/api/v1/instances") is None
    assert cloud.check_speed(path) == 11
    clock.pause(11)
    assert cloud.check_speed(path) is None
