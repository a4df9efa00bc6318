"""Where a fleet on AWS keeps its images."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
from pulumi_aws import ecr

UNTAGGED_DAYS = 7


@dataclass(frozen=True, kw_only=True)
class AwsRepositoriesArgs:
    """Arguments of AwsRepositories.

    Arguments:
        label: the repositories are `<label>/<name>`.
        names: of the images, such as the servers' names.
        key: ARN of the key that they are encrypted with.
        keep: how many tagged images of each are kept: to how many releases one can go back.
        protected: whether Pulumi refuses to delete a repository.
    """

    label: str
    names: Sequence[str]
    key: pulumi.Input[str]
    keep: int = 20
    protected: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class AwsRepositoriesOutputs:
    """URL (`<registry>/<label>/<name>`) and ARN of each repository by the image's name."""

    urls: Mapping[str, pulumi.Output[str]]
    arns: Mapping[str, pulumi.Output[str]]


class AwsRepositories(pulumi.ComponentResource):
    """One ECR repository an image: encrypted, scanned on push, and never with two images under one tag."""

    def __init__(self, name: str, args: AwsRepositoriesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mcp-fleet:hosts:AwsRepositories", name, {}, opts)
        under_self = pulumi.ResourceOptions(parent=self)
        repositories: dict[str, ecr.Repository] = {}
        for image in args.names:
            repositories[image] = ecr.Repository(
                f"{name}-{image}",
                ecr.RepositoryArgs(
                    name=f"{args.label}/{image}",
                    image_tag_mutability="IMMUTABLE",
                    image_scanning_configuration=ecr.RepositoryImageScanningConfigurationArgs(scan_on_push=True),
                    encryption_configurations=[
                        ecr.RepositoryEncryptionConfigurationArgs(encryption_type="KMS", kms_key=args.key)
                    ],
                    # Images can be built anew: they must not keep a stack from being destroyed.
                    force_delete=True,
                    tags=args.tags,
                ),
                opts=pulumi.ResourceOptions(parent=self, protect=args.protected),
            )
            ecr.LifecyclePolicy(
                f"{name}-{image}",
                ecr.LifecyclePolicyArgs(repository=repositories[image].name, policy=lifecycle(args.keep)),
                opts=under_self,
            )
        self.outputs = AwsRepositoriesOutputs(
            urls={image: repository.repository_url for image, repository in repositories.items()},
            arns={image: repository.arn for image, repository in repositories.items()},
        )
        self.register_outputs(vars(self.outputs))


def lifecycle(keep: int) -> str:
    """Return the policy that expires images: untagged ones after a week, tagged ones beyond the last `keep`.

    Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html
    """
    week = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": UNTAGGED_DAYS}
    last = {"tagStatus": "tagged", "tagPatternList": ["*"], "countType": "imageCountMoreThan", "countNumber": keep}
    rules = [
        {"rulePriority": priority, "selection": selection, "action": {"type": "expire"}}
        for priority, selection in enumerate((week, last), start=1)
    ]
    return json.dumps({"rules": rules}, sort_keys=True)
