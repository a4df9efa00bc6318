"""A public SSH key in the account, with which machines are launched."""

from typing import Any

import pulumi
from pulumi import dynamic

from components.providers.plain_errors import in_one_sentence

from .base import Provider, plain, unknown
from .once import made_once

NAME_CHARACTERS = 64
KEY_CHARACTERS = 4096
KINDS = ("ssh-", "ecdsa-", "sk-")


class SshKeyProvider(Provider):
    """Adds and deletes public keys."""

    @in_one_sentence
    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """Refuse what is no public key."""
        inputs, problems = plain(news), []
        key, name = inputs["public_key"], inputs["name"]
        if not unknown(key) and (not key.startswith(KINDS) or len(key) > KEY_CHARACTERS or "\n" in key.strip()):
            problems.append("public_key must be one line of OpenSSH's format, such as `ssh-ed25519 AAAA… name`")
        if not unknown(name) and len(name) > NAME_CHARACTERS:
            problems.append(f"name {name!r} has more than {NAME_CHARACTERS} characters")
        return self.checked(news, problems)

    @in_one_sentence
    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Add the key, unless an interrupted run did."""
        api, name, public_key = self.account(), props["name"], props["public_key"]
        key = made_once(
            api,
            lambda: next((key for key in api.ssh_keys() if key.name == name), None),
            lambda: api.add_ssh_key(name, public_key),
        )
        return dynamic.CreateResult(key.id, plain(props))

    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        """Replace the key where it differs: the API can't change one."""
        old, new = plain(olds), plain(news)
        replaces = [name for name in ("name", "public_key") if old.get(name) != new[name]]
        # Under the same name both can't be there: the new one would be taken for the old one.
        return dynamic.DiffResult(bool(replaces), replaces, delete_before_replace="name" not in replaces)

    @in_one_sentence
    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        """Look the key up."""
        here = any(key.id == id_ for key in self.account().ssh_keys())
        return dynamic.ReadResult(id_, plain(props)) if here else dynamic.ReadResult("", {})

    @in_one_sentence
    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """Delete the key. Machines that were launched with it keep it."""
        self.account().delete_ssh_key(id_)


class SshKeyResource(dynamic.Resource, module="lambda-labs", name="SshKey"):
    """A public key of the account. `name` has the mark of a claim."""

    name: pulumi.Output[str]

    def __init__(
        self,
        resource: str,
        *,
        name: pulumi.Input[str],
        public_key: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(SshKeyProvider(), resource, {"name": name, "public_key": public_key}, opts)
