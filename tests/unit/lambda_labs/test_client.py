"""Requests: their distance, what is tried again, and what an error says."""

import pytest

from components.providers.lambda_labs.api import LambdaLabs
from components.providers.lambda_labs.client import Client, RefusedError, UnansweredError
from components.providers.lambda_labs.settings import Settings
from components.providers.plain_errors import ProviderError
from dev.lambda_cloud.account import Account
from dev.lambda_cloud.errors import invalid
from dev.lambda_cloud.faults import Fault
from dev.lambda_cloud.server import LambdaCloud

from .conftest import API_KEY, USER_DATA, ManualClock

LAUNCH = {
    "region_name": "us-east-1",
    "instance_type_name": "gpu_1x_a10",
    "ssh_key_names": ["operator"],
    "user_data": USER_DATA,
}


def test_requests_keep_the_distance_that_the_api_wants(api: LambdaLabs, cloud: LambdaCloud, clock: ManualClock) -> None:
    for _ in range(4):
        api.instances()
    assert cloud.refused_for_speed == 0
    assert clock.seconds == pytest.approx(3 * 1.1)


def test_launches_keep_twelve_seconds_between_them(api: LambdaLabs, cloud: LambdaCloud, clock: ManualClock) -> None:
    for _ in range(3):
        api.launch(LAUNCH)
    assert cloud.refused_for_speed == 0
    assert clock.seconds == pytest.approx(2 * 12.5)


def test_others_who_use_the_limits_up_are_waited_for_as_long_as_the_api_says(
    api: LambdaLabs, cloud: LambdaCloud, clock: ManualClock
) -> None:
    cloud.faults.append(Fault("GET", "/instances", status=429, times=2, headers={"retry-after": "30"}))
    assert api.instances() == []
    assert clock.pauses.count(30.0) == 2


def test_a_launch_that_was_too_early_is_made_later(api: LambdaLabs, cloud: LambdaCloud, account: Account) -> None:
    cloud.faults.append(Fault("POST", "/launch", status=429, headers={"retry-after": "12"}))
    api.launch(LAUNCH)
    assert len(account.paid_for()) == 1


def test_a_limit_without_a_time_is_waited_for_longer_and_longer_but_not_for_ever(
    api: LambdaLabs, cloud: LambdaCloud, clock: ManualClock
) -> None:
    cloud.faults.append(Fault("GET", "/instances", status=429, times=1000))
    with pytest.raises(RefusedError, match="find out who else uses this API key"):
        api.instances()
    assert clock.pauses[:3] == [2.0, 4.0, 8.0]
    assert 500 < clock.seconds < 620


def test_a_retry_time_may_be_a_date(api: LambdaLabs, cloud: LambdaCloud, clock: ManualClock) -> None:
    date = "Wed, 21 Oct 2015 07:28:00 GMT"
    cloud.faults.append(Fault("GET", "/instances", status=429, headers={"retry-after": date}))
    assert api.instances() == []
    assert clock.seconds < 5, "it is past"


@pytest.mark.parametrize("fault", [{"status": 502}, {"status": None}, {"status": 400, "code": "provider/unavailable"}])
def test_reading_is_tried_again_when_the_server_is_in_trouble(
    api: LambdaLabs, cloud: LambdaCloud, fault: dict[str, object]
) -> None:
    cloud.faults.append(Fault("GET", "/instances", times=4, **fault))  # type: ignore[arg-type]
    assert api.instances() == []
    cloud.faults.append(Fault("GET", "/instances", times=5, **fault))  # type: ignore[arg-type]
    with pytest.raises(UnansweredError, match=r"GET .*/instances"):
        api.instances()


@pytest.mark.parametrize("after", [False, True])
def test_a_launch_is_never_repeated(api: LambdaLabs, cloud: LambdaCloud, after: bool) -> None:
    cloud.faults.append(Fault("POST", "/launch", after=after))
    with pytest.raises(UnansweredError):
        api.launch(LAUNCH)
    assert len(cloud.asked("POST", "/instance-operations/launch")) == 1


def test_a_wrong_key_is_told_with_the_place_to_get_another(cloud: LambdaCloud, clock: ManualClock) -> None:
    client = Client(Settings(api_key="another-key", endpoint=cloud.url), clock)
    with pytest.raises(RefusedError) as refused:
        client.call("GET", "/instances")
    client.close()
    assert "make one at https://cloud.lambda.ai/api-keys" in str(refused.value)
    assert "pulumi config set --secret lambda-labs:api-key" in str(refused.value)
    assert "another-key" not in str(refused.value)


def test_no_error_shows_a_secret_of_the_request(api: LambdaLabs, cloud: LambdaCloud, account: Account) -> None:
    def refuse(*_: object) -> None:
        raise invalid(f"can't parse {USER_DATA} of {API_KEY}")

    account.launch = refuse  # type: ignore[method-assign, assignment]
    with pytest.raises(RefusedError, match=r"can't parse \[secret\] of \[secret\]"):
        api.launch(LAUNCH)


def test_a_host_that_is_not_there_is_named(clock: ManualClock) -> None:
    client = Client(Settings(api_key=API_KEY, endpoint="http://127.0.0.1:1/api/v1"), clock)
    with pytest.raises(UnansweredError, match=r"http://127\.0\.0\.1:1/api/v1/instances got no answer"):
        client.call("GET", "/instances")
    client.close()


def test_an_answer_that_is_not_as_described_is_told(api: LambdaLabs, account: Account) -> None:
    account.list_machines = lambda: [{"id": "1"}]  # type: ignore[method-assign]
    with pytest.raises(ProviderError, match=r"GET /instances: the answer is not what .* \(0\.status"):
        api.instances()


def test_the_key_is_not_in_the_settings_text() -> None:
    assert API_KEY not in repr(Settings(api_key=API_KEY))
