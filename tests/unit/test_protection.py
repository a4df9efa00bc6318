"""`protect: true` of a stack: what holds data is protected, everything else can be replaced."""

import pulumi
import pytest

from stacks.protection import transformation


@pytest.mark.parametrize(
    ("kind", "protected"),
    [
        ("docker:index/volume:Volume", True),
        ("aws:s3/bucket:Bucket", True),
        ("docker:index/service:Service", False),
        ("mcp-fleet:components:McpServer", False),
    ],
)
def test_what_holds_data_is_protected(kind: str, *, protected: bool) -> None:
    opts = pulumi.ResourceOptions(retain_on_delete=True)
    result = transformation(pulumi.ResourceTransformationArgs(None, kind, "it", {"name": "it"}, opts))  # type: ignore[arg-type]
    assert (result is not None and result.opts.protect) is protected
    if result is not None:
        assert result.opts.retain_on_delete, "what it had stays"
        assert result.props == {"name": "it"}
