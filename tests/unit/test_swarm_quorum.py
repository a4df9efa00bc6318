"""The rules by which a Swarm never loses its quorum to us, and never becomes two."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.providers.swarm.errors import NoQuorumError, SwarmError
from components.providers.swarm.quorum import (
    Found,
    Join,
    Keep,
    Member,
    View,
    displaced,
    has_quorum,
    led,
    majority,
    members,
    plan,
    require_no_loss,
    unreachable_predecessors,
)

NAMES = "abcde"
SWARM = "test"
CASES = settings(deadline=None, max_examples=60)


@st.composite
def swarms(draw: st.DrawFn) -> list[Member]:
    """A Swarm that can change: more than half of its managers reach each other."""
    found = [
        Member(
            id=name,
            name=f"node-{name}",
            manager=draw(st.booleans()),
            reachable=draw(st.booleans()),
            address=name,
            down=draw(st.booleans()),
        )
        for name in draw(st.sets(st.sampled_from(NAMES), min_size=1))
    ]
    if not has_quorum(found) or not any(member.manager for member in found):
        found = [replace(member, manager=True, reachable=True) for member in found]
    return found


VIEWS = st.builds(
    View,
    host=st.sampled_from(["m1", "m2", "m3"]),
    state=st.sampled_from(["none", "worker", "led", "leaderless", "locked", "unreachable"]),
    cluster=st.sampled_from(["c1", "c2"]),
    swarm=st.sampled_from([SWARM, "", "another"]),
    node=st.just("n"),
    why=st.just("no answer"),
)


def allowed(swarm: list[Member], leaving: str) -> bool:
    try:
        require_no_loss(swarm, leaving)
    except SwarmError:
        return False
    return True


@CASES
@given(swarms(), st.sampled_from(NAMES))
def test_who_may_leave_leaves_a_swarm_that_can_change(swarm: list[Member], leaving: str) -> None:
    if allowed(swarm, leaving):
        rest = [member for member in swarm if member.id != leaving]
        leaderless = not any(member.manager for member in rest)
        assert has_quorum(rest) or (leaderless and not any(member.reachable for member in rest))


@CASES
@given(swarms())
def test_workers_and_strangers_may_always_leave(swarm: list[Member]) -> None:
    for member in swarm:
        if not member.manager:
            assert allowed(swarm, member.id)
    assert allowed(swarm, "stranger")


@CASES
@given(swarms())
def test_a_dead_manager_may_always_leave(swarm: list[Member]) -> None:
    """What heals a Swarm is never refused: without a dead manager, fewer are needed."""
    for member in swarm:
        if member.manager and not member.reachable:
            assert allowed(swarm, member.id)


@CASES
@given(swarms())
def test_managers_leave_a_healthy_swarm_one_after_the_other(swarm: list[Member]) -> None:
    healthy = [replace(member, reachable=True) for member in swarm if member.manager]
    while healthy:
        assert allowed(healthy, healthy[-1].id)
        healthy.pop()


@pytest.mark.parametrize(("managers", "needed"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (7, 4)])
def test_more_than_half_are_needed(managers: int, needed: int) -> None:
    assert majority(managers) == needed


def test_the_refusal_names_who_is_missing_and_what_to_do() -> None:
    swarm = [Member("1", "one", True, True), Member("2", "two", True, True), Member("3", "three", True, False)]
    with pytest.raises(SwarmError, match=r"without two .* 2 must be reachable, and three is not; bring back"):
        require_no_loss(swarm, "2")
    with pytest.raises(SwarmError, match="one is the last manager, and w would be left without one"):
        require_no_loss([Member("1", "one", True, True), Member("w", "w", False, True)], "1")


@CASES
@given(st.lists(VIEWS, max_size=4))
def test_a_swarm_is_changed_only_through_a_manager_that_has_a_leader(views: list[View]) -> None:
    try:
        through = led(views)
    except NoQuorumError:
        assert not any(view.state == "led" for view in views)
        assert any(view.state == "leaderless" for view in views)
    except SwarmError:
        clusters = {view.cluster for view in views if view.state == "led"}
        assert len(clusters) > 1 or any(view.state == "locked" for view in views)
    else:
        assert through is None or through.state == "led"
        assert through is not None or not any(view.state in ("led", "leaderless", "locked") for view in views)


def test_a_swarm_without_quorum_is_told_how_to_recover() -> None:
    with pytest.raises(NoQuorumError, match=r"m1.*no answer from m2.*docker swarm init --force-new-cluster .* on m1"):
        led([View("m1", "leaderless"), View("m2", "unreachable", why="down")])


@CASES
@given(st.booleans(), VIEWS, st.lists(VIEWS, max_size=4))
def test_a_second_swarm_is_never_made(founder: bool, own: View, others: list[View]) -> None:
    if own.state == "unreachable":
        return
    try:
        step = plan(SWARM, founder=founder, own=own, others=others)
    except SwarmError:
        return
    if isinstance(step, Found):
        assert founder
        assert own.state == "none"
        assert all(other.state == "none" for other in others)
    else:
        assert step.through.state == "led"
        assert step.through.swarm == SWARM, "nobody else's Swarm is joined or kept"
        assert isinstance(step, Join) == (own.state == "none")
        if own.state == "led":
            assert own.cluster == step.through.cluster


@pytest.mark.parametrize("founder", [True, False])
def test_a_new_manager_joins_a_swarm_that_one_of_the_others_can_change(founder: bool) -> None:
    others = [View("m1", "unreachable", why="down"), View("m2", "led", "c1", SWARM, "n2")]
    assert plan(SWARM, founder=founder, own=View("m3", "none"), others=others) == Join(others[1])


def test_what_was_interrupted_is_gone_on_with() -> None:
    own = View("m1", "led", "c1", SWARM, "n1")
    assert plan(SWARM, founder=True, own=own, others=[View("m2", "none")]) == Keep(own)


def test_a_swarm_of_somebody_else_is_left_alone() -> None:
    with pytest.raises(SwarmError, match=r"m1 is in a Swarm that this stack did not make .*swarm leave --force"):
        plan(SWARM, founder=True, own=View("m1", "led", "c1", "", "n1"), others=[])


def test_only_dead_machines_give_up_their_place() -> None:
    dead = Member("1", "one", True, False, "10.0.0.1", down=True)
    swarm = [
        dead,
        Member("2", "one", True, True, "10.0.0.2"),
        Member("3", "three", False, False, "10.0.0.3", down=True),
        Member("4", "one", True, False, "10.0.0.4", down=True),
    ]
    assert unreachable_predecessors(swarm, name="one", address="10.0.0.9", own="4") == ([dead], [])
    assert unreachable_predecessors(swarm, name="other", address="10.0.0.1", own=None) == ([dead], [])


@CASES
@given(swarm=swarms(), name=st.sampled_from(NAMES))
def test_a_node_that_is_not_known_to_be_down_is_never_taken_for_dead(swarm: list[Member], name: str) -> None:
    down, undecided = unreachable_predecessors(swarm, name=f"node-{name}", address=name, own=None)

    assert all(member.down and not member.reachable for member in down)
    assert all(not member.down and not member.reachable for member in undecided)
    assert {member.id for member in (*down, *undecided)} == {
        member.id for member in swarm if member.id == name and not member.reachable
    }


def test_nodes_are_read_as_the_api_shows_them() -> None:
    manager = {
        "ID": "1",
        "Spec": {"Role": "manager", "Labels": {"mcp-fleet.node": "one"}},
        "Description": {"Hostname": "ip-10-0-0-1"},
        "Status": {"State": "down", "Addr": "10.0.0.1"},
        "ManagerStatus": {"Reachability": "unreachable", "Addr": "10.0.0.1:2377"},
    }
    worker: dict[str, Any] = {
        "ID": "2",
        "Spec": {"Role": "worker"},
        "Description": {"Hostname": "two"},
        "Status": {"State": "ready", "Addr": "10.0.0.2"},
    }
    assert members([manager, worker]) == [
        Member("1", "one", True, False, "10.0.0.1", down=True),
        Member("2", "two", False, True, "10.0.0.2"),
    ]


def task(service: str, node: str, slot: int | None = 1, state: str = "running") -> dict[str, Any]:
    return {"ServiceID": service, "NodeID": node, "Slot": slot, "Status": {"State": state}}


def test_a_service_is_displaced_until_it_runs_as_often_elsewhere() -> None:
    before = [task("web", "a"), task("web", "b", 2), task("other", "b"), task("global", "a", None)]
    assert displaced(before, before, "a") == {"web"}
    starting = [task("web", "a", state="shutdown"), task("web", "b", 2), task("web", "b", 1, "starting")]
    assert displaced(before, starting, "a") == {"web"}
    assert displaced(before, [task("web", "b", 2), task("web", "c")], "a") == set()
