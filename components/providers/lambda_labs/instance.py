"""A machine of Lambda Labs as a Pulumi resource.

What Pulumi does with a machine that got lost: a refresh reports one that is terminated, terminating, preempted or
missing as gone, and the next `up` launches another; one that is unhealthy stays in the state, and the next `up`
replaces it. An `up` without a refresh knows nothing of either (`pulumi up --refresh`).

A machine is deleted before its replacement is launched: so at most one has its tags, and whatever else has them was
left by an interrupted run.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi import dynamic
from pulumi.runtime import rpc

from components.providers.plain_errors import in_one_sentence

from .base import Provider, plain, say, unknown
from .digest import digest
from .instance_inputs import problems
from .launch import Launcher, Wanted
from .leftovers import CLAIM_TAG
from .models import LOST, Instance
from .places import wrong_names
from .termination import answers_ssh, terminate

MACHINE_TAG = "mcp-fleet:machine"
LAUNCH_ONLY = ("mark", "machine", "image", "user_data", "hostname", "ssh_key", "file_systems", "tags")
"""Inputs that can only be given at a launch; for `firewall_rulesets`, `types` and `regions` see `changes`."""
HIDDEN = frozenset({"user_data", "key"})
"""Inputs that the outputs don't repeat."""


class InstanceProvider(Provider):
    """Launches, finds, renames and terminates machines."""

    @in_one_sentence
    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """Refuse what the API would refuse, before anything is launched. Names that are new are looked up."""
        old, inputs, found = plain(olds), plain(news), []
        places = {key: inputs[key] for key in ("types", "regions")}
        new = any(old.get(key) != value for key, value in places.items()) and not unknown(places)
        if new and self.has_settings():
            found = wrong_names(*self.account().names, **places)
        return self.checked(news, [*problems(inputs), *found])

    @in_one_sentence
    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Have the machine, active and reachable."""
        inputs = plain(props)
        launcher = Launcher(self.account(), wanted(inputs), answers_ssh, say)
        machine = launcher.machine()
        return dynamic.CreateResult(machine.id, outputs(inputs, machine, launcher.notes))

    @in_one_sentence
    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        """Compare with what the machine was launched with."""
        return changes(plain(olds), plain(news))

    @in_one_sentence
    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        """Look the machine up; see the module about lost ones."""
        state = plain(props)
        machine = self.account().instance(id_)
        if machine is None or machine.status in LOST:
            say(f"{state.get('name', id_)}: machine {id_} is {machine.status if machine else 'gone'}")
            return dynamic.ReadResult("", {})
        return dynamic.ReadResult(id_, {**state, **seen(machine)})

    @in_one_sentence
    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.UpdateResult:
        """Rename the machine: nothing else of a running one can be changed."""
        old, new = plain(olds), plain(news)
        if old["name"] != new["name"]:
            self.account().rename(id_, new["name"])
        kept = {key: old[key] for key in _COMPUTED if key in old}
        return dynamic.UpdateResult({**_shown(new), **kept})

    @in_one_sentence
    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """Terminate the machine and wait until it is gone."""
        terminate(self.account(), [id_])


_COMPUTED = ("ip", "private_ip", "region", "type", "hourly_cents", "status", "notes", "user_data_digest")
"""Outputs that are no inputs."""


class InstanceResource(dynamic.Resource, module="lambda-labs", name="Instance"):
    """A machine. Its inputs are described in components/hosts/lambda_labs.py, which makes them.

    Attributes:
        ip, private_ip: its addresses.
        region, type: where it was launched, of those that were listed.
        hourly_cents: what it costs, in US cents an hour.
        notes: what a user should know of its launch, such as places that had no capacity.
    """

    ip: pulumi.Output[str]
    private_ip: pulumi.Output[str]
    region: pulumi.Output[str]
    type: pulumi.Output[str]
    hourly_cents: pulumi.Output[int]
    notes: pulumi.Output[Sequence[str]]

    def __init__(self, name: str, inputs: pulumi.Inputs, opts: pulumi.ResourceOptions | None = None) -> None:
        computed: dict[str, Any] = dict.fromkeys(_COMPUTED)
        own = pulumi.ResourceOptions(
            additional_secret_outputs=sorted(HIDDEN),
            delete_before_replace=True,  # also where a replacement is asked for by hand, without a difference
        )
        super().__init__(InstanceProvider(), name, {**inputs, **computed}, pulumi.ResourceOptions.merge(opts, own))


def wanted(inputs: Mapping[str, Any]) -> Wanted:
    """Return the machine that `inputs` describe."""
    return Wanted(
        name=inputs["name"],
        tags={CLAIM_TAG: inputs["mark"], MACHINE_TAG: inputs["machine"], **inputs["tags"]},
        spec=lambda region: digest(inputs["key"], launch_body(inputs, region)),
        types=inputs["types"],
        regions=inputs["regions"],
        request=lambda region: launch_body(inputs, region),
        ssh_port=inputs["ssh_port"],
    )


def launch_body(inputs: Mapping[str, Any], region: str) -> dict[str, Any]:
    """Return the body of a launch in `region`, all but name, place and tags."""
    body = {
        "ssh_key_names": [inputs["ssh_key"]],
        "user_data": inputs["user_data"],
        "file_system_mounts": [
            {"mount_point": path, "file_system_id": id_} for path, id_ in sorted(inputs["file_systems"].items())
        ],
        "firewall_rulesets": [{"id": id_} for id_ in inputs["firewall_rulesets"].get(region, [])],
    }
    if inputs["hostname"]:
        body["hostname"] = inputs["hostname"]
    if inputs["image"]:
        body["image"] = {"family": inputs["image"]}
    return body


def seen(machine: Instance) -> dict[str, Any]:
    """Return what the API says of a machine, as outputs."""
    return {
        "ip": machine.ip,
        "private_ip": machine.private_ip,
        "region": machine.region.name,
        "type": machine.instance_type.name,
        "hourly_cents": machine.instance_type.price_cents_per_hour,
        "status": machine.status,
        "name": machine.name,
    }


def outputs(inputs: Mapping[str, Any], machine: Instance, notes: Sequence[str]) -> dict[str, Any]:
    """Return the state of a machine: its inputs, without secrets, and what is known of it."""
    fingerprint = digest(inputs["key"], inputs["user_data"])
    return {**_shown(inputs), **seen(machine), "notes": list(notes), "user_data_digest": fingerprint}


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> dynamic.DiffResult:
    """Return what differs between the state of a machine and its new inputs."""
    replaces = [key for key in LAUNCH_ONLY if key != "user_data" and old.get(key) != new[key]]
    known = not unknown([new["key"], new["user_data"]])
    fingerprint = digest(new["key"], new["user_data"]) if known else None
    if old.get("user_data_digest") != fingerprint:
        replaces.append("user_data")
    region = old["region"]
    rulesets = new["firewall_rulesets"]  # unknown as a whole, or in the regions where one is made just now
    if rulesets == rpc.UNKNOWN or old["firewall_rulesets"].get(region) != rulesets.get(region):
        replaces.append("firewall_rulesets")
    # Others in a list, or another order, are no reason to give up a machine that is in a place of the list.
    replaces += [key for key, value in (("types", old["type"]), ("regions", region)) if value not in new[key]]
    if old["status"] == "unhealthy":
        replaces.append("status")
    updates = [key for key in ("name", "types", "regions", "ssh_port", "firewall_rulesets") if old[key] != new[key]]
    return dynamic.DiffResult(
        changes=bool(replaces or updates), replaces=replaces, delete_before_replace=bool(replaces)
    )


def _shown(inputs: Mapping[str, Any]) -> dict[str, Any]:
    left_out = {*HIDDEN, *_COMPUTED}
    return {key: value for key, value in inputs.items() if key not in left_out}
