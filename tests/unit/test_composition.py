"""What the composition hands to components: the policy, and the pinned images."""

import json
from pathlib import Path

import pytest

from stacks.fleet import policy
from stacks.images import LOCK_VARIABLE, REQUIRED, read_images
from stacks.problems import BadStackError

from .stack_files import ROOT, TIME, parse_text

DIGEST = "@sha256:" + "a" * 64


def test_the_policy_says_what_each_client_may_do() -> None:
    config = parse_text(
        f"""
        servers: {{time: '{TIME}', notes: ./servers/notes}}
        clients:
          own: {{tier: free, rpm: 1000}}
          tiers: {{tier: pro}}
          unlimited: {{tier: enterprise}}
          few: {{tier: free, servers: {{time: "*", notes: [list_notes]}}}}
        """
    )
    assert json.loads(policy(config)) == {
        "clients": {
            "own": {"tier": "free", "priority": 0, "rpm": 1000, "servers": "*"},
            "tiers": {"tier": "pro", "priority": 10, "rpm": 600, "servers": "*"},
            "unlimited": {"tier": "enterprise", "priority": 20, "rpm": None, "servers": "*"},
            "few": {
                "tier": "free",
                "priority": 0,
                "rpm": 60,
                "servers": {"time": "*", "notes": ["list_notes"]},
            },
        }
    }


def test_a_new_server_does_not_change_the_policy() -> None:
    before = f"servers: {{time: '{TIME}'}}\nclients: {{codex: {{}}}}"
    after = f"servers: {{time: '{TIME}', more: '{TIME}'}}\nclients: {{codex: {{}}}}"
    assert policy(parse_text(before)) == policy(parse_text(after))


def test_the_committed_images_are_complete_and_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(LOCK_VARIABLE, raising=False)
    assert set(REQUIRED) | {"grafana"} == read_images(ROOT).keys()


def test_another_lock_can_take_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / "lock.json"
    lock.write_text(json.dumps(dict.fromkeys(REQUIRED, f"x:1{DIGEST}")))
    monkeypatch.setenv(LOCK_VARIABLE, str(lock))
    assert read_images(ROOT)["consul"] == f"x:1{DIGEST}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "can't be read"),
        (json.dumps({"python": f"x:1{DIGEST}"}), "has no node, registry"),
        (json.dumps(dict.fromkeys(REQUIRED, "x:1")), "has no digest for python"),
    ],
)
def test_a_bad_lock_is_refused(text: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / "lock.json"
    lock.write_text(text)
    monkeypatch.setenv(LOCK_VARIABLE, str(lock))
    with pytest.raises(BadStackError, match=expected):
        read_images(ROOT)
