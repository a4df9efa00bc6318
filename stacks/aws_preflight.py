"""What an account on AWS must offer before anything is declared: reading it, and judging what was read."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, EndpointConnectionError

from .aws_remedies import NEW_KEYS, REMEDIES
from .hosts_config import AwsConfig
from .hosts_consistency import AWS
from .problems import Problem, nearest

PATIENCE: Final = Config(connect_timeout=10, read_timeout=20, retries={"total_max_attempts": 2})


@dataclass(frozen=True, kw_only=True)
class AccountFacts:
    """An account as found.

    Arguments:
        region: in which it was asked.
        credentials: whether there are any.
        refusal: why it gave no answer, or None. `code` is AWS's own, if it was AWS that refused.
        unreachable: whether that is because nobody answered.
        zones: availability zones of the region that the account may use.
    """

    region: str
    credentials: bool = True
    refusal: str | None = None
    code: str = ""
    unreachable: bool = False
    zones: frozenset[str] = frozenset()


def read_account_facts(region: str) -> AccountFacts:
    """Ask the account of whatever credentials the environment has. What can't be found out is in the result."""
    try:
        session = boto3.session.Session(region_name=region)
        if session.get_credentials() is None:
            return AccountFacts(region=region, credentials=False)
        session.client("sts", config=PATIENCE).get_caller_identity()
        answer = session.client("ec2", config=PATIENCE).describe_availability_zones()
    except ClientError as error:
        found = error.response.get("Error", {})
        return AccountFacts(region=region, refusal=found.get("Message", str(error)), code=found.get("Code", ""))
    except (EndpointConnectionError, ConnectTimeoutError) as error:
        return AccountFacts(region=region, refusal=str(error).rstrip("."), unreachable=True)
    except BotoCoreError as error:
        return AccountFacts(region=region, refusal=str(error).rstrip("."))
    return AccountFacts(region=region, zones=frozenset(zone["ZoneName"] for zone in answer["AvailabilityZones"]))


def account_problems(config: AwsConfig, facts: AccountFacts) -> Iterator[Problem]:
    """Yield what keeps the account of `facts` from having the machines of `config`."""
    if not facts.credentials:
        yield Problem(
            message="there are no credentials for AWS; run `aws configure sso` and set AWS_PROFILE, or set "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    elif facts.unreachable:
        known = boto3.session.Session().get_available_regions("ec2")
        unknown = f"; no region {facts.region!r} is known{nearest(facts.region, known)}"
        message = f"AWS does not answer ({facts.refusal}){'' if facts.region in known else unknown}"
        yield Problem(path=(*AWS, "region"), message=message)
    elif facts.refusal is not None:
        what = REMEDIES.get(facts.code, f"mend this first: {facts.refusal}; {NEW_KEYS}")
        told = f" ({facts.code})" if facts.code else ""
        yield Problem(path=(*AWS, "region"), message=f"AWS lets nobody in here: {what}{told}")
    else:
        for zone in config.zones:
            if zone not in facts.zones:
                message = f"the account has no zone {zone!r} in {facts.region}{nearest(zone, facts.zones)}"
                yield Problem(path=(*AWS, "zones"), message=message)
