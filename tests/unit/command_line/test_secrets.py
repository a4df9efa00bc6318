"""`fleet secrets check`: what is said of each secret, and that its value never is."""

import json
import subprocess
from collections.abc import Iterator

import pytest
import yaml

from dev.esc import Esc, Organization

from .conftest import Machine

CANARY = "v1:canary-7f3e:ciphertext"
PLAIN = "canary-in-plain-text"
OLD, NEW = "2026-01-02T00:00:00+00:00", "2026-11-20T00:00:00+00:00"
STACK_FILE = f"""\
config:
  mcp-fleet:servers:
    slack: {{source: "npm:slack-mcp-server@1.2.3", secrets: [TOKEN, SIGNING_KEY]}}
    time: pypi:mcp-server-time@2026.8.0
  mcp-fleet:secrets:
    slack:
      TOKEN:
        secure: {CANARY}
      SIGNING_KEY: {{secure: {CANARY}}}
"""


def commit(machine: Machine, date: str) -> None:
    environ = {"GIT_COMMITTER_DATE": date, "GIT_CONFIG_GLOBAL": "/dev/null", "PATH": "/usr/bin:/bin"}
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    for arguments in (["init", "--quiet"], ["add", "."], [*identity, "commit", "--quiet", "--message", date]):
        subprocess.run(["git", *arguments], cwd=machine.project, env=environ, check=True)


def states(machine: Machine, *options: str) -> dict[tuple[str, str], str]:
    result = machine.fleet("secrets", "check", "--json", *options)
    found = json.loads(result.stdout)
    assert result.exit_code == (0 if all(secret["state"] == "present" for secret in found) else 1)
    return {(secret["server"], secret["variable"]): secret["state"] for secret in found}


def test_what_is_set_is_present(machine: Machine) -> None:
    machine.stack_file.write_text(STACK_FILE)
    assert states(machine) == {("slack", "SIGNING_KEY"): "present", ("slack", "TOKEN"): "present"}
    assert machine.fleet("secrets", "check").exit_code == 0


def test_a_missing_one_is_told_with_the_command_that_sets_it(machine: Machine) -> None:
    machine.stack_file.write_text(STACK_FILE.replace("[TOKEN, SIGNING_KEY]", "[TOKEN, SIGNING_KEY, APP_ID]"))
    assert states(machine)["slack", "APP_ID"] == "missing"
    result = machine.fleet("secrets", "check")
    assert result.exit_code == 1
    assert "pulumi config set --secret --path 'mcp-fleet:secrets.slack.APP_ID' -s dev" in result.stdout


@pytest.mark.parametrize(
    ("before", "after"), [("slack: {source", "slakc: {source"), ("[TOKEN, SIGNING_KEY]", "[SIGNING_KEY]")]
)
def test_one_that_no_server_names_is_unused(machine: Machine, before: str, after: str) -> None:
    machine.stack_file.write_text(STACK_FILE.replace(before, after))
    assert states(machine)["slack", "TOKEN"] == "unused"
    assert "pulumi config rm --path 'mcp-fleet:secrets.slack.TOKEN'" in machine.fleet("secrets", "check").stdout


def test_one_whose_line_is_old_by_git_is_stale(machine: Machine) -> None:
    machine.stack_file.write_text(STACK_FILE)
    commit(machine, OLD)
    machine.stack_file.write_text(STACK_FILE.replace(f"secure: {CANARY}\n", "secure: v1:rotated:x\n"))
    commit(machine, NEW)
    assert states(machine) == {("slack", "SIGNING_KEY"): "stale", ("slack", "TOKEN"): "present"}
    assert "2026-01-02" in machine.fleet("secrets", "check").stdout
    assert set(states(machine, "--stale-after", "36500").values()) == {"present"}


def test_a_value_that_is_not_committed_yet_is_fresh(machine: Machine) -> None:
    machine.stack_file.write_text(STACK_FILE)
    commit(machine, OLD)
    machine.stack_file.write_text(STACK_FILE.replace(CANARY, "v1:rotated:x"))
    assert set(states(machine).values()) == {"present"}


def test_a_shallow_clone_knows_no_age(machine: Machine) -> None:
    machine.stack_file.write_text(STACK_FILE)
    commit(machine, OLD)
    (machine.project / "README.md").write_text("more")
    commit(machine, NEW)
    clone = machine.project.parent / "clone"
    subprocess.run(["git", "clone", "--quiet", "--depth=1", f"file://{machine.project}", str(clone)], check=True)
    result = machine.fleet("-C", str(clone), "secrets", "check", "--json")
    assert {secret["changed"] for secret in json.loads(result.stdout)} == {None}


