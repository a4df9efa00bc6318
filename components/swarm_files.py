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

from .fleet import Fleet

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


@dataclass(frozen=True, kw_only=True)
class ServiceFiles:
    """Makes the files of one service, as children of `parent`.

    Arguments:
        owner: the service's name.
        user: "uid:gid" of its process, which owns the files.
    """

    parent: pulumi.Resource
    fleet: Fleet
    owner: str
    user: str

    def secret(self, what: str, content: pulumi.Input[str], path: str) -> MountedFile:
        """Create the Docker secret `<fleet>-<owner>-<what>-<hash>`; only the service's user can read it at `path`."""
        name = pulumi.Output.all(self.fleet.name, content, self.fleet.name_key).apply(
            lambda values: content_name(f"{values[0]}-{self.owner}-{what}", values[1], values[2])
        )
        secret = docker.Secret(
            f"{self.owner}-{what}",
            docker.SecretArgs(name=pulumi.Output.unsecret(name), data=pulumi.Output.secret(content).apply(_base64)),
            opts=self._opts(),
        )
        return self._mounted(secret.id, secret.name, path, 0o400)

    def config(self, what: str, content: pulumi.Input[str], path: str) -> MountedFile:
        """Create the Docker config `<fleet>-<owner>-<what>-<hash>`, readable at `path`."""
        name = pulumi.Output.all(self.fleet.name, content).apply(
            lambda values: content_name(f"{values[0]}-{self.owner}-{what}", values[1], "")
        )
        config = docker.ServiceConfig(
            f"{self.owner}-{what}",
            docker.ServiceConfigArgs(name=name, data=pulumi.Output.from_input(content).apply(_base64)),
            opts=self._opts(),
        )
        return self._mounted(config.id, config.name, path, 0o444)

    def _opts(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self.parent, delete_before_replace=False)

    def _mounted(self, identity: pulumi.Output[str], name: pulumi.Output[str], path: str, mode: int) -> MountedFile:
        uid, gid = self.user.split(":")
        return MountedFile(id=identity, name=name, path=path, uid=uid, gid=gid, mode=mode)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
