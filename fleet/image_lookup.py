"""What a registry says of a container image: its digest, and what it starts. Nothing of it is fetched or run."""

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fleet.errors import FleetError
from stacks.image_reference import ImageReferenceError, parse_image_reference
from stacks.server_image import BUILDER_VARIABLE, DEFAULT_BUILDER

SECONDS = 60
"""How long a registry may take to answer."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class _Start(_Model):
    """What of an image's configuration says how it starts.

    Source: https://github.com/opencontainers/image-spec/blob/main/config.md
    """

    entrypoint: tuple[str, ...] | None = Field(default=None, alias="Entrypoint")
    command: tuple[str, ...] | None = Field(default=None, alias="Cmd")


class _Image(_Model):
    config: _Start = _Start()


class _Manifest(_Model):
    digest: str


class _Described(_Model):
    """What `docker buildx imagetools inspect` says; `image` is one, or one for each platform."""

    manifest: _Manifest
    image: _Image


@dataclass(frozen=True, kw_only=True)
class LookedUpImage:
    """An image as its registry has it.

    Attributes:
        reference: with its digest.
        entrypoint: what it starts.
        command: what that is told, or what is started where there is no entry point.
    """

    reference: str
    entrypoint: Sequence[str]
    command: Sequence[str]

    def start(self, arguments: Sequence[str]) -> Sequence[str]:
        """Return program and arguments, `arguments` in place of its own, as `docker run` has it.

        Raises:
            FleetError: it starts nothing by itself.
        """
        if not self.entrypoint and not self.command:
            raise FleetError(
                f"{self.reference} does not say what it starts", hint=f"name it: oci:{self.reference}#/PATH/OF/PROGRAM"
            )
        if self.entrypoint:
            return (*self.entrypoint, *(arguments or self.command))
        return (self.command[0], *(arguments or self.command[1:]))


def look_up(image: str, environment: Mapping[str, str]) -> LookedUpImage:
    """Ask the registry of `image`, HOST/REPOSITORY with a tag, a digest, or both, with Docker's credentials for it.

    Raises:
        FleetError: it does not answer, has no such image, or buildx is missing.
    """
    builder = environment.get(BUILDER_VARIABLE) or DEFAULT_BUILDER
    command = ["imagetools", "inspect", f"--builder={builder}", "--format={{json .}}", image]
    try:
        done = subprocess.run(
            [*buildx_command(environment), *command],
            env=dict(environment),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise FleetError(f"the registry of {image} did not answer within {SECONDS} s", hint="try again") from error
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or ["no reason was given"]
        raise FleetError(
            f"{image} can't be looked up: {said[-1].removeprefix('ERROR: ')}",
            hint="check the spelling, with the registry's host; for a private registry: docker login HOST",
        )
    try:
        described = _Described.model_validate(_of_one_platform(json.loads(done.stdout)))
        digest = described.manifest.digest
        # A tag that was given with a digest is not what decides: the digest is.
        reference = str(parse_image_reference(f"{image.partition('@')[0]}@{digest}"))
    except (ValueError, ValidationError, ImageReferenceError) as error:
        raise FleetError(f"what the registry says of {image} can't be read: {error}") from error
    start = described.image.config
    return LookedUpImage(reference=reference, entrypoint=start.entrypoint or (), command=start.command or ())


def _of_one_platform(described: dict[str, Any]) -> dict[str, Any]:
    """Return the description with one image: all platforms of an image start the same, by its maker's Dockerfile."""
    images = described.get("image")
    if isinstance(images, dict) and images and all("/" in platform for platform in images):
        wanted = next((platform for platform in images if platform.startswith("linux/amd64")), min(images))
        return {**described, "image": images[wanted]}
    return described


def buildx_command(environment: Mapping[str, str]) -> list[str]:
    """Return the command line of the project's own buildx where there is one, else Docker's. Raises FleetError."""
    if own := shutil.which("docker-buildx", path=environment.get("PATH")):
        return [own]
    if docker := shutil.which("docker", path=environment.get("PATH")):
        return [docker, "buildx"]
    raise FleetError("no `docker` on PATH", hint="install Docker's command line with buildx, which asks registries")
