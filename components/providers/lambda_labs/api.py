"""Lambda Cloud's operations as typed methods."""

import contextlib
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from components.providers.plain_errors import ProviderError

from .client import LAUNCH, Client, RefusedError
from .models import FileSystem, Instance, Json, Launched, Region, Ruleset, SshKey, TypeOffer
from .settings import Settings

T = TypeVar("T")
NOT_FOUND = frozenset({"global/object-does-not-exist", "global/not-found"})
_INSTANCE: TypeAdapter[Instance] = TypeAdapter(Instance)
_INSTANCES: TypeAdapter[list[Instance]] = TypeAdapter(list[Instance])
_OFFERS: TypeAdapter[dict[str, TypeOffer]] = TypeAdapter(dict[str, TypeOffer])
_REGIONS: TypeAdapter[list[Region]] = TypeAdapter(list[Region])
_LAUNCHED: TypeAdapter[Launched] = TypeAdapter(Launched)
_KEY: TypeAdapter[SshKey] = TypeAdapter(SshKey)
_KEYS: TypeAdapter[list[SshKey]] = TypeAdapter(list[SshKey])
_RULESET: TypeAdapter[Ruleset] = TypeAdapter(Ruleset)
_RULESETS: TypeAdapter[list[Ruleset]] = TypeAdapter(list[Ruleset])
_FILE_SYSTEM: TypeAdapter[FileSystem] = TypeAdapter(FileSystem)
_FILE_SYSTEMS: TypeAdapter[list[FileSystem]] = TypeAdapter(list[FileSystem])


class LambdaLabs:
    """An account of Lambda Cloud. Every method raises ProviderError, see Client.call."""

    def __init__(self, client: Client) -> None:
        self.settings = client.settings
        self.clock = client.clock
        self._client = client

    def offers(self) -> Mapping[str, TypeOffer]:
        """Return every type of machine by name, with the regions that have some right now."""
        return self._read(_OFFERS, "GET", "/instance-types")

    @cached_property
    def names(self) -> tuple[frozenset[str], frozenset[str]]:
        """The names of all types and regions, asked for once: they change a few times a year."""
        return frozenset(self.offers()), self.regions()

    def regions(self) -> frozenset[str]:
        """Return the codes of all regions."""
        return frozenset(region.name for region in self._read(_REGIONS, "GET", "/regions"))

    def instances(self) -> Sequence[Instance]:
        """Return all machines of the account. Ended ones leave the list after a while."""
        return self._read(_INSTANCES, "GET", "/instances")

    def instance(self, id_: str) -> Instance | None:
        """Return the machine `id_`, or None if there is none."""
        with contextlib.suppress(_Missing):
            return self._found(_INSTANCE, "GET", f"/instances/{id_}")
        return None

    def launch(self, request: Mapping[str, Any]) -> str:
        """Launch one machine and return its id. Never repeated: a second request would be a second machine."""
        hide = str(request.get("user_data", ""))
        launched = self._parse(
            _LAUNCHED, self._client.call("POST", LAUNCH, request, repeatable=False, hide=hide), "POST", LAUNCH
        )
        if len(launched.instance_ids) != 1:
            raise ProviderError(f"Lambda Labs: one launch made {len(launched.instance_ids)} machines; see its console")
        return launched.instance_ids[0]

    def terminate(self, id_: str) -> None:
        """Ask for the end of a machine, if it is there. It takes a while: see `termination.terminate`."""
        with contextlib.suppress(_Missing):
            self._call_found("POST", "/instance-operations/terminate", {"instance_ids": [id_]})

    def rename(self, id_: str, name: str) -> None:
        """Give the machine `id_` another name."""
        self._client.call("POST", f"/instances/{id_}", {"name": name})

    def ssh_keys(self) -> Sequence[SshKey]:
        """Return all SSH keys of the account."""
        return self._read(_KEYS, "GET", "/ssh-keys")

    def add_ssh_key(self, name: str, public_key: str) -> SshKey:
        """Add a public key."""
        body = {"name": name, "public_key": public_key}
        return self._parse(_KEY, self._client.call("POST", "/ssh-keys", body, repeatable=False), "POST", "/ssh-keys")

    def delete_ssh_key(self, id_: str) -> None:
        """Delete a key, if it is there."""
        self._delete(f"/ssh-keys/{id_}")

    def rulesets(self) -> Sequence[Ruleset]:
        """Return all firewall rule sets of the account, but for the global one."""
        return self._read(_RULESETS, "GET", "/firewall-rulesets")

    def add_ruleset(self, name: str, region: str, rules: Sequence[Mapping[str, Any]]) -> Ruleset:
        """Make a firewall rule set."""
        path, body = "/firewall-rulesets", {"name": name, "region": region, "rules": list(rules)}
        return self._parse(_RULESET, self._client.call("POST", path, body, repeatable=False), "POST", path)

    def change_ruleset(self, id_: str, rules: Sequence[Mapping[str, Any]]) -> Ruleset:
        """Replace the rules of a rule set."""
        return self._read(_RULESET, "PATCH", f"/firewall-rulesets/{id_}", {"rules": list(rules)})

    def delete_ruleset(self, id_: str) -> None:
        """Delete a rule set, if it is there."""
        self._delete(f"/firewall-rulesets/{id_}")

    def file_systems(self) -> Sequence[FileSystem]:
        """Return all file systems of the account."""
        return self._read(_FILE_SYSTEMS, "GET", "/file-systems")

    def add_file_system(self, name: str, region: str) -> FileSystem:
        """Make a file system."""
        path, body = "/filesystems", {"name": name, "region": region}  # listed under another path than it is made
        return self._parse(_FILE_SYSTEM, self._client.call("POST", path, body, repeatable=False), "POST", path)

    def delete_file_system(self, id_: str) -> None:
        """Delete a file system with all that is in it, if it is there."""
        self._delete(f"/filesystems/{id_}")

    def _delete(self, path: str) -> None:
        with contextlib.suppress(_Missing):
            self._call_found("DELETE", path)

    def _read(self, type_: TypeAdapter[T], method: str, path: str, body: Mapping[str, Any] | None = None) -> T:
        return self._parse(type_, self._client.call(method, path, body), method, path)

    def _found(self, type_: TypeAdapter[T], method: str, path: str) -> T:
        return self._parse(type_, self._call_found(method, path), method, path)

    def _call_found(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Json:
        try:
            return self._client.call(method, path, body)
        except RefusedError as error:
            if error.code in NOT_FOUND:
                raise _Missing from None
            raise

    @staticmethod
    def _parse(type_: TypeAdapter[T], data: Json, method: str, path: str) -> T:
        try:
            return type_.validate_python(data)
        except ValidationError as error:
            places = ", ".join(".".join(str(part) for part in item["loc"]) for item in error.errors())
            raise ProviderError(
                f"Lambda Labs: {method} {path}: the answer is not what the API's description says ({places})"
            ) from None


class _Missing(Exception):  # noqa: N818 - never leaves this module
    """The object of a request is not there."""


@cache
def connect(settings: Settings) -> LambdaLabs:
    """Return the account behind `settings`: the same one each time, since its limits hold for a whole process."""
    return LambdaLabs(Client(settings))
