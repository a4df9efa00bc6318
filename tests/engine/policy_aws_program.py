"""The program of the policy pack's tests on AWS: hosts, some of whose inputs `program.json` makes weaker."""

import json
from pathlib import Path

import pulumi
import pulumi_aws as aws

from components.hosts.aws.hosts import AwsHosts, AwsHostsArgs
from components.hosts.aws.machines import MachineGroup

asked = json.loads(Path("program.json").read_text())


def weaken(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult:
    """Replace inputs of the resource whose type and name end so."""
    changes = (props for end, props in asked["weaker"].items() if f"{args.type_} {args.name}".endswith(end))
    return pulumi.ResourceTransformationResult({**args.props, **next(changes, {})}, args.opts)


pulumi.runtime.register_stack_transformation(weaken)
provider = aws.Provider(
    "aws",
    aws.ProviderArgs(
        region="eu-west-1",
        access_key="test",
        secret_key="test",
        endpoints=[aws.ProviderEndpointArgs(**dict.fromkeys(asked["services"], asked["url"]))],
        skip_credentials_validation=True,
        skip_metadata_api_check=True,
        skip_region_validation=True,
        skip_requesting_account_id=True,
        s3_use_path_style=True,
    ),
)
AwsHosts(
    "aws",
    AwsHostsArgs(
        label="test",
        zones=["eu-west-1a", "eu-west-1b", "eu-west-1c"],
        groups={"manager": MachineGroup(role="manager", count=3, type="t3.large")},
        images=asked["images"],
        public_key="ssh-ed25519 AAAA operator",
        ssh_from=["203.0.113.0/24"],
        bucket="example-backups",
        repositories=["time"],
        tags={"mcp-fleet.stack": "test"},
    ),
    pulumi.ResourceOptions(providers=[provider]),
)
