"""What an interrupted creation made is found by its tags, and nothing else is taken for it."""

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from fleet.aws_findings import AwsAccount, id_of

KEY = "aws:kms/key:Key"
REGION = "eu-west-1"
TAGS = {"mcp-fleet.stack": "test", "Name": "mcp-fleet-test"}


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsAccount]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        yield AwsAccount(REGION)


def _made_key(tags: dict[str, str]) -> str:
    pairs = [{"TagKey": key, "TagValue": value} for key, value in tags.items()]
    made: str = boto3.client("kms", region_name=REGION).create_key(Tags=pairs)["KeyMetadata"]["KeyId"]
    return made


def test_a_key_is_found_by_all_of_its_tags(account: AwsAccount) -> None:
    _made_key({"mcp-fleet.stack": "prod", "Name": "mcp-fleet-prod"})
    assert id_of(account, KEY, {"tags": TAGS}, frozenset()) is None
    made = _made_key(TAGS)
    assert id_of(account, KEY, {"tags": TAGS}, frozenset()) == made


def test_a_key_that_the_state_has_is_not_found_again(account: AwsAccount) -> None:
    assert id_of(account, KEY, {"tags": TAGS}, frozenset({_made_key(TAGS)})) is None


def test_a_destroyed_key_which_keeps_its_tags_for_days_is_not_taken_for_a_new_one(account: AwsAccount) -> None:
    destroyed = _made_key(TAGS)
    boto3.client("kms", region_name=REGION).schedule_key_deletion(KeyId=destroyed)
    assert id_of(account, KEY, {"tags": TAGS}, frozenset()) is None
    made = _made_key(TAGS)
    assert id_of(account, KEY, {"tags": TAGS}, frozenset()) == made
