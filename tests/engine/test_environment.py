"""Environments of pull requests on the real engine: two side by side, each with what its branch changes, then none."""

import random
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest
import yaml

from dev.project_copy import copy_project
from fleet.environment_plan import NUMBERS

from .deployment import ROOT, leftovers

pytestmark = pytest.mark.long

TIME = "pypi:mcp-server-time@2026.10.19"
STAGING = {"time": TIME, "notes": {"source": "./servers/notes", "env": {"NOTES_DIRECTORY": "/data"}, "volume": True}}


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """A clone with branches, in which the workflow's commands run."""

    folder: Path
    environment: dict[str, str]
    engine: docker.DockerClient

    def git(self, *arguments: str) -> None:
        author = ("-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *author, *arguments], cwd=self.folder, check=True, capture_output=True)

    def branch(self, name: str, servers: Mapping[str, object]) -> None:
        """A branch from main whose staging has these servers."""
        self.git("checkout", "--quiet", "-B", name, "main")
        self.write(servers)
        self.git("commit", "--quiet", "--all", "--allow-empty", f"--message={name}")

    def write(self, servers: Mapping[str, object]) -> None:
        config = {"config": {"mcp-fleet:servers": dict(servers)}}
        (self.folder / "Pulumi.staging.yaml").write_text(yaml.safe_dump(config))

    def fleet(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "fleet", *arguments],
            cwd=self.folder,
            env={**self.environment, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )

    def stack(self, number: int) -> Path:
        return self.folder / f"Pulumi.pr-{number}.yaml"

    def servers(self, number: int) -> set[str]:
        """The servers that run for a pull request, by Docker."""
        label = [f"mcp-fleet.stack=pr-{number}", "mcp-fleet.kind=server"]
        return {
            service.attrs["Spec"]["Labels"]["mcp-fleet.name"]
            for service in self.engine.services.list(filters={"label": label})
        }


@pytest.fixture(scope="module")
def checkout(engine_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    folder = tmp_path_factory.mktemp("environments")
    copy_project(folder)
    shutil.copy2(ROOT / "pull-request.template.yaml", folder)
    found = Checkout(
        folder=folder,
        environment=engine_environment,
        engine=docker.DockerClient(base_url=engine_environment["DOCKER_HOST"]),
    )
    found.git("init", "--quiet", "--initial-branch=main")
    found.write(STAGING)
    found.git("add", ".")
    found.git("commit", "--quiet", "--message=main")
    return found


@pytest.fixture(scope="module")
def numbers(checkout: Checkout) -> Iterator[tuple[int, int]]:
    first = random.randrange(100_000, 900_000)
    yield first, first + 1
    for number in (first, first + 1, first + NUMBERS):
        done = checkout.fleet("environment", "down", str(number))
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def both(checkout: Checkout, numbers: tuple[int, int]) -> tuple[int, int]:
    """Two environments: one adds a server, the other changes the code of one."""
    one, two = numbers
    checkout.branch("one", {**STAGING, "clock": {"source": TIME, "replicas": 2}})
    done = checkout.fleet("environment", "up", str(one), "--host", "ci.example.com", "--markdown", "one.md")
    assert done.returncode == 0, done.stdout + done.stderr
    checkout.branch("two", STAGING)
    with (checkout.folder / "servers/notes/pyproject.toml").open("a") as file:
        file.write("\n# changed\n")
    done = checkout.fleet("environment", "up", str(two), "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return numbers


def test_two_stand_side_by_side_each_with_what_its_branch_changes(checkout: Checkout, both: tuple[int, int]) -> None:
    one, two = both
    assert checkout.servers(one) == {"clock"}
    assert checkout.servers(two) == {"notes"}
    comment = (checkout.folder / "one.md").read_text()
    assert comment.startswith(f"<!-- mcp-fleet preview of stack pr-{one} -->\n")
    assert f"| `clock` | `http://ci.example.com:{20_000 + 2 * (one % NUMBERS)}/clock/mcp` |" in comment
    for number, server, tool in ((one, "clock", "get_current_time"), (two, "notes", "add_note")):
        listed = checkout.fleet("call", server, "--list", "--stack", f"pr-{number}")
        assert tool in listed.stdout, listed.stderr


def test_a_number_whose_ports_are_taken_is_refused_and_nothing_is_made(
    checkout: Checkout, both: tuple[int, int]
) -> None:
    number = both[0] + NUMBERS
    done = checkout.fleet("environment", "up", str(number), "--markdown", "three.md")
    assert done.returncode == 1
    assert f"is used by 'pr-{both[0]}'" in done.stderr
    assert "was not brought up" in (checkout.folder / "three.md").read_text()
    assert not checkout.stack(number).exists()
    assert leftovers(checkout.engine, f"pr-{number}") == []


def test_a_pull_request_that_takes_its_changes_back_has_no_environment(
    checkout: Checkout, both: tuple[int, int]
) -> None:
    checkout.git("checkout", "--quiet", "--force", "main")
    done = checkout.fleet("environment", "up", str(both[1]), "--markdown", "two.md")
    assert done.returncode == 0, done.stderr
    assert "No environment: no server changes" in (checkout.folder / "two.md").read_text()
    assert leftovers(checkout.engine, f"pr-{both[1]}") == []
    assert checkout.servers(both[0]) == {"clock"}, "the other one stays"


def test_it_is_destroyed_without_its_branch_and_without_its_file(checkout: Checkout, both: tuple[int, int]) -> None:
    """The last in this file: as when the pull request is closed, on another machine's checkout."""
    checkout.git("checkout", "--quiet", "--force", "main")
    checkout.stack(both[0]).unlink()
    done = checkout.fleet("environment", "down", str(both[0]), "--markdown", "one.md")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "was destroyed" in (checkout.folder / "one.md").read_text()
    assert leftovers(checkout.engine, f"pr-{both[0]}") == []
    again = checkout.fleet("environment", "down", str(both[0]))
    assert again.returncode == 0
    assert "has no environment" in again.stderr
