"""Images that the fleet builds: a server under the bridge, and the gateway."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_docker_build as docker_build

from .image_layout import BUILT, EXTENDED, ImageLayout

Platform = Literal["linux/amd64", "linux/arm64"]
Kind = Literal["python", "node", "path", "oci"]
CONTEXT = "images"
"""Folder of the Dockerfiles, relative to the program: the provider compares the text, on every machine."""
EPOCH = 315_532_800
"""The time of all that is in an image, 1980-01-01 in seconds since 1970: the first that every archive format can have.
Images are then the same whenever they are built: https://reproducible-builds.org/docs/source-date-epoch/."""
PUSHED = "type=registry,rewrite-timestamp=true"
"""Where a build's result goes, in the words of BuildKit: the provider's own types can't say the second."""


@dataclass(frozen=True, kw_only=True)
class RegistryAccount:
    """Where images are pushed to, and as whom. `address` is host:port; all images are in `namespace`."""

    address: pulumi.Input[str]
    namespace: pulumi.Input[str]
    username: pulumi.Input[str]
    password: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class BaseImages:
    """The images that builds start from, each with a digest."""

    python: pulumi.Input[str]
    node: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class ServerImageArgs:
    """Arguments of ServerImage.

    Arguments:
        kind: "python" and "node" install `package` at `version` from their registries, "path" installs the project
            in the folder `path`, "oci" adds the bridge to the image `origin`.
        command: the program that the image must then have; the build fails with a list of those it has instead. Of
            "oci" it is a path in the image or a name on its PATH, and the bridge finds out.
        constraints: version constraints for the Python installer.
        packages: Debian packages.
        install_scripts: let npm run install scripts.
        lock: the folder of the package's lock, relative to the program; empty where it has none.
        tag: of the image, where it is not the version: a registry may refuse a second image under the same one.
        builder: name of the buildx builder.
        platforms: such as linux/arm64, where the hosts are not like the builder.
    """

    # source
    kind: Kind
    command: pulumi.Input[str]
    version: pulumi.Input[str]
    package: pulumi.Input[str] = ""
    path: str = ""
    origin: pulumi.Input[str] = ""
    constraints: Sequence[str] = ()
    packages: Sequence[str] = ()
    install_scripts: bool = False
    lock: str = ""

    # build
    bases: BaseImages
    registry: RegistryAccount
    builder: pulumi.Input[str]
    tag: str = ""
    platforms: Sequence[Platform] = ()

    @property
    def layout(self) -> ImageLayout:
        """Where things will be in it."""
        return layout(self.kind)


@dataclass(frozen=True, kw_only=True)
class BuiltImage:
    """An image that several servers run. `ref`: repository:tag@digest. `command`: the program in it."""

    ref: pulumi.Input[str]
    command: str
    layout: ImageLayout = BUILT


@dataclass(frozen=True, kw_only=True)
class ServerImageOutputs:
    """`ref`: repository:tag@digest."""

    ref: pulumi.Output[str]


class ServerImage(pulumi.ComponentResource):
    """The image of one server: the bridge, identical in all of them, and the server on top."""

    def __init__(self, name: str, args: ServerImageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mcp-fleet:components:ServerImage", name, {}, opts)
        ref = built_image(
            name,
            tag=args.tag or args.version,
            dockerfile=args.kind,
            named_contexts=server_contexts(args.path, args.lock),
            build_args=build_args(args),
            registry=args.registry,
            builder=args.builder,
            platforms=args.platforms,
            parent=self,
        )
        self.outputs = ServerImageOutputs(ref=ref)
        self.register_outputs(vars(self.outputs))


def layout(kind: Kind) -> ImageLayout:
    """Return where things are in an image."""
    return EXTENDED if kind == "oci" else BUILT


def server_contexts(path: str, lock: str = "") -> dict[str, str]:
    """Return the folders that a server's image is built from, by their names in the Dockerfile.

    Arguments:
        path: the server's own folder, built with the chassis beside it; empty where its code is a package.
        lock: the folder of the package's lock; empty where it has none.
    """
    own = {"server": path, "chassis": "chassis"} if path else {}
    locked = {"lock": lock} if lock else {}
    return {"wire": "wire", "bridge": "bridge", **own, **locked}


def build_args(args: ServerImageArgs) -> dict[str, pulumi.Input[str]]:
    """Return what the Dockerfile is told of a server."""
    if args.kind == "oci":
        return {"PYTHON": args.bases.python, "ORIGIN": args.origin}
    told: dict[str, pulumi.Input[str]] = {"PYTHON": args.bases.python, "COMMAND": args.command}
    if args.packages:
        told["PACKAGES"] = " ".join(sorted(args.packages))
    if args.constraints:
        told["CONSTRAINTS"] = " ".join(sorted(args.constraints))
    if args.kind != "path":
        told |= {"PACKAGE": args.package, "VERSION": args.version}
    if args.kind == "node":
        told |= {"NODE": args.bases.node, "INSTALL_SCRIPTS": "true" if args.install_scripts else "false"}
    return told


def built_image(
    name: str,
    *,
    tag: pulumi.Input[str],
    dockerfile: str,
    named_contexts: Mapping[str, str],
    build_args: Mapping[str, pulumi.Input[str]],
    registry: RegistryAccount,
    builder: pulumi.Input[str],
    platforms: Sequence[Platform],
    parent: pulumi.Resource,
) -> pulumi.Output[str]:
    """Build `dockerfile`, push it as `<address>/<namespace>/<name>:<tag>`; return it with its digest.

    The same inputs give the same digest, as long as the registries of packages give the same files.

    The image stays in the registry when its resource goes: a rollback, or a replica on its way out, may need it. The
    registry itself goes with the fleet.
    """
    reference = pulumi.Output.concat(registry.address, "/", registry.namespace, f"/{name}:", image_tag(tag))
    image = docker_build.Image(
        name,
        docker_build.ImageArgs(
            push=False,  # by itself, without a word on how
            exports=[docker_build.ExportArgs(raw=PUSHED)],
            tags=[reference],
            builder=docker_build.BuilderConfigArgs(name=builder),
            context=docker_build.BuildContextArgs(
                location=CONTEXT,
                named={key: docker_build.ContextArgs(location=path) for key, path in named_contexts.items()},
            ),
            dockerfile=docker_build.DockerfileArgs(location=f"{CONTEXT}/{dockerfile}.Dockerfile"),
            build_args={**build_args, "SOURCE_DATE_EPOCH": str(EPOCH)},
            build_on_preview=False,
            platforms=[docker_build.Platform(platform) for platform in platforms] or None,
            registries=[
                docker_build.RegistryArgs(
                    address=registry.address, username=registry.username, password=registry.password
                )
            ],
        ),
        opts=pulumi.ResourceOptions(parent=parent, retain_on_delete=True),
    )
    return pulumi.Output.concat(reference, "@", image.digest)


def image_tag(version: pulumi.Input[str]) -> pulumi.Output[str]:
    """Return `version` as a tag: some versions have a +, which tags can't have."""
    return pulumi.Output.from_input(version).apply(lambda text: text.replace("+", "-").replace("!", "-"))
