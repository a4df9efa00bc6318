"""A fleet's place on AWS in an account of moto's, and how to ask the account about it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from components.hosts.aws.hosts import AwsHosts, AwsHostsArgs, Budget, Domain

from .examples import MACHINES, ZONES
from .moto_engine import REGION, MotoEngine, aws_account
from .recording_engine import deploy

OFFICE = "203.0.113.0/24"
BACKUPS = "example-backups"


@dataclass
class Cloud:
    """The account, and what the component says of it."""

    outputs: Mapping[str, Any]
    component: AwsHosts
    account: Mapping[str, Any]

    def ask(self, service: str, operation: str, **parameters: object) -> Any:
        return getattr(client(service), operation)(**parameters)

    @property
    def instances(self) -> dict[str, Any]:
        """The machines by the names that the fleet has for them."""
        reservations = self.ask("ec2", "describe_instances")["Reservations"]
        by_id = {found["InstanceId"]: found for item in reservations for found in item["Instances"]}
        return {name: by_id.pop(host["id"]) for name, host in self.outputs["hosts"].items()} | by_id

    @property
    def vpc(self) -> str:
        (vpc,) = {instance["VpcId"] for instance in self.instances.values()}
        return str(vpc)


def client(service: str) -> Any:
    return boto3.client(service, region_name=REGION)  # type: ignore[call-overload]


def arguments(account: Mapping[str, Any], **others: Any) -> AwsHostsArgs:
    return AwsHostsArgs(
        label="test",
        zones=ZONES,
        groups=MACHINES,
        images=account["images"],
        public_key="ssh-ed25519 AAAA operator",
        ssh_from=[OFFICE],
        session_manager=True,
        domain=Domain(name="mcp.example.com", hosted_zone=account["hosted_zone"]),
        bucket=BACKUPS,
        repositories=["time"],
        budget=Budget(dollars=500, emails=["owner@example.com"]),
        tags={"team": "search"},
        **others,
    )


def reaching(protocol: str, port: int, group: str) -> set[str]:
    """Who reaches a port of a group's members: networks, and names of groups."""
    described = client("ec2").describe_security_groups()["SecurityGroups"]
    names = {item["GroupId"]: item["GroupName"] for item in described}
    (wanted,) = (item for item in described if item["GroupName"] == group)
    found: set[str] = set()
    for rule in wanted["IpPermissions"]:
        ports = range(rule["FromPort"], rule["ToPort"] + 1) if "FromPort" in rule else range(65536)
        if rule["IpProtocol"] in {protocol, "-1"} and port in ports:
            found |= {item["CidrIp"] for item in rule["IpRanges"]} | {item["CidrIpv6"] for item in rule["Ipv6Ranges"]}
            found |= {names[item["GroupId"]] for item in rule["UserIdGroupPairs"]}
    return found


@contextmanager
def deployed() -> Iterator[Cloud]:
    """Make all there is in an empty account."""
    with pytest.MonkeyPatch.context() as monkeypatch, aws_account(monkeypatch) as account:
        built: list[AwsHosts] = []
        _, outputs = deploy(lambda: built.append(AwsHosts("aws", arguments(account))), MotoEngine())
        (own,) = (values for urn, values in outputs.items() if urn.endswith("$mcp-fleet:hosts:AwsHosts::aws"))
        yield Cloud(own, built[0], account)
