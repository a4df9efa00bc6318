"""What the machines of a fleet may do in AWS."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi_aws import iam

BACKUPS_PREFIX = "hosts/"
"""Where in the bucket the hosts may write."""

Statement = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class AwsHostRoleArgs:
    """Arguments of AwsHostRole.

    Arguments:
        label: the role's name begins with it.
        repositories: ARNs of the repositories whose images the hosts may pull.
        bucket: ARN of the bucket for backups.
        key: ARN of the key that it is encrypted with.
        session_manager: whether administrators may open sessions by SSM; the image needs its agent.
    """

    label: str
    repositories: Sequence[pulumi.Input[str]]
    bucket: pulumi.Input[str]
    key: pulumi.Input[str]
    session_manager: bool
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class AwsHostRoleOutputs:
    """Names of the role, and of the instance profile that gives it to machines."""

    role: pulumi.Output[str]
    profile: pulumi.Output[str]


class AwsHostRole(pulumi.ComponentResource):
    """A role with one policy."""

    def __init__(self, name: str, args: AwsHostRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mcp-fleet:hosts:AwsHostRole", name, {}, opts)
        under_self = pulumi.ResourceOptions(parent=self)
        role = iam.Role(
            name,
            iam.RoleArgs(name=f"{args.label}-host", assume_role_policy=trust("ec2.amazonaws.com"), tags=args.tags),
            opts=under_self,
        )
        policy = pulumi.Output.all(bucket=args.bucket, key=args.key, repositories=list(args.repositories)).apply(
            lambda arns: document(permissions(**arns, session_manager=args.session_manager))
        )
        allowed = iam.RolePolicy(name, iam.RolePolicyArgs(name="host", role=role.name, policy=policy), opts=under_self)
        profile = iam.InstanceProfile(
            name,
            iam.InstanceProfileArgs(name=f"{args.label}-host", role=role.name, tags=args.tags),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[allowed]),
        )
        self.outputs = AwsHostRoleOutputs(role=role.name, profile=profile.name)
        self.register_outputs(vars(self.outputs))


def permissions(*, repositories: Sequence[str], bucket: str, key: str, session_manager: bool) -> list[Statement]:
    """Return all that a host may do.

    It writes backups but neither reads nor deletes any: who takes a host over can't destroy what is needed after.
    """
    statements: list[Statement] = [
        allow("WriteBackups", ["s3:PutObject", "s3:AbortMultipartUpload"], [f"{bucket}/{BACKUPS_PREFIX}*"]),
        {
            **allow("EncryptBackups", ["kms:GenerateDataKey", "kms:Decrypt"], [key]),  # Decrypt: of parts, to join them
            "Condition": {"StringEquals": {"kms:EncryptionContext:aws:s3:arn": bucket}},
        },
    ]
    if repositories:
        pull = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        statements.append(allow("PullImages", pull, repositories))
        statements.append(allow("LogInToRegistry", ["ecr:GetAuthorizationToken"], ["*"]))  # it knows no resources
    if session_manager:
        # Source: https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-create-iam-instance-profile.html
        channels = [f"ssmmessages:{verb}{kind}Channel" for verb in ("Create", "Open") for kind in ("Control", "Data")]
        statements.append(allow("Sessions", ["ssm:UpdateInstanceInformation", *channels], ["*"]))
    return statements


def allow(name: str, actions: Sequence[str], resources: Sequence[str]) -> dict[str, Any]:
    """Return a statement that allows `actions` on `resources`."""
    return {"Sid": name, "Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def trust(service: str) -> str:
    """Return the policy that lets a service of AWS take a role."""
    return document([{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}])


def document(statements: Sequence[Statement]) -> str:
    """Return a policy's JSON, always in the same form."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, sort_keys=True)
