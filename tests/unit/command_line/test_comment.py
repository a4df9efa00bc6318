"""`fleet comment`: one comment in a pull request, edited in place."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import Result

from dev.github.server import BOT, GitHub

from .conftest import Machine

MARKER = "<!-- mcp-fleet preview of stack dev -->"
TOKEN = "token-canary-91"
RUN = "https://github.com/acme/fleet/actions/runs/1"


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    with GitHub(repository="acme/fleet", number=7, token=TOKEN).serving() as serving:
        monkeypatch.setenv("GITHUB_API_URL", serving.url)
        yield serving


def comment(machine: Machine, text: str | None) -> Result:
    file = machine.project / "comment.md"
    file.unlink(missing_ok=True)
    if text is not None:
        file.write_text(text)
    where = ("--repository", "acme/fleet", "--pull-request", "7", "--run", RUN)
    result = machine.fleet("comment", *where, "--markdown", str(file))
    assert TOKEN not in result.output + result.stderr
    return result


def test_the_first_preview_adds_a_comment_and_the_next_edits_it(machine: Machine, github: GitHub) -> None:
    github.add("what a change", login="reviewer")
    first = comment(machine, f"{MARKER}\none")
    assert first.stdout.strip() == github.comments[1]["html_url"]
    assert comment(machine, f"{MARKER}\ntwo").stdout == first.stdout
    assert [item["body"] for item in github.comments] == ["what a change", f"{MARKER}\ntwo"]


def test_it_is_found_on_a_later_page(machine: Machine, github: GitHub) -> None:
    for number in range(150):
        github.add(f"comment {number}", login="reviewer")
    ours = github.add(f"{MARKER}\none", login=BOT)
    for number in range(150):
        github.add(f"more {number}", login=BOT)
    assert comment(machine, f"{MARKER}\ntwo").exit_code == 0
    assert ours["body"].endswith("two")
    assert len(github.comments) == 301


def test_a_comment_of_somebody_else_or_of_another_stack_is_left_alone(machine: Machine, github: GitHub) -> None:
    forged = github.add(f"{MARKER}\nforged", login="reviewer")
    other = github.add(f"{MARKER.replace('dev', 'prod')}\nother", login=BOT)
    assert comment(machine, f"{MARKER}\nmine").exit_code == 0
    assert forged["body"].endswith("forged")
    assert other["body"].endswith("other")
    assert len(github.comments) == 3


def test_a_preview_that_could_not_start_is_commented_too(machine: Machine, github: GitHub) -> None:
    assert comment(machine, None).exit_code == 0
    assert github.comments[0]["body"].startswith(MARKER)
    assert RUN in github.comments[0]["body"]


def test_a_token_without_the_permission_is_told_what_it_needs(machine: Machine, github: GitHub) -> None:
    github.may_write = False
    result = comment(machine, f"{MARKER}\none")
    assert result.exit_code == 1
    assert "403: Resource not accessible by integration" in result.stderr
    assert "pull-requests: write" in result.stderr


def test_no_token_and_no_preview_are_refused(machine: Machine, github: GitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "is no preview" in comment(machine, "something else").stderr
    monkeypatch.delenv("GITHUB_TOKEN")
    assert "GITHUB_TOKEN" in comment(machine, f"{MARKER}\none").stderr
    assert github.asked == []


def test_a_github_that_does_not_answer_is_named(machine: Machine, github: GitHub, tmp_path: Path) -> None:
    file = tmp_path / "comment.md"
    file.write_text(MARKER)
    where = ("--repository", "acme/fleet", "--pull-request", "7", "--api", "http://127.0.0.1:1")
    result = machine.fleet("comment", *where, "--markdown", str(file))
    assert result.exit_code == 1
    assert "http://127.0.0.1:1/repos/acme/fleet/issues/7/comments" in result.stderr
