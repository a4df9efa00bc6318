"""What an account on AWS says before anything is made: asked of moto, and of an AWS that is not there."""

import pytest
from moto import mock_aws

from stacks.aws_preflight import AccountFacts, account_problems, read_account_facts
from stacks.hosts_config import AwsConfig

from .stack_files import ROOT, parse_file

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


@pytest.fixture
def config() -> AwsConfig:
    hosts = parse_file((ROOT / "Pulumi.prod.yaml").read_text(), stack="prod").hosts
    assert hosts != "local"
    return hosts.aws


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Whatever is configured on this machine is not seen."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", *CREDENTIALS):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch


def said(config: AwsConfig, facts: AccountFacts) -> str:
    (problem,) = account_problems(config, facts)
    return f"{'.'.join(problem.path)}: {problem.message}"


def test_an_account_with_the_zones_will_do(config: AwsConfig, no_credentials: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        no_credentials.setenv(name, value)
    with mock_aws():
        assert list(account_problems(config, read_account_facts(config.region))) == []
        other = config.model_copy(update={"zones": ("us-east-1x", *config.zones)})
        told = said(other, read_account_facts(config.region))
    assert told.startswith(
        "hosts.aws.zones: the account has no zone 'us-east-1x' in us-east-1; did you mean 'us-east-1"
    )


def test_without_credentials_it_says_how_to_get_some(config: AwsConfig) -> None:
    told = said(config, read_account_facts("us-east-1"))
    assert "there are no credentials for AWS; run `aws configure sso` and set AWS_PROFILE" in told


def test_a_profile_that_is_not_there_is_named(config: AwsConfig, no_credentials: pytest.MonkeyPatch) -> None:
    no_credentials.setenv("AWS_PROFILE", "nobodys")
    assert "(nobodys) could not be found" in said(config, read_account_facts("us-east-1"))


def test_a_region_where_nobody_answers_is_told_with_the_nearest(
    config: AwsConfig, no_credentials: pytest.MonkeyPatch
) -> None:
    for name, value in CREDENTIALS.items():
        no_credentials.setenv(name, value)
    no_credentials.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    told = said(config, read_account_facts("us-eats-1"))
    assert told.startswith("hosts.aws.region: AWS does not answer (Could not connect to the endpoint URL")
    assert "no region 'us-eats-1' is known; did you mean 'us-east-1'?" in told
    assert "is known" not in said(config, read_account_facts("us-east-1"))


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("ExpiredToken", "the credentials have expired; log in again (`aws sso login`)"),
        ("InvalidClientTokenId", "AWS does not know these credentials in this region"),
        ("NeverHeardOf", "mend this first: It is so.; log in again"),
    ],
)
def test_a_refusal_is_told_with_what_to_do(config: AwsConfig, code: str, remedy: str) -> None:
    told = said(config, AccountFacts(region="us-east-1", refusal="It is so.", code=code))
    assert remedy in told
    assert told.endswith(f"({code})")
