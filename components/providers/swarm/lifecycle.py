"""What happens to a SwarmNode over its life, each step from whatever state the one before it was interrupted in."""

import threading
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from components.providers.ssh_docker import DockerHost, HostError, docker_over_ssh

from . import membership
from .asking import view
from .errors import SwarmError
from .inputs import NodeInputs
from .membership import Swarm, labels_of
from .quorum import Found, Join, View, plan, require_no_loss
from .survey import awaited, survey

_CHANGES: Final = threading.Lock()
"""Pulumi changes resources side by side; each check of the quorum must see what the change before it did."""


@dataclass(frozen=True)
class Node:
    """A node of a Swarm.

    Attributes:
        id: the Swarm's id for it.
        cluster: the id of the Swarm.
        hostname: what the host calls itself.
    """

    id: str
    cluster: str
    hostname: str


@dataclass(frozen=True)
class Drift:
    """What a node is by now.

    Attributes:
        role: `manager` or `worker`.
        availability: `active`, `pause` or `drain`.
        labels: but for those by which the stack finds it again.
    """

    role: str
    availability: str
    labels: Mapping[str, str]


def join(inputs: NodeInputs) -> Node:
    """Make the host part of the Swarm, or find that it is; the entry of the machine before it is removed first.

    Raises:
        SwarmError: it can't be, or must not be; says what to do.
    """
    with (
        awaited(inputs.host, inputs.private_key, inputs.ready_seconds) as own,
        _CHANGES,
        survey(inputs.others, inputs.private_key, all_of_them=True) as asked,
    ):
        seen = view(own)
        step = plan(inputs.swarm, founder=inputs.founder, own=seen, others=asked.views)
        if isinstance(step, Found):
            pools = [str(pool) for pool in inputs.address_pools]
            membership.found(
                own,
                swarm=inputs.swarm,
                advertise=inputs.advertise_address,
                pools=pools,
                data_path_port=inputs.data_path_port,
            )
            swarm = Swarm(own)
            node_id = view(own).node
        else:
            swarm = Swarm(own) if step.through == seen else asked.through(step.through)
            own_id = None if isinstance(step, Join) else seen.node
            if own_id and swarm.node(own_id) is None:
                raise SwarmError(
                    f"{own.host} believes to be in a Swarm that does not know it; run `docker swarm leave --force` "
                    "there, then this again"
                )
            swarm.clear_stale(name=inputs.node, address=inputs.advertise_address, own=own_id)
            node_id = own_id or swarm.admit(own, advertise=inputs.advertise_address, manager=inputs.role == "manager")
        _describe(swarm, node_id, inputs)
        return _node(swarm, node_id)


def reshape(node_id: str, inputs: NodeInputs) -> Node:
    """Give a node its new role, labels and availability; one that is to be drained is drained gently.

    Raises:
        SwarmError: a quorum would be lost, or there is none, or no manager answers.
    """
    with _CHANGES, survey([*inputs.others, inputs.host], inputs.private_key) as asked:
        swarm = asked.swarm()
        if swarm is None:
            raise _silent(inputs, asked.unanswered())
        if swarm.node(node_id) is None:
            raise SwarmError(f"the Swarm has no node {inputs.node} ({node_id}) any more; run `pulumi up --refresh`")
        if inputs.availability == "drain":
            swarm.drain(node_id, inputs.drain_seconds)
        _describe(swarm, node_id, inputs)
        return _node(swarm, node_id)


def refreshed(node_id: str, inputs: NodeInputs) -> Drift | None:
    """What a node is by now; None if it is in the Swarm no more, or its host in no Swarm.

    Raises:
        NoQuorumError: the Swarm can't be asked, and nothing in it may be taken for gone.
        SwarmError: no manager answers.
    """
    with survey([*inputs.others, inputs.host], inputs.private_key) as asked:
        swarm = asked.swarm()
        if swarm is None:
            own = asked.views[-1]
            if own.state == "none" and not asked.unanswered():
                return None
            raise _silent(inputs, asked.unanswered())
        entry = swarm.node(node_id)
        if entry is None:
            return None
        if entry["Status"]["State"] != "ready" and _has_left(inputs, node_id):
            return None
        spec = entry["Spec"]
        ours = labels_of(inputs.swarm, inputs.node, {})
        kept = {key: value for key, value in (spec.get("Labels") or {}).items() if ours.get(key) != value}
        return Drift(role=spec["Role"], availability=spec["Availability"], labels=kept)


