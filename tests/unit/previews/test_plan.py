"""A plan: what was reviewed is what runs, or nothing."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fleet import preview_log, preview_plan
from fleet.errors import FleetError
from fleet.preview_plan import Plan, code_of, deviations, plan

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
    return plan("dev", preview_log.read(lines, failed=False), code="c0ffee")


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
    other = plan_of().model_copy(update={"stack": "prod"})
    assert list(deviations(plan_of(), other)) == ["stack 'dev' was reviewed, not 'prod'"]


def test_a_plan_is_for_one_commit() -> None:
    other = plan_of().model_copy(update={"code": "decaf"})
    assert list(deviations(plan_of(), other)) == ["commit c0ffee was reviewed, not decaf"]


def test_the_code_is_its_commit_and_what_is_changed_since(tmp_path: Path) -> None:
    assert code_of(tmp_path) is None

    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True)

    file = tmp_path / "code.py"
    file.write_text("1")
    git("init")
    git("add", ".")
    git("commit", "--message", "one")
    committed = code_of(tmp_path)
    assert committed is not None
    assert len(committed) == 40
    (tmp_path / "plan.json").write_text("{}")
    assert code_of(tmp_path) == committed, "what a workflow downloads is no code"
    found = []
    for text in ("2", "3"):
        file.write_text(text)
        found.append(code_of(tmp_path))
    assert len({committed, *found}) == 3


@pytest.mark.parametrize("content", [None, "", "{}", '{"stack": "dev", "code": null, "steps": {}, "more": 1}'])
def test_a_file_that_is_no_plan_is_refused_by_name(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "plan.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(FleetError, match=r"plan\.json"):
        preview_plan.read(file)
