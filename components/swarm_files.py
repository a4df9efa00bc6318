"""Files that Docker Swarm hands to containers: secrets and configs, named by what they contain.

Swarm can change neither, so new content is a new secret under a new name; then the service rolls, then the old one
goes. `delete_before_replace=False` asks for that order against the provider's own wish.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass

import pulumi
import pulumi_docker as docker

NAME_LIMIT = 64
"""Docker's limit for the names of secrets and configs."""

HASH_DIGITS = 8


@dataclass(frozen=True, kw_only=True)
class MountedFile:
    """A secret or config as a container sees it: `path` with owner and mode."""

    id: pulumi.Input[str]
    name: pulumi.Input[str]
    path: str
    uid: str
    gid: str
    mode: int


def content_name(stem: str, content: str, key: str) -> str:
    """Return `stem`, cut to fit, with a hash of `stem` and `content` that only holders of `key` can compute.

    The name is public: a plain hash would let anyone try guesses of a short secret.
    """
    digest = hmac.new(key.encode(), f"{stem}\0{content}".encode(), hashlib.sha256).hexdigest()[:HASH_DIGITS]
    return f"{stem[: NAME_LIMIT - HASH_DIGITS - 1].rstrip('-_.')}-{digest}"


def mounted_secret(
    *,
    parent: pulumi.Resource,
    fleet: pulumi.Input[str],
    owner: str,
    what: str,
    content: pulumi.Input[str],
    name_key: pulumi.Input[str],
    path: str,
    user: str,
) -> MountedFile:
    """Create the Docker secret `<fleet>-<owner>-<what>-<hash>`; only `user` ("uid:gid") can read it at `path`."""
    name = pulumi.Output.all(fleet, content, name_key).apply(
        lambda values: content_name(f"{values[0]}-{owner}-{what}", values[1], values[2])
    )
    secret = docker.Secret(
        f"{owner}-{what}",
        docker.SecretArgs(
            name=pulumi.Output.unsecret(name),
            data=pulumi.Output.secret(content).apply(_base64),
        ),
        opts=pulumi.ResourceOptions(parent=parent, delete_before_replace=False),
    )
    uid, gid = user.split(":")
    return MountedFile(id=secret.id, name=secret.name, path=path, uid=uid, gid=gid, mode=0o400)


def mounted_config(
    *,
    parent: pulumi.Resource,
    fleet: pulumi.Input[str],
    owner: str,
    what: str,
    content: pulumi.Input[str],
    path: str,
    user: str,
) -> MountedFile:
    """Create the Docker config `<fleet>-<owner>-<what>-<hash>`, readable at `path`."""
    config = docker.ServiceConfig(
        f"{owner}-{what}",
        docker.ServiceConfigArgs(
            name=pulumi.Output.all(fleet, content).apply(
                lambda values: content_name(f"{values[0]}-{owner}-{what}", values[1], "")
            ),
            data=pulumi.Output.from_input(content).apply(_base64),
        ),
        opts=pulumi.ResourceOptions(parent=parent, delete_before_replace=False),
    )
    uid, gid = user.split(":")
    return MountedFile(id=config.id, name=config.name, path=path, uid=uid, gid=gid, mode=0o444)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
