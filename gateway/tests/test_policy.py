import json

import pytest
from hypothesis import given, settings
from mcp_gateway.policy import ClientAccess, Policy, PolicyError

from gateway.tests.policies import policies, policy

SECRET = "a-very-secret-api-key-0123"


def files(tmp_path, clients, keys):
    policy_file, keys_file = tmp_path / "policy.json", tmp_path / "keys.json"
    policy_file.write_text(json.dumps({"clients": clients}) if not isinstance(clients, str) else clients)
    keys_file.write_text(json.dumps(keys) if not isinstance(keys, str) else keys)
    return policy_file, keys_file


def test_the_operator_is_always_there_and_may_use_everything():
    operator = policy().clients["operator"]
    assert operator.may_use("anything")
    assert operator.tools("anything") is None
    assert operator.rpm is None


def test_a_client_may_use_what_is_listed_and_nothing_else():
    access = policy(ci={"rpm": 60, "servers": {"time": "*", "github": ["search_code"]}}).clients["ci"]
    assert access.may_use("time")
    assert access.may_use("github")
    assert not access.may_use("notes")
    assert access.tools("time") is None
    assert access.tools("github") == {"search_code"}


def test_no_tools_are_not_all_tools():
    assert policy(ci={"servers": {"time": []}}).clients["ci"].tools("time") == frozenset()


def test_a_list_of_tools_that_no_header_can_carry_is_refused():
    with pytest.raises(PolicyError, match="more than 16384 bytes"):
        policy(ci={"servers": {"time": [f"tool-{number:0200}" for number in range(100)]}})


@settings(max_examples=30, deadline=None)
@given(policies())
def test_what_is_served_is_what_is_read(original):
    copy = Policy.from_json(original.to_json(), source="test")
    assert copy == original
    assert copy.version == original.version


def test_versions_tell_policies_apart():
    assert policy(a={"rpm": 1}).version != policy(a={"rpm": 2}).version
    assert policy(a={}, b={}).version == policy(b={}, a={}).version


def test_files_are_read(tmp_path):
    read = Policy.from_files(*files(tmp_path, {"codex": {"rpm": 600, "servers": "*"}}, {"codex": [SECRET]}))
    assert read.clients["codex"] == ClientAccess(rpm=600)
    assert read.keys["codex"] == {SECRET}


@pytest.mark.parametrize(
    ("clients", "keys", "named"),
    [
        ({"codex": {"rmp": 600}}, {"codex": [SECRET]}, "clients.codex.rmp"),
        ({"codex": {"rpm": 0}}, {"codex": [SECRET]}, "clients.codex.rpm"),
        ({"codex": {"servers": {"Time": "*"}}}, {"codex": [SECRET]}, "clients.codex.servers"),
        ({"bad name": {}}, {"codex": [SECRET]}, "bad name"),
        ({"operator": {"rpm": 1}}, {"operator": [SECRET]}, "operator"),
        ({"a": {}, "b": {}}, {"a": [SECRET], "b": [SECRET]}, "'a' and 'b'"),
        ({}, {"gone": [SECRET]}, "gone"),
        ({"codex": {}}, {"codex": ["short"]}, "keys.codex"),
        ({"codex": {}}, {"codex": [SECRET + "\n"]}, "keys.codex"),
        ("{not json", {"codex": [SECRET]}, "policy.json"),
        ({"codex": {}}, '{"codex": ["' + SECRET, "keys.json"),
        ("[]", {}, "policy.json"),
    ],
)
def test_a_bad_policy_is_refused_by_name_and_without_its_keys(tmp_path, clients, keys, named):
    with pytest.raises(PolicyError) as caught:
        Policy.from_files(*files(tmp_path, clients, keys))
    assert named in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert SECRET not in repr(caught.value) + str(caught.value.__cause__)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(PolicyError, match=r"absent\.json: No such file"):
        Policy.from_files(tmp_path / "absent.json", tmp_path / "absent.json")


def test_keys_are_not_in_the_representation():
    assert "key-of" not in repr(policy(codex={}))
