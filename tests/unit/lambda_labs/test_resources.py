"""Keys, rule sets and file systems: made once, and all that has a claim's mark taken away."""

import pytest

from components.providers.lambda_labs.api import LambdaLabs
from components.providers.lambda_labs.claim import named, sweep
from components.providers.lambda_labs.client import RefusedError, UnansweredError
from components.providers.lambda_labs.file_system import delete_when_free
from components.providers.lambda_labs.leftovers import end_machines
from components.providers.lambda_labs.models import SshKey
from components.providers.lambda_labs.once import made_once
from dev.lambda_cloud.account import Account
from dev.lambda_cloud.faults import Fault
from dev.lambda_cloud.server import LambdaCloud

from .conftest import Launch, ManualClock, wanted

RULE = {"protocol": "udp", "port_range": [51820, 51820], "source_network": "203.0.113.7/32", "description": "wg"}


def made(api: LambdaLabs) -> SshKey:
    return made_once(
        api,
        lambda: next((key for key in api.ssh_keys() if key.name == "prod-0123"), None),
        lambda: api.add_ssh_key("prod-0123", "ssh-ed25519 AAAA"),
    )


def test_a_key_is_made_once(api: LambdaLabs, account: Account) -> None:
    assert made(api) == made(api)
    assert len(account.ssh_keys) == 2, "with the operator's"


@pytest.mark.parametrize("after", [False, True])
def test_without_an_answer_the_name_tells_whether_it_was_made(
    api: LambdaLabs, cloud: LambdaCloud, account: Account, after: bool
) -> None:
    cloud.faults.append(Fault("POST", "/ssh-keys", after=after))
    assert made(api).id in account.ssh_keys
    assert len(cloud.asked("POST", "/ssh-keys")) == (1 if after else 2)


def test_without_an_answer_again_and_again_it_fails(api: LambdaLabs, cloud: LambdaCloud) -> None:
    cloud.faults.append(Fault("POST", "/ssh-keys", times=3, status=503))
    with pytest.raises(UnansweredError, match=r"POST /ssh-keys: .* in trouble \(HTTP 503"):
        made(api)


def test_a_rule_set_changes_in_place_and_is_read_back_as_it_was_written(api: LambdaLabs) -> None:
    ruleset = api.add_ruleset("prod-0123-us-east-1", "us-east-1", [RULE])
    changed = api.change_ruleset(ruleset.id, [{**RULE, "protocol": "icmp", "port_range": None}])
    assert changed.id == ruleset.id
    assert [rule.protocol for rule in api.rulesets()[0].rules] == ["icmp"]


def test_a_file_system_is_deleted_when_the_machine_that_used_it_is_gone(
    api: LambdaLabs, account: Account, clock: ManualClock
) -> None:
    made = api.add_file_system("prod-0123-models", "us-east-1")
    machine = api.launch(
        {
            "region_name": "us-east-1",
            "instance_type_name": "gpu_1x_a10",
            "ssh_key_names": ["operator"],
            "file_system_mounts": [{"mount_point": "/data/models", "file_system_id": made.id}],
        }
    )
    api.terminate(machine)
    delete_when_free(api, made.id)
    assert account.file_systems == {}
    assert clock.seconds > 30, "the machine took that long to let go"


def test_a_file_system_that_stays_in_use_is_told(api: LambdaLabs, cloud: LambdaCloud) -> None:
    made = api.add_file_system("prod-0123-models", "us-east-1")
    cloud.faults.append(Fault("DELETE", made.id, times=99, status=400, code="filesystems/filesystem-in-use"))
    with pytest.raises(RefusedError, match="filesystems/filesystem-in-use"):
        delete_when_free(api, made.id)


def test_all_machines_with_the_mark_are_ended_and_no_others(api: LambdaLabs, account: Account, launch: Launch) -> None:
    launch(wanted()).machine()
    other = api.launch({"region_name": "us-east-1", "instance_type_name": "gpu_1x_a10", "ssh_key_names": ["operator"]})
    end_machines(api, "prod-0123")
    assert [machine.id for machine in account.paid_for()] == [other]


def test_rule_sets_and_keys_with_the_mark_are_deleted_and_no_others(api: LambdaLabs, account: Account) -> None:
    api.add_ssh_key("prod-0123-abcd", "ssh-ed25519 AAAA")
    api.add_ruleset("prod-0123-us-east-1", "us-east-1", [RULE])
    api.add_ruleset("prod-01234", "us-east-1", [RULE])
    sweep(api, "prod-0123")
    assert [key["name"] for key in account.ssh_keys.values()] == ["operator"]
    assert [ruleset["name"] for ruleset in account.rulesets.values()] == ["prod-01234"]


def test_a_mark_is_the_beginning_of_a_name() -> None:
    assert named("prod-0123", "prod-0123")
    assert named("prod-0123", "prod-0123-one")
    assert not named("prod-0123", "prod-01234")
