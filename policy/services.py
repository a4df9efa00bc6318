"""Rules on Swarm services: what each may use, and how it says that it is well."""

from collections.abc import Iterator

from pulumi_policy import ResourceValidationArgs

from .resource_types import DOCKER_SERVICE
from .rule import block, listed, rule


def _unlimited(args: ResourceValidationArgs) -> Iterator[str]:
    if args.resource_type != DOCKER_SERVICE:
        return
    limits = block(block(args.props["taskSpec"], "resources"), "limits")
    for key, what in (("nanoCpus", "CPUs"), ("memoryBytes", "memory")):
        if not limits.get(key):
            yield f"has no limit of {what}: one container may take all of its host; set taskSpec.resources.limits.{key}"


def _unchecked(args: ResourceValidationArgs) -> Iterator[str]:
    if args.resource_type != DOCKER_SERVICE:
        return
    tests = listed(block(block(args.props["taskSpec"], "containerSpec"), "healthcheck"), "tests")
    if not tests or tests == ["NONE"]:
        yield "has no health check, so a bad release replaces a good one: set taskSpec.containerSpec.healthcheck"


RULES = (
    rule("service-limits", "Every service has limits of CPUs and memory.", _unlimited),
    rule("service-health-check", "Every service has a health check.", _unchecked),
)