def test_no_value_is_printed_or_decrypted(machine: Machine) -> None:
    machine.stack_file.write_text(STACK_FILE)
    commit(machine, OLD)
    for options in ([], ["--json"], ["--stale-after", "1"]):
        result = machine.fleet("secrets", "check", *options)
        assert "TOKEN" in result.stdout
        assert "canary" not in result.stdout + result.stderr
    assert machine.called("pulumi") == []


@pytest.mark.parametrize(
    "line", [f"      TOKEN: {PLAIN}\n", f"      TOKEN: {{secure: {PLAIN}, {PLAIN}: 1}}\n", f"      TOKEN: [{PLAIN}]\n"]
)
def test_a_value_in_plain_text_is_refused_and_not_repeated(machine: Machine, line: str) -> None:
    machine.stack_file.write_text(STACK_FILE.replace(f"      TOKEN:\n        secure: {CANARY}\n", line))
    result = machine.fleet("secrets", "check")
    assert result.exit_code == 1
    assert "plain text" in result.stderr
    assert PLAIN not in result.stdout + result.stderr


def test_a_stack_without_secrets_is_in_order(machine: Machine) -> None:
    result = machine.fleet("secrets", "check")
    assert result.exit_code == 0
    assert "no server of this stack has secrets" in result.stderr


# In Pulumi ESC

TOKEN = "pul-canary-of-esc"
OPENED = {"slack": {"TOKEN": {"fn::secret": "canary-in-esc"}}, "gone": {"KEY": {"fn::secret": "canary-in-esc"}}}
WITHOUT_SECRETS = STACK_FILE[: STACK_FILE.index("  mcp-fleet:secrets")]


@pytest.fixture
def esc(monkeypatch: pytest.MonkeyPatch) -> Iterator[Esc]:
    """An environment, written long ago, that holds one of the two secrets that the stack needs."""
    monkeypatch.setenv("PULUMI_ACCESS_TOKEN", TOKEN)
    with Esc(Organization("acme"), TOKEN).serving() as esc:
        definition = yaml.safe_dump({"values": {"pulumiConfig": {"mcp-fleet:secrets": OPENED}}})
        esc.organization.write("fleet/prod", definition, created=OLD)
        yield esc


def opened_by_the_program(machine: Machine, esc: Esc) -> None:
    key = {"organization": "acme", "project": "fleet", "environment": "prod", "api": esc.url}
    machine.stack_file.write_text(f"{WITHOUT_SECRETS}  mcp-fleet:esc: {json.dumps(key)}\n")


def opened_by_pulumi(machine: Machine, esc: Esc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_ORGANIZATION", "acme")
    monkeypatch.setenv("MCP_FLEET_BACKEND_URL", esc.url)
    machine.stack_file.write_text(f"environment: [fleet/prod]\n{WITHOUT_SECRETS}")


@pytest.mark.parametrize("by", ["the program", "Pulumi"])
def test_what_an_environment_holds_is_listed_with_its_names_alone(
    machine: Machine, esc: Esc, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if by == "Pulumi":
        opened_by_pulumi(machine, esc, monkeypatch)
    else:
        opened_by_the_program(machine, esc)
    assert states(machine, "--stale-after", "36500") == {
        ("gone", "KEY"): "unused",
        ("slack", "SIGNING_KEY"): "missing",
        ("slack", "TOKEN"): "present",
    }
    assert states(machine)["slack", "TOKEN"] == "stale"
    result = machine.fleet("secrets", "check")
    assert "canary" not in result.stdout + result.stderr
    for advice in (
        "make a new one where it comes from, then set it in acme/fleet/prod",
        "remove it from acme/fleet/prod",
        "set it in acme/fleet/prod, or pulumi config set --secret --path 'mcp-fleet:secrets.slack.SIGNING_KEY' -s dev",
    ):
        assert advice in " ".join(result.stdout.split())


def test_an_esc_that_refuses_is_an_error_and_nothing_counts_as_missing(machine: Machine, esc: Esc) -> None:
    opened_by_the_program(machine, esc)
    esc.may_open = False
    result = machine.fleet("secrets", "check")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "may not open ESC's environment acme/fleet/prod" in result.stderr


def test_without_an_organization_pulumi_s_environments_can_t_be_found(machine: Machine, esc: Esc) -> None:
    machine.stack_file.write_text(f"environment: [fleet/prod]\n{WITHOUT_SECRETS}")
    assert "PULUMI_ORGANIZATION is not set" in machine.fleet("secrets", "check").stderr
    assert esc.asked == []


def test_a_server_is_added_without_asking_esc(machine: Machine, esc: Esc) -> None:
    opened_by_the_program(machine, esc)
    assert machine.fleet("add", "pypi:mcp-server-git").exit_code == 0
    assert esc.asked == []
