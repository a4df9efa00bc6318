"""An account: what is in it, and what the API lets be done to it.

Assumed where the description is silent: names of SSH keys, of file systems and of a region's rule sets are unique; an
SSH key may go while machines have it; a file system and a rule set may not; rules of a set that is in use may change.
"""

import itertools
import time
from collections.abc import Callable
from typing import Any

from .catalog import FAMILIES, REGIONS, TYPES, instance_type, region
from .errors import ApiError, invalid, missing, no_capacity, quota
from .machines import Machine, Status, Times
from .requests import (
    AddFileSystem,
    AddRuleset,
    AddSshKey,
    ChangeRuleset,
    ImageFamily,
    Launch,
    Rename,
)

Document = dict[str, Any]
CREATED = "2026-11-21T12:00:00+00:00"


class Account:
    """Everything in one account of Lambda Cloud. Not for several threads at once: the server takes turns.

    Attributes:
        capacity: machines that can still be had, by type and region.
        hints: places that are offered though they have none.
        boot: what makes a machine: takes it, returns the address under which it is reached.
        end: told of each machine whose termination was asked for.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, times: Times | None = None) -> None:
        self.clock = clock
        self.times = times or Times()
        self.capacity = dict.fromkeys(itertools.product(TYPES, REGIONS), 4)
        self.hints: set[tuple[str, str]] = set()
        self.quota = 8
        self.boot: Callable[[Machine], str] = lambda machine: "127.0.0.1"
        self.end: Callable[[Machine], None] = lambda machine: None
        self.machines: dict[str, Machine] = {}
        self.ssh_keys: dict[str, Document] = {}
        self.rulesets: dict[str, Document] = {}
        self.file_systems: dict[str, Document] = {}
        self._ids = itertools.count(1)

    # what a test asks

    def paid_for(self) -> list[Machine]:
        """The machines that cost money now, whether the API shows them or not."""
        return [machine for machine in self.machines.values() if machine.is_paid_for(self.clock())]

    def is_empty(self) -> bool:
        """Whether nothing is left in it."""
        return not (self.paid_for() or self.ssh_keys or self.rulesets or self.file_systems)

    # machines

    def list_types(self) -> Document:
        """GET /instance-types."""
        return {
            name: {
                "instance_type": instance_type(name),
                "regions_with_capacity_available": [region(place) for place in REGIONS if self._offered(name, place)],
            }
            for name in TYPES
        }

    def list_machines(self) -> list[Document]:
        """GET /instances. Terminated ones are not in the list."""
        shown = ((machine, machine.status(self.clock())) for machine in self.machines.values())
        return [self._shown(machine, status) for machine, status in shown if status and status != "terminated"]

    def get_machine(self, id_: str) -> Document:
        """GET /instances/{id}."""
        return self._shown(*self._visible(id_))

    def rename_machine(self, id_: str, body: Rename) -> Document:
        """POST /instances/{id}."""
        machine, status = self._visible(id_)
        machine.name = machine.name if body.name is None else body.name
        return self._shown(machine, status)

    def launch(self, body: Launch) -> Document:
        """POST /instance-operations/launch."""
        self._check(body)
        place = (body.instance_type_name, body.region_name)
        if len(self.paid_for()) >= self.quota:
            raise quota()
        if not self.capacity[place]:
            raise no_capacity()
        self.capacity[place] -= 1
        machine = Machine(
            id=self._new_id(), request=body, since=self.clock(), times=self.times, ip="", name=body.name or ""
        )
        machine.ip = self.boot(machine)
        self.machines[machine.id] = machine
        return {"instance_ids": [machine.id]}

    def terminate(self, ids: list[str]) -> Document:
        """POST /instance-operations/terminate."""
        found = [self._visible(id_)[0] for id_ in ids]
        for machine in found:
            if machine.ended_at is None:
                machine.ended_at = self.clock()
                self.capacity[machine.request.instance_type_name, machine.request.region_name] += 1
                self.end(machine)
        return {"terminated_instances": [self._shown(machine, "terminating") for machine in found]}

    # what machines need

    def add_ssh_key(self, body: AddSshKey) -> Document:
        """POST /ssh-keys."""
        if any(key["name"] == body.name for key in self.ssh_keys.values()):
            raise invalid("There is an SSH key of this name.")
        return self._add(self.ssh_keys, body.model_dump())

    def add_ruleset(self, body: AddRuleset) -> Document:
        """POST /firewall-rulesets."""
        self._check_region(body.region)
        if any((item["name"], item["region"]["name"]) == (body.name, body.region) for item in self.rulesets.values()):
            raise invalid("There is a firewall ruleset of this name.")
        rules = [rule.model_dump(exclude_none=True) for rule in body.rules]
        return self._add(
            self.rulesets, {"name": body.name, "region": region(body.region), "rules": rules, "created": CREATED}
        ) | {"instance_ids": []}

    def list_rulesets(self) -> list[Document]:
        """GET /firewall-rulesets."""
        return [item | {"instance_ids": self._users(id_)} for id_, item in self.rulesets.items()]

    def change_ruleset(self, id_: str, body: ChangeRuleset) -> Document:
        """PATCH /firewall-rulesets/{id}."""
        if id_ not in self.rulesets:
            raise missing("firewall ruleset")
        self.rulesets[id_] |= body.model_dump(exclude_none=True)
        return self.rulesets[id_] | {"instance_ids": self._users(id_)}

    def delete_ruleset(self, id_: str) -> Document:
        """DELETE /firewall-rulesets/{id}."""
        if self._users(id_):
            code, text = "firewall-rulesets/firewall-ruleset-in-use", "Firewall ruleset is in use by one or more"
            raise ApiError(400, code, f"{text} instances.", "Terminate all instances that are using the ruleset.")
        return self.remove(self.rulesets, id_, "firewall ruleset")

    def add_file_system(self, body: AddFileSystem) -> Document:
        """POST /filesystems."""
        self._check_region(body.region)
        if any(item["name"] == body.name for item in self.file_systems.values()):
            raise ApiError(400, "global/duplicate", "There is a filesystem of this name.")
        user = {"id": "0", "email": "someone@example.com", "status": "active"}
        made = {"name": body.name, "region": region(body.region), "mount_point": f"/lambda/nfs/{body.name}"}
        return self._add(self.file_systems, {**made, "created": CREATED, "created_by": user, "is_in_use": False})

    def delete_file_system(self, id_: str) -> Document:
        """DELETE /filesystems/{id}."""
        if any(machine.uses(id_) for machine in self.paid_for()):
            raise ApiError(400, "filesystems/filesystem-in-use", "Filesystem is in use.")
        self.remove(self.file_systems, id_, "filesystem")
        return {"deleted_ids": [id_]}

    def remove(self, objects: dict[str, Document], id_: str, what: str) -> Document:
        """Take an object away."""
        if objects.pop(id_, None) is None:
            raise missing(what)
        return {}

    def _add(self, objects: dict[str, Document], document: Document) -> Document:
        made = {"id": self._new_id(), **document}
        objects[made["id"]] = made
        return made

    def _new_id(self) -> str:
        return f"{next(self._ids):032x}"

    def _visible(self, id_: str) -> tuple[Machine, Status]:
        machine = self.machines.get(id_)
        status = machine.status(self.clock()) if machine else None
        if machine is None or status is None:
            raise missing("instance")
        return machine, status

    def _shown(self, machine: Machine, status: Status) -> Document:
        request = machine.request
        return machine.document(status, region(request.region_name), instance_type(request.instance_type_name))

    def _offered(self, type_: str, place: str) -> bool:
        return self.capacity[type_, place] > 0 or (type_, place) in self.hints

    def _users(self, ruleset: str) -> list[str]:
        using = (item for item in self.paid_for() if ruleset in {entry.id for entry in item.request.firewall_rulesets})
        return [machine.id for machine in using]

    def _check(self, body: Launch) -> None:
        self._check_region(body.region_name)
        if body.instance_type_name not in TYPES:
            raise invalid("instance_type_name: there is no such type")
        if body.ssh_key_names[0] not in {key["name"] for key in self.ssh_keys.values()}:
            raise missing("SSH key")
        if isinstance(body.image, ImageFamily) and body.image.family not in FAMILIES:
            raise missing("image")
        for entry in body.firewall_rulesets:
            ruleset = self.rulesets.get(entry.id)
            if ruleset is None or ruleset["region"]["name"] != body.region_name:
                raise missing("firewall ruleset")
        for mount in body.file_system_mounts:
            file_system = self.file_systems.get(mount.file_system_id)
            if file_system is None:
                raise missing("filesystem")
            if file_system["region"]["name"] != body.region_name:
                code = "instance-operations/launch/file-system-in-wrong-region"
                raise ApiError(400, code, "Filesystem is in another region.")

    @staticmethod
    def _check_region(name: str) -> None:
        if name not in REGIONS:
            raise invalid("region: there is no such region")
