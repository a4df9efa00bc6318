"""When a Swarm can change, and what may be changed in it without losing that: plain rules on plain values.

A Swarm changes only while more than half of its managers reach each other.
Source: https://docs.docker.com/engine/swarm/raft/ and https://docs.docker.com/engine/swarm/admin_guide/
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .errors import NoQuorumError, SwarmError

SWARM_LABEL = "mcp-fleet.swarm"
"""On the Swarm and on each of its nodes: the name of the Swarm."""
NODE_LABEL = "mcp-fleet.node"
"""On a node: the name it has in the stack, which its successor will have too."""


@dataclass(frozen=True)
class Member:
    """A node as a manager of its Swarm sees it.

    Attributes:
        id: of the node.
        name: what the stack calls it, or else its host name.
        manager: whether it counts for the quorum.
        reachable: for a manager: by the others; for a worker: by the managers.
        address: what it advertises to the others.
        down: whether its agent was found to be gone. After an election nobody knows that of any node for a while.
    """

    id: str
    name: str
    manager: bool
    reachable: bool
    address: str = ""
    down: bool = False


def members(nodes: Iterable[Mapping[str, Any]]) -> list[Member]:
    """Read the answer to GET /nodes (https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Node)."""
    return [_member(node) for node in nodes]


def _member(node: Mapping[str, Any]) -> Member:
    manager = node.get("ManagerStatus")
    status = node["Status"]
    host_name = node.get("Description", {}).get("Hostname", "")
    return Member(
        id=node["ID"],
        name=(node["Spec"].get("Labels") or {}).get(NODE_LABEL) or host_name or node["ID"],
        manager=manager is not None,
        reachable=manager["Reachability"] == "reachable" if manager else status["State"] == "ready",
        address=manager["Addr"].rpartition(":")[0] if manager else status.get("Addr", ""),
        down=status["State"] == "down",
    )


def majority(managers: int) -> int:
    """How many of so many managers must reach each other."""
    return managers // 2 + 1


def has_quorum(swarm: Iterable[Member]) -> bool:
    """Whether enough managers of this Swarm are reachable."""
    managers = [member for member in swarm if member.manager]
    return sum(member.reachable for member in managers) >= majority(len(managers))


def require_no_loss(swarm: Sequence[Member], leaving: str) -> None:
    """Check that a node may stop being a manager.

    Raises:
        SwarmError: it is the last manager of a Swarm that others are in, or the managers that would remain have no
            majority that is reachable.
    """
    if not any(member.id == leaving and member.manager for member in swarm):
        return
    name = next(member.name for member in swarm if member.id == leaving)
    rest = [member for member in swarm if member.id != leaving]
    managers = [member for member in rest if member.manager]
    if not managers:
        left = sorted(member.name for member in rest if member.reachable)
        if left:
            raise SwarmError(
                f"{name} is the last manager, and {', '.join(left)} would be left without one; "
                "make another node a manager first, or remove those first"
            )
        return
    if not has_quorum(rest):
        away = sorted(member.name for member in managers if not member.reachable)
        raise SwarmError(
            f"without {name} the Swarm would lose its quorum: of the {len(managers)} managers that remain, "
            f"{majority(len(managers))} must be reachable, and {', '.join(away)} "
            f"{'is' if len(away) == 1 else 'are'} not; bring back or replace {away[0]} first, then run this again"
        )


def unreachable_predecessors(
    swarm: Iterable[Member], *, name: str, address: str, own: str | None
) -> tuple[list[Member], list[Member]]:
    """The entries whose place the node of this name or address takes, and whose machines are not reached.

    A machine that is still reachable is none of them, whatever it is called: it drains before it goes.

    Args:
        swarm: all nodes.
        name: what the stack calls the node that comes.
        address: what it advertises.
        own: its own id, if it has one already.

    Returns:
        Those that are down, and those of which the Swarm does not know yet whether they are.
    """
    found = [
        member
        for member in swarm
        if member.id != own and not member.reachable and (member.name == name or member.address == address)
    ]
    return [member for member in found if member.down], [member for member in found if not member.down]


@dataclass(frozen=True)
class View:
    """What a host's own Docker says of the Swarm it is in.

    Attributes:
        host: for messages.
        state: `none` (it's in no Swarm), `worker`, `led` (a manager, and the Swarm has a leader), `leaderless` (a
            manager of a Swarm without one), `locked` or `unreachable`.
        cluster: the Swarm's id, if `led`.
        swarm: what the stack calls that Swarm; empty if the stack did not make it.
        node: the id of the host's node, if it is in a Swarm.
        why: if it is unreachable.
    """

    host: str
    state: Literal["none", "worker", "led", "leaderless", "locked", "unreachable"]
    cluster: str = ""
    swarm: str = ""
    node: str = ""
    why: str = ""


def led(views: Sequence[View]) -> View | None:
    """The first manager through which the Swarm can be changed; None if no manager is in any Swarm.

    Raises:
        NoQuorumError: managers answer, but none of them has a leader.
        SwarmError: there are two Swarms.
    """
    leading = [view for view in views if view.state == "led"]
    if len({view.cluster for view in leading}) > 1:
        raise SwarmError(
            f"there are two Swarms: {_listed(f'{view.host} is in {view.cluster}' for view in leading)}; "
            "run `docker swarm leave --force` on the hosts of the wrong one"
        )
    if leading:
        return leading[0]
    waiting = [view for view in views if view.state == "leaderless"]
    if waiting:
        raise NoQuorumError(without_quorum(waiting[0], [view for view in views if view.state == "unreachable"]))
    locked = [view for view in views if view.state == "locked"]
    if locked:
        raise SwarmError(f"{locked[0].host}: its Swarm is locked; run `docker swarm unlock` there")
    return None


def without_quorum(survivor: View, away: Sequence[View]) -> str:
    """Say that a Swarm has lost its quorum, and how to recover."""
    reasons = f" (no answer from {_listed(view.host for view in away)})" if away else ""
    return (
        f"the Swarm of {survivor.host} has no quorum: too few of its managers reach each other{reasons}. Nothing was "
        "refreshed or changed. Services that run keep running. Start the managers that are down; if they are lost for "
        f"good, run `docker swarm init --force-new-cluster --advertise-addr <its own address>` on {survivor.host}, "
        "which keeps services, secrets and labels, then `pulumi up` again, which lets the others join anew"
    )


@dataclass(frozen=True)
class Found:
    """Make a new Swarm."""


@dataclass(frozen=True)
class Join:
    """Join the Swarm of this manager."""

    through: View


@dataclass(frozen=True)
class Keep:
    """The host is in the Swarm of this manager already."""

    through: View


def plan(swarm: str, *, founder: bool, own: View, others: Sequence[View]) -> Found | Join | Keep:
    """What makes a host part of the Swarm named `swarm`; `others` are all its other managers.

    Only the founder makes a Swarm, and only when every other manager says that it is in none: one that can't be asked
    might be in it.

    Raises:
        NoQuorumError: the Swarm has none.
        SwarmError: a Swarm that isn't ours is in the way, or there is none to join.
    """
    through = led(others)
    if through and through.swarm != swarm:
        raise SwarmError(_foreign(through, swarm))
    if own.state == "none":
        if through:
            return Join(through)
        away = [view for view in others if view.state == "unreachable"]
        if away:
            raise SwarmError(
                f"{own.host} can't tell whether there is a Swarm {swarm} yet: {away[0].why}; "
                "a second Swarm must not be made"
            )
        strays = [view.host for view in others if view.state == "worker"]
        if strays:
            raise SwarmError(
                f"{_listed(strays)}: listed as a manager of {swarm}, but a worker, and no manager answers; "
                "run `docker swarm leave` there if its Swarm is no more"
            )
        if not founder:
            raise SwarmError(f"{own.host} has no Swarm {swarm} to join: none of its managers is in one")
        return Found()
    alone = led([own])
    if through:
        if alone and alone.cluster != through.cluster:
            raise SwarmError(_foreign(own, swarm))
        return Keep(through)
    if alone is None:
        raise SwarmError(f"{own.host} is a worker of a Swarm, but none of the managers of {swarm} is in one")
    if alone.swarm != swarm:
        raise SwarmError(_foreign(alone, swarm))
    return Keep(alone)


def _foreign(view: View, swarm: str) -> str:
    called = f"named {view.swarm}" if view.swarm else "that this stack did not make"
    return (
        f"{view.host} is in a Swarm {called} ({view.cluster or view.node}), not in {swarm}; "
        "if nothing needs it, run `docker swarm leave --force` there, then this again"
    )


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(texts)


def displaced(before: Iterable[Mapping[str, Any]], now: Iterable[Mapping[str, Any]], node: str) -> set[str]:
    """The services that run fewer tasks elsewhere than they ran in all, before the node was drained.

    Args:
        before: all tasks of the Swarm, then; as GET /tasks has them.
        now: all of them, now.
        node: the id of the node.
    """
    wanted: dict[str, int] = {}
    there: set[str] = set()
    for task in running(before):
        wanted[task["ServiceID"]] = wanted.get(task["ServiceID"], 0) + 1
        if task.get("NodeID") == node and task.get("Slot"):  # without a slot: a global service, which goes with it
            there.add(task["ServiceID"])
    elsewhere: dict[str, int] = {}
    for task in running(now):
        if task.get("NodeID") != node:
            elsewhere[task["ServiceID"]] = elsewhere.get(task["ServiceID"], 0) + 1
    return {service for service in there if elsewhere.get(service, 0) < wanted[service]}


def running(tasks: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of the tasks that run now, as far as the managers know."""
    return [task for task in tasks if task["Status"]["State"] == "running"]
