"""The workflows of GitHub Actions: linted, pinned, with the least permissions, made of commands that run here too."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from fleet.app import app

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
NO_FORKS = "github.event.pull_request.head.repo.full_name == github.repository"
PINNED = re.compile(r"uses: [\w-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def jobs(file: Path) -> dict[str, dict[str, Any]]:
    return dict(yaml.safe_load(file.read_text())["jobs"])


def steps(file: Path) -> list[dict[str, Any]]:
    return [step for job in jobs(file).values() for step in job["steps"]]


def audit(*files: Path) -> subprocess.CompletedProcess[str]:
    """Run zizmor, the linter for the security of workflows, at its strictest."""
    command = [str(BIN / "zizmor"), "--offline", "--no-config", "--persona=pedantic", "--quiet", *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30)


def test_zizmor_finds_nothing() -> None:
    run = audit(*WORKFLOWS)
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize(
    ("before", "after", "finding"),
    [
        (r"@[0-9a-f]{40} # v[\d.]+", "@v7", "unpinned-uses"),
        ("permissions: {}", "permissions: write-all", "excessive-permissions"),
        (r" +with:\n +persist-credentials: false\n", "", "artipacked"),
        (r"  pull_request:", "  pull_request_target:", "dangerous-triggers"),
        (r'"\$PULL_REQUEST"', "${{ github.event.pull_request.title }}", "template-injection"),
    ],
)
def test_zizmor_would_find_it(tmp_path: Path, before: str, after: str, finding: str) -> None:
    text = (ROOT / ".github" / "workflows" / "preview.yml").read_text()
    broken = re.sub(before, after, text, count=1)
    assert broken != text
    file = tmp_path / "preview.yml"
    file.write_text(broken)
    run = audit(file)
    assert run.returncode != 0
    assert finding in run.stdout


def test_they_are_valid_by_githubs_schema() -> None:
    command = [str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.github-workflows", *map(str, WORKFLOWS)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_actions_are_pinned_by_commit_and_say_their_version(file: Path) -> None:
    uses = [line.strip().removeprefix("- ") for line in file.read_text().splitlines() if "uses:" in line]
    assert uses
    assert [line for line in uses if not PINNED.fullmatch(line)] == []


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_there_are_no_long_lived_keys_and_a_job_has_the_permissions_that_it_names(file: Path) -> None:
    assert "secrets." not in file.read_text(), "tokens come by OIDC"
    assert yaml.safe_load(file.read_text())["permissions"] == {}
    for name, job in jobs(file).items():
        assert job["permissions"].keys() <= {"contents", "id-token", "pull-requests"}, name
        writes = job["permissions"]["contents"] != "read"
        assert not writes or not any("run" in step for step in job["steps"]), f"{name}: code could write a branch"
        assert not job["permissions"].keys() >= {"id-token", "pull-requests"}, "its code could speak for us"


def test_a_fork_gets_no_token() -> None:
    found = jobs(ROOT / ".github" / "workflows" / "preview.yml")
    assert NO_FORKS in found["preview"]["if"]
    assert found["check"]["permissions"] == {"contents": "read"}
    assert found["comment"]["needs"] == "preview", "which is skipped, and with it the comment"
    assert "needs.preview.result != 'skipped'" in found["comment"]["if"]


def test_a_fork_gets_no_environment() -> None:
    found = jobs(ROOT / ".github" / "workflows" / "environment.yml")
    for name in ("up", "down"):
        assert NO_FORKS in found[name]["if"], "its code would run on a machine of ours"
    assert found["up"]["runs-on"] == found["down"]["runs-on"] == ["self-hosted", "mcp-fleet-environments"]
    assert found["comment"]["runs-on"] == "ubuntu-24.04"
    assert "github.event.action == 'closed'" in found["down"]["if"]


def test_the_comment_is_written_when_the_preview_fails() -> None:
    found = jobs(ROOT / ".github" / "workflows" / "preview.yml")
    upload = next(step for step in found["preview"]["steps"] if "upload-artifact" in step.get("uses", ""))
    assert upload["if"] == "${{ !cancelled() }}"
    assert found["comment"]["if"].startswith("${{ !cancelled() &&")


def test_prod_is_approved_and_does_what_was_approved() -> None:
    found = jobs(ROOT / ".github" / "workflows" / "up.yml")
    assert found["plan"]["needs"] == "staging"
    assert found["prod"]["needs"] == "plan"
    assert found["prod"]["environment"] == "prod"
    assert [step["run"] for step in found["prod"]["steps"] if "deploy" in step.get("run", "")] == [
        "bin/fleet deploy --stack prod --plan plan.json"
    ]


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_each_step_is_a_command_that_runs_locally(file: Path) -> None:
    for line in (step["run"] for step in steps(file) if "run" in step):
        program, *arguments = shlex.split(line)
        if program == "make":
            assert f"\n{arguments[0]}:" in (ROOT / "Makefile").read_text()
            continue
        assert program == "bin/fleet"
        command: Any = typer.main.get_command(app)
        while hasattr(command, "commands"):
            command = command.commands[arguments.pop(0)]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {argument for argument in arguments if argument.startswith("--")} <= known, line
