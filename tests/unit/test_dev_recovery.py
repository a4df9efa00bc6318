"""Only what a killed operation surely left behind is touched."""

import pytest

from dev.recovery import Interrupted, abandoned_locks, interrupted

SERVICE = "docker:index/service:Service"


def test_a_state_without_pending_operations_needs_nothing() -> None:
    assert interrupted({"resources": [{"id": "a"}, {"urn": "component"}]}) == Interrupted(
        operations=0, creating=frozenset(), recorded=frozenset({"a"})
    )


def test_only_creations_leave_unrecorded_objects() -> None:
    pending = [
        {"type": "creating", "resource": {"type": SERVICE}},
        {"type": "updating", "resource": {"type": "docker:index/network:Network"}},
    ]
    found = interrupted({"pending_operations": pending, "resources": [{"id": "a"}]})
    assert found == Interrupted(operations=2, creating=frozenset({SERVICE}), recorded=frozenset({"a"}))


@pytest.mark.parametrize(
    ("locks", "abandoned"),
    [
        ([], False),
        ([{"hostname": "here", "pid": 7}], True),
        ([{"hostname": "here", "pid": 1}], False),
        ([{"hostname": "elsewhere", "pid": 7}], False),
        ([{"hostname": "here", "pid": 7}, {"hostname": "here", "pid": 1}], False),
    ],
    ids=["no lock", "holder ended", "holder runs", "another host's", "one of two runs"],
)
def test_a_lock_is_abandoned_when_no_holder_can_be_running(locks: list[dict[str, object]], abandoned: bool) -> None:
    assert abandoned_locks(locks, "here", lambda pid: pid == 1) is abandoned
