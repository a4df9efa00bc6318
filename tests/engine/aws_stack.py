"""A stack of hosts on AWS on the real engine, in an account of a moto server."""

import gc
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pulumi
import pulumi_aws as aws
import pytest
from moto import settings
from moto.server import ThreadedMotoServer
from pulumi import automation

from components.hosts.aws.hosts import AwsHosts, AwsHostsArgs
from dev.plugins.aws.provider import SERVICES
from tests.engine.deployment import Recorder

REGION = "eu-west-1"
CREDENTIALS = "test"


class AwsStack:
    """One stack; `wanted` is what its program asks for, and every operation reads it anew."""

    def __init__(self, folder: Path, environment: Mapping[str, str], url: str, wanted: AwsHostsArgs) -> None:
        self.wanted = wanted
        self.state = folder / "state"
        self.state.mkdir()
        self._url = url
        own = {"PULUMI_BACKEND_URL": f"file://{self.state}", "PULUMI_RUN_PROGRAM": "false"}
        self._stack = automation.create_stack(
            "test",
            project_name="hosts",
            program=self._program,
            opts=automation.LocalWorkspaceOptions(env_vars={**os.environ, **environment, **own}),
        )

    def up(self, *, refresh: bool = False) -> Recorder:
        """Run an `up` that must succeed."""
        return self._run(self._stack.up, refresh=refresh)

    def preview(self) -> Recorder:
        """Tell what an `up` would change."""
        return self._run(self._stack.preview)

    def destroy(self) -> Recorder:
        """Remove everything; must succeed."""
        return self._run(self._stack.destroy)

    def destroy_refused(self) -> str:
        """Try to remove everything, which must fail, and return what was said."""
        recorder = Recorder()
        with pytest.raises(automation.CommandError):
            self._stack.destroy(on_event=recorder, on_output=print, color="never")
        return recorder.text

    def outputs(self) -> dict[str, Any]:
        """What the program exports."""
        return {name: output.value for name, output in self._stack.outputs().items()}

    def stored(self) -> str:
        """Everything in the state's files."""
        return "".join(path.read_text() for path in self.state.rglob("*") if path.is_file())

    def _program(self) -> None:
        provider = aws.Provider(
            "aws",
            aws.ProviderArgs(
                region=REGION,
                access_key=CREDENTIALS,
                secret_key=CREDENTIALS,
                endpoints=[aws.ProviderEndpointArgs(**dict.fromkeys(SERVICES, self._url))],
                skip_credentials_validation=True,
                skip_metadata_api_check=True,
                skip_region_validation=True,
                skip_requesting_account_id=True,
                s3_use_path_style=True,
            ),
        )
        found = AwsHosts("aws", self.wanted, pulumi.ResourceOptions(providers=[provider])).outputs
        pulumi.export("hosts", {name: vars(host) for name, host in found.hosts.items()})
        pulumi.export("url", found.url)

    def _run(self, operation: Callable[..., object], **options: object) -> Recorder:
        recorder = Recorder()
        operation(on_event=recorder, on_output=print, color="never", **options)
        gc.collect()
        return recorder


class MotoAccount:
    """An account behind a moto server at `url`."""

    def __init__(self, url: str) -> None:
        self.url = url

    def client(self, service: str) -> Any:
        """boto3's client of a service."""
        session = boto3.session.Session(CREDENTIALS, CREDENTIALS, region_name=REGION)
        return session.client(service, endpoint_url=self.url)  # type: ignore[call-overload]

    def left(self) -> dict[str, list[Any]]:
        """What is in the account, by kind, that a fleet may have made; kinds of which there is nothing are left out."""
        ec2, iam, balancing = self.client("ec2"), self.client("iam"), self.client("elbv2")
        number = self.client("sts").get_caller_identity()["Account"]
        found: dict[str, list[Any]] = {
            "instances": [
                instance["InstanceId"]
                for reservation in ec2.describe_instances()["Reservations"]
                for instance in reservation["Instances"]
                if instance["State"]["Name"] != "terminated"
            ],
            "volumes": ec2.describe_volumes()["Volumes"],
            "networks": [vpc for vpc in ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]],
            "groups": [it for it in ec2.describe_security_groups()["SecurityGroups"] if it["GroupName"] != "default"],
            "gateways": ec2.describe_internet_gateways()["InternetGateways"],
            "roles": iam.list_roles()["Roles"],
            "profiles": iam.list_instance_profiles()["InstanceProfiles"],
            "repositories": self.client("ecr").describe_repositories()["repositories"],
            "buckets": self.client("s3").list_buckets()["Buckets"],
            "balancers": balancing.describe_load_balancers()["LoadBalancers"],
            "target groups": balancing.describe_target_groups()["TargetGroups"],
            "certificates": self.client("acm").list_certificates()["CertificateSummaryList"],
            "budgets": self.client("budgets").describe_budgets(AccountId=number)["Budgets"],
            "records": self._records(),
            "keys": self._keys(),
        }
        return {kind: things for kind, things in found.items() if things}

    def _records(self) -> list[str]:
        route53 = self.client("route53")
        return [
            record["Name"]
            for zone in route53.list_hosted_zones()["HostedZones"]
            for record in route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
            if record["Type"] not in {"NS", "SOA"}
        ]

    def _keys(self) -> list[str]:
        """Of the customer's; those that are about to be deleted don't count."""
        kms = self.client("kms")
        described = [kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"] for key in kms.list_keys()["Keys"]]
        ours = [key for key in described if key["KeyManager"] == "CUSTOMER"]
        return [key["KeyId"] for key in ours if key["KeyState"] != "PendingDeletion"]


@contextmanager
def moto_account(monkeypatch: pytest.MonkeyPatch) -> Iterator[MotoAccount]:
    """An empty account on a server of its own, in which certificates are issued at once."""
    monkeypatch.setattr(settings, "ACM_VALIDATION_WAIT", 0)
    monkeypatch.setattr(logging.getLogger("werkzeug"), "disabled", True)  # a line a request
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield MotoAccount(f"http://{host}:{port}")
    finally:
        server.stop()
