"""A plan: what was reviewed is what runs, or nothing."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fleet import preview_log, preview_plan
from fleet.errors import FleetError
from fleet.preview_plan import Plan, deviations, plan

RECORDED = Path(__file__).parent / "recorded" / "change.jsonl"
SERVICE = "::notes"


def plan_of(change: Callable[[dict[str, Any]], object] = lambda step: None) -> Plan:
    """The plan of the recorded preview, with the step of the service `notes` changed."""
    lines = []
    for line in RECORDED.read_text().splitlines():
        event = json.loads(line)
        step = event.get("resourcePreEvent", {}).get("metadata")
        if step and step["type"] == "docker:index/service:Service" and step["urn"].endswith(SERVICE):
            change(step)
        lines.append(json.dumps(event))
    return plan("dev", preview_log.read(lines, failed=False))


def test_the_same_preview_keeps_to_its_plan(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    preview_plan.write(plan_of(), file)
    assert list(deviations(preview_plan.read(file), plan_of())) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda step: step["new"]["inputs"]["taskSpec"].update(runtime="other"),
            "gets other inputs than were reviewed",
        ),
        (lambda step: step.update(op="replace"), "update was reviewed, not replace"),
        (lambda step: step.update(op="same"), "update was reviewed, nothing is to be done now"),
    ],
)
def test_what_was_not_reviewed_is_named(change: Callable[[dict[str, Any]], object], said: str) -> None:
    assert list(deviations(plan_of(), plan_of(change))) == [f"notes (docker:index/service:Service): {said}"]


def test_what_is_done_besides_is_named() -> None:
    less = plan_of(lambda step: step.update(op="same"))
    assert list(deviations(less, plan_of())) == ["notes (docker:index/service:Service): update was not reviewed"]


def test_a_plan_is_for_one_stack() -> None:
    other = Plan(stack="prod", steps=plan_of().steps)
    assert list(deviations(plan_of(), other)) == ["stack 'dev' was reviewed, not 'prod'"]


@pytest.mark.parametrize("content", [None, "", "{}", '{"stack": "dev", "steps": {}, "more": 1}'])
def test_a_file_that_is_no_plan_is_refused_by_name(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "plan.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(FleetError, match=r"plan\.json"):
        preview_plan.read(file)
