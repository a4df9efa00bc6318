"""Protects what holds data in a stack, as the policy pack wants it of prod."""

import pulumi

from policy.resource_types import STATEFUL


def transformation(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
    """Protect a resource that holds data; for pulumi.runtime.register_stack_transformation."""
    if args.type_ not in STATEFUL:
        return None
    opts = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(protect=True))
    return pulumi.ResourceTransformationResult(props=args.props, opts=opts)
