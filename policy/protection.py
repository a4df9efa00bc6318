"""The rule on what prod can't get back: no change of the program deletes it."""

from collections.abc import Iterator

from pulumi_policy import ResourceValidationArgs

from .resource_types import STATEFUL
from .rule import rule

PROTECTED_STACKS = ("prod",)


def _unprotected(args: ResourceValidationArgs) -> Iterator[str]:
    stack = args.urn.split("::")[0].removeprefix("urn:pulumi:")
    if stack not in args.get_config().get("stacks", PROTECTED_STACKS):
        return
    if args.resource_type in STATEFUL and not args.opts.protect:
        yield f"holds state and is not protected in stack {stack}: set `mcp-fleet:protect: true`"


RULES = (
    rule(
        "prod-state-protected",
        "Resources of prod that hold state are protected.",
        _unprotected,
        config={"stacks": {"type": "array", "items": {"type": "string"}, "default": list(PROTECTED_STACKS)}},
    ),
)
