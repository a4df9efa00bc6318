"""Storage of one region that outlives the machines that mount it."""

import re
from typing import Any

import pulumi
from pulumi import dynamic

from components.providers.plain_errors import in_one_sentence

from .api import LambdaLabs
from .base import Provider, plain, unknown
from .client import RefusedError
from .once import made_once
from .termination import look_again

NAME = re.compile(r"[a-zA-Z][0-9a-zA-Z-]{0,59}")
IN_USE = "filesystems/filesystem-in-use"
IN_USE_LOOKS = 6
"""How often a file system may be in use after the machine that used it is gone."""


class FileSystemProvider(Provider):
    """Makes and deletes file systems."""

    @in_one_sentence
    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """Refuse a name that the API would refuse."""
        name = plain(news)["name"]
        bad = not unknown(name) and not NAME.fullmatch(name)
        problem = f"name {name!r} must begin with a letter and have up to 60 letters, digits and -"
        return self.checked(news, [problem] if bad else [])

    @in_one_sentence
    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Make the file system, unless an interrupted run did."""
        api, inputs = self.account(), plain(props)
        name, region = inputs["name"], inputs["region"]
        made = made_once(
            api,
            lambda: next(
                (item for item in api.file_systems() if (item.name, item.region.name) == (name, region)), None
            ),
            lambda: api.add_file_system(name, region),
        )
        return dynamic.CreateResult(made.id, inputs)

    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        """Replace it where anything differs. The data does not move along: protect what must not be lost."""
        old, new = plain(olds), plain(news)
        replaces = [key for key in ("name", "region") if old.get(key) != new[key]]
        return dynamic.DiffResult(bool(replaces), replaces)

    @in_one_sentence
    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        """Look the file system up."""
        here = any(item.id == id_ for item in self.account().file_systems())
        return dynamic.ReadResult(id_, plain(props)) if here else dynamic.ReadResult("", {})

    @in_one_sentence
    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """Delete it with all that is in it."""
        delete_when_free(self.account(), id_)


def delete_when_free(api: LambdaLabs, id_: str) -> None:
    """Delete a file system, giving the machines that mounted it the time to let go.

    Raises:
        ProviderError: It is in use all the same, or the API said no for another reason.
    """
    for look in range(1, IN_USE_LOOKS + 1):
        try:
            api.delete_file_system(id_)
        except RefusedError as error:
            if error.code != IN_USE or look == IN_USE_LOOKS:
                raise
            look_again(api)
        else:
            return


class FileSystemResource(dynamic.Resource, module="lambda-labs", name="FileSystem"):
    """Storage in `region`. `name` has the mark of a claim."""

    def __init__(
        self,
        resource: str,
        *,
        name: pulumi.Input[str],
        region: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(FileSystemProvider(), resource, {"name": name, "region": region}, opts)
