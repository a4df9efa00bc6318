"""The image that all remote servers of a fleet run: the bridge, and what speaks to the server in place of a package."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from .image import BaseImages, Platform, RegistryAccount, built_image

DOCKERFILE = "remote"
COMMAND = "mcp-remote"
CONTEXTS = {"wire": "wire", "bridge": "bridge", "remote": "remote"}
"""The folders that the image is built from, by their names in the Dockerfile."""


@dataclass(frozen=True, kw_only=True)
class RemoteImageArgs:
    """Arguments of RemoteImage; see ServerImageArgs."""

    version: pulumi.Input[str]
    bases: BaseImages
    registry: RegistryAccount
    builder: pulumi.Input[str]
    platforms: Sequence[Platform] = ()


@dataclass(frozen=True, kw_only=True)
class RemoteImageOutputs:
    """`ref`: repository:tag@digest."""

    ref: pulumi.Output[str]


class RemoteImage(pulumi.ComponentResource):
    """One image, built once, however many remote servers there are: they differ in arguments and secrets alone."""

    def __init__(self, name: str, args: RemoteImageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mcp-fleet:components:RemoteImage", name, {}, opts)
        ref = built_image(
            name,
            tag=args.version,
            dockerfile=DOCKERFILE,
            named_contexts=CONTEXTS,
            build_args={"PYTHON": args.bases.python},
            registry=args.registry,
            builder=args.builder,
            platforms=args.platforms,
            parent=self,
        )
        self.outputs = RemoteImageOutputs(ref=ref)
        self.register_outputs(vars(self.outputs))