def remove(node_id: str, inputs: NodeInputs) -> None:
    """Drain a node and take it out of its Swarm; a dead one, too.

    Raises:
        SwarmError: the quorum would be lost, or no manager can be asked, or its services find no other place.
    """
    with _CHANGES, ExitStack() as stack:
        asked = stack.enter_context(survey(inputs.others, inputs.private_key))
        own = _reached(stack, inputs)
        seen = view(own) if own else None
        swarm = asked.swarm()
        if swarm is None:
            _end(inputs, own, seen, asked.views)
            return
        if swarm.node(node_id) is not None:
            require_no_loss(swarm.members(), node_id)
            swarm.drain(node_id, inputs.drain_seconds)
            swarm.demote(node_id)
        if own and seen and seen.node == node_id:
            membership.leave(own, last=False)
        swarm.forget(node_id)


def abandon(node_id: str, inputs: NodeInputs) -> None:
    """Take the host out of a Swarm that is given up, if it can be reached; asks no other."""
    with ExitStack() as stack:
        own = _reached(stack, inputs)
        if own and view(own, 0).node == node_id:
            membership.leave(own, last=True)


def _end(inputs: NodeInputs, own: DockerHost | None, seen: View | None, others: list[View]) -> None:
    """Remove the last manager, and the Swarm with it."""
    if own is None or seen is None:
        if others and all(other.state == "none" for other in others):
            return  # the Swarm is no more
        raise _silent(inputs, [other.why for other in others if other.why] or [f"{inputs.host} does not answer"])
    if seen.state == "none":
        return
    if seen.state == "led":
        require_no_loss(Swarm(own).members(), seen.node)
        membership.leave(own, last=True)
        return
    if seen.state == "worker" and all(other.state == "none" for other in others):
        membership.leave(own, last=False)  # of a Swarm whose managers have all left
        return
    raise _silent(inputs, [other.why for other in others if other.why])


def _describe(swarm: Swarm, node_id: str, inputs: NodeInputs) -> None:
    swarm.describe(
        node_id,
        role=inputs.role,
        availability=inputs.availability,
        labels=labels_of(inputs.swarm, inputs.node, inputs.labels),
    )


def _node(swarm: Swarm, node_id: str) -> Node:
    entry = swarm.node(node_id)
    if entry is None:
        raise SwarmError(f"node {node_id} was removed while it was being set up; run this again")
    return Node(id=node_id, cluster=swarm.cluster(), hostname=entry["Description"]["Hostname"])


def _has_left(inputs: NodeInputs, node_id: str) -> bool:
    """Whether the host answers and is not that node: its Docker was made anew, or left."""
    with ExitStack() as stack:
        own = _reached(stack, inputs)
        return own is not None and view(own).node != node_id


def _reached(stack: ExitStack, inputs: NodeInputs) -> DockerHost | None:
    """The node's own host, unless it is gone; somebody else at its address is not it."""
    try:
        return stack.enter_context(docker_over_ssh(inputs.host, inputs.private_key))
    except HostError:
        return None


def _silent(inputs: NodeInputs, reasons: list[str]) -> SwarmError:
    told = "; ".join(reasons) or "none of its managers is in a Swarm that can be changed"
    return SwarmError(
        f"{inputs.node}: no manager of the Swarm {inputs.swarm} can be asked ({told}). Nothing was changed. If the "
        f"hosts are gone for good and the stack is to be destroyed, set MCP_FLEET_ABANDON_SWARM={inputs.swarm} for "
        "`pulumi destroy`, which then asks none of them"
    )
