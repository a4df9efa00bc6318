"""Rules on images: by digest, and from registries that we trust."""

import re
from collections.abc import Iterable, Iterator

from pulumi_policy import ResourceValidationArgs

from .resource_types import DOCKER_IMAGE, DOCKER_SERVICE
from .rule import block, rule

BASE_IMAGES = ("PYTHON", "NODE")
"""Build arguments that name what an image is built from."""

DIGEST = re.compile(r".+@sha256:[0-9a-f]{64}")

REGISTRIES = (
    r"docker\.io/library/",
    r"docker\.io/hashicorp/consul[:@]",
    r"docker\.io/prom/",
    r"docker\.io/grafana/",
    r"docker\.io/pgvector/pgvector[:@]",
    r"docker\.io/oliver006/redis_exporter[:@]",
    r"localhost:[0-9]+/",
    r"[0-9]{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com/",
)
"""Where images may come from: the publishers in images.lock.json, a stack's own registry, ECR."""


def _unpinned(args: ResourceValidationArgs) -> Iterator[str]:
    for where, image in _images(args):
        if not DIGEST.fullmatch(image):
            yield f"{where} {image!r} has no digest: a tag may be another image tomorrow; write name:tag@sha256:…"


def _unapproved(args: ResourceValidationArgs) -> Iterator[str]:
    approved: Iterable[str] = args.get_config().get("registries", REGISTRIES)
    for where, image in _images(args):
        if not any(re.match(pattern, full_name(image)) for pattern in approved):
            yield f"{where} {image!r} is of no approved registry; mirror it, or add its publisher to `registries`"


def _images(args: ResourceValidationArgs) -> Iterator[tuple[str, str]]:
    """The images that a resource names: (what it is, reference)."""
    if args.resource_type == DOCKER_SERVICE:
        yield "image", block(args.props["taskSpec"], "containerSpec")["image"]
    elif args.resource_type == DOCKER_IMAGE:
        build_args = block(args.props, "buildArgs")
        for name in BASE_IMAGES:
            if name in build_args:
                yield f"base image {name}", build_args[name]


def full_name(image: str) -> str:
    """Return a reference with its registry, as Docker reads it: `redis:8` is docker.io/library/redis:8."""
    first, slash, _ = image.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return image
    return f"docker.io/{image}" if slash else f"docker.io/library/{image}"


RULES = (
    rule("image-digest-pinned", "Every image is named by its digest.", _unpinned),
    rule(
        "image-registry-approved",
        "Every image comes from an approved registry.",
        _unapproved,
        config={"registries": {"type": "array", "items": {"type": "string"}, "default": list(REGISTRIES)}},
    ),
)
