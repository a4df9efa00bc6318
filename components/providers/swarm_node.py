"""A host's membership of a Docker Swarm as a resource: it joins, changes its role, drains and leaves.

A dynamic provider; docs/decisions says why, and that the names of this module and of its provider's class are in every
state that has such a resource: they never change.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pulumi
from pulumi import dynamic

from .plain_errors import in_one_sentence
from .preview_values import as_written, unknown
from .swarm import lifecycle
from .swarm.errors import NoQuorumError
from .swarm.inputs import REPLACED_BY, NodeInputs, changed, failures, inputs_of
from .swarm.survey import require_quorum

ABANDON_VARIABLE: Final = "MCP_FLEET_ABANDON_SWARM"
"""Set to a Swarm's name, it lets `pulumi destroy` remove nodes of that Swarm although none of them can be asked."""


class SwarmNodeProvider(dynamic.ResourceProvider):
    """Stateless, so that what is stored with each resource is this class's name and nothing else."""

    serialize_as_secret_always = False

    def check(self, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.CheckResult:
        """Validate the inputs. A Swarm that has lost its quorum is refused here, before anything else is done."""
        news: dict[str, Any] = as_written(_news)
        if unknown(news):
            return dynamic.CheckResult(news, [])
        found = failures(_olds, news)
        if not found and _olds and news.get("founder"):
            wanted = inputs_of(news)
            try:
                if not _abandoned(wanted):
                    require_quorum(wanted.managers, wanted.private_key)
            except NoQuorumError as error:
                found = [("managers", str(error))]
        reasons = [dynamic.CheckFailure(name, reason) for name, reason in found]
        return dynamic.CheckResult(news if found else inputs_of(news).model_dump(mode="json"), reasons)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        """Say what changes. A machine that gets its predecessor's address can only follow it, not stand beside it."""
        news: dict[str, Any] = as_written(_news)
        unsure = [name for name in NodeInputs.model_fields if unknown(news.get(name))]
        if unsure:
            names = [name for name in NodeInputs.model_fields if name in unsure or news.get(name) != _olds.get(name)]
            same_address = news.get("advertise_address") == _olds.get("advertise_address")
        else:
            before, after = inputs_of(_olds), inputs_of(news)
            names = changed(before, after)
            same_address = before.advertise_address == after.advertise_address
        replaces: list[str] = [name for name in REPLACED_BY if name in names]
        return dynamic.DiffResult(
            changes=bool(names), replaces=replaces, delete_before_replace=bool(replaces) and same_address
        )

    @in_one_sentence
    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Join the Swarm, or make it."""
        inputs = inputs_of(props)
        node = lifecycle.join(inputs)
        return dynamic.CreateResult(node.id, _outputs(inputs, node))

    @in_one_sentence
    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        """Tell what became of the node."""
        inputs = inputs_of(props)
        if _abandoned(inputs):
            return dynamic.ReadResult(id_, props)
        found = lifecycle.refreshed(id_, inputs)
        if found is None:
            return dynamic.ReadResult("", {})
        drifted = {"role": found.role, "availability": found.availability, "labels": dict(found.labels)}
        now = {**inputs.model_dump(mode="json"), **drifted}
        return dynamic.ReadResult(id_, {**props, **now}, now)

    @in_one_sentence
    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        """Promote or demote, label, drain or bring back."""
        inputs = inputs_of(_news)
        return dynamic.UpdateResult(_outputs(inputs, lifecycle.reshape(_id, inputs)))

    @in_one_sentence
    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Drain and leave."""
        inputs = inputs_of(_props)
        (lifecycle.abandon if _abandoned(inputs) else lifecycle.remove)(_id, inputs)


@dataclass(frozen=True, kw_only=True)
class SwarmNodeArgs:
    """Arguments of SwarmNode; `components.providers.swarm.inputs.NodeInputs` says what each means.

    `host` and `managers` have the fields of `components.providers.ssh_docker.SshHost`.
    """

    swarm: pulumi.Input[str]
    node: pulumi.Input[str]
    machine: pulumi.Input[str]
    host: pulumi.Input[Mapping[str, pulumi.Input[Any]]]
    private_key: pulumi.Input[str]
    advertise_address: pulumi.Input[str]
    role: pulumi.Input[str]
    managers: pulumi.Input[Sequence[pulumi.Input[Mapping[str, pulumi.Input[Any]]]]]
    founder: pulumi.Input[bool] = False
    availability: pulumi.Input[str] = "active"
    labels: pulumi.Input[Mapping[str, pulumi.Input[str]]] = field(default_factory=dict)
    address_pools: pulumi.Input[Sequence[pulumi.Input[str]]] = field(default_factory=list)
    data_path_port: pulumi.Input[int] = 4789
    ready_seconds: pulumi.Input[int] = 300
    drain_seconds: pulumi.Input[int] = 300


class SwarmNode(dynamic.Resource, module="mcp-fleet", name="SwarmNode"):
    """One host in a Swarm. Its id is the node's.

    Attributes:
        cluster: the id of the Swarm.
        hostname: what the host calls itself.
    """

    cluster: pulumi.Output[str]
    hostname: pulumi.Output[str]

    def __init__(self, name: str, args: SwarmNodeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        # Secret for certain, also where the caller forgot: everything in the state is encrypted that is named here.
        options = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(additional_secret_outputs=["private_key"]))
        values: dict[str, Any] = {
            **vars(args),
            "private_key": pulumi.Output.secret(args.private_key),
            "cluster": None,
            "hostname": None,
        }
        super().__init__(SwarmNodeProvider(), name, values, options)


def _outputs(inputs: NodeInputs, node: lifecycle.Node) -> dict[str, Any]:
    return {**inputs.model_dump(mode="json"), "cluster": node.cluster, "hostname": node.hostname}


def _abandoned(inputs: NodeInputs) -> bool:
    return os.environ.get(ABANDON_VARIABLE) == inputs.swarm
