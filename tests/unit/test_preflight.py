"""Whether a Docker host will do: the judgement on made-up facts, the reading on a port where nobody listens."""

import hashlib
import json
from pathlib import Path

import pytest

from stacks.preflight import (
    HostFacts,
    context_problems,
    engine_address,
    host_problems,
    read_host_facts,
    ssh_problems,
)

from .stack_files import TIME, parse_text

GOOD = HostFacts(address="unix:///d.sock", cpus=2, memory_bytes=4 << 30, swarm_state="active", manager=True)

LAPTOP = "tcp://laptop:2375"


def said(facts: HostFacts, text: str = f"servers: {{time: '{TIME}'}}") -> list[str]:
    return [problem.message for problem in host_problems(parse_text(text), facts)]


def test_a_healthy_manager_will_do() -> None:
    assert said(GOOD) == []


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (HostFacts(address="tcp://h:1", unreachable="refused"), "Docker does not answer at tcp://h:1 (refused)"),
        (
            HostFacts(address="a", cpus=2, memory_bytes=4 << 30),
            "is in no Swarm (it is inactive); run `docker swarm init`",
        ),
        (
            HostFacts(address="a", cpus=2, memory_bytes=4 << 30, swarm_state="active"),
            "a worker of its Swarm, no manager",
        ),
        (
            HostFacts(
                address="a",
                cpus=2,
                memory_bytes=4 << 30,
                swarm_state="active",
                manager=True,
                without_quorum="the swarm does not have a leader",
            ),
            "no healthy manager (the swarm does not have a leader)",
        ),
    ],
)
def test_a_host_that_won_t_do_is_refused_with_one_reason(facts: HostFacts, expected: str) -> None:
    (message,) = said(facts)
    assert expected in message


def test_limits_over_the_host_are_refused_by_key() -> None:
    config = parse_text(f"servers: {{time: {{source: '{TIME}', cpu: 2.5, memory: 9000G}}}}")
    problems = list(host_problems(config, GOOD))
    assert [problem.path for problem in problems] == [("servers", "time", "cpu"), ("servers", "time", "memory")]
    assert problems[0].message == "2.5 CPUs are more than the host's 2; lower it"
    assert problems[1].message == "9000G is more than the host's 4G; lower it"


def test_limits_as_large_as_the_host_are_allowed() -> None:
    assert said(GOOD, f"servers: {{time: {{source: '{TIME}', cpu: 2, memory: 4G}}}}") == []


def test_an_engine_that_is_not_there_is_a_fact_and_no_exception() -> None:
    facts = read_host_facts("tcp://127.0.0.1:1")
    assert facts.unreachable is not None
    assert "refused" in facts.unreachable
    (message,) = said(facts)
    assert "tcp://127.0.0.1:1" in message
    assert "DOCKER_HOST" in message


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    """A shell whose user has a Docker context that is called laptop, and no config.json."""
    meta = tmp_path / ".docker/contexts/meta" / hashlib.sha256(b"laptop").hexdigest() / "meta.json"
    meta.parent.mkdir(parents=True)
    meta.write_text(json.dumps({"Name": "laptop", "Endpoints": {"docker": {"Host": LAPTOP}}}))
    return {"HOME": str(tmp_path)}


def test_the_engine_is_the_one_that_docker_would_use(shell: dict[str, str]) -> None:
    assert engine_address(shell | {"DOCKER_CONTEXT": "laptop"}) == LAPTOP
    assert engine_address(shell | {"DOCKER_CONTEXT": "laptop", "DOCKER_HOST": "unix:///d.sock"}) == "unix:///d.sock"


def test_a_context_that_leads_the_provider_elsewhere_is_refused(shell: dict[str, str]) -> None:
    def problems(**more: str) -> list[str]:
        return [problem.message for problem in context_problems(shell | more)]

    assert problems() == problems(DOCKER_CONTEXT="") == problems(DOCKER_CONTEXT="laptop") == []
    assert problems(DOCKER_CONTEXT="laptop", DOCKER_HOST=LAPTOP) == []
    (two,) = problems(DOCKER_CONTEXT="laptop", DOCKER_HOST="unix:///d.sock")
    assert f"'laptop', whose engine is {LAPTOP}, and DOCKER_HOST to unix:///d.sock; unset" in two
    (none,) = problems(DOCKER_CONTEXT="nowhere")
    assert "Docker has no such context; unset it" in none


def test_certificates_of_the_caller_do_not_reach_hosts_in_a_cloud(tmp_path: Path) -> None:
    (tmp_path / "ssh").touch(mode=0o755)
    (problem,) = ssh_problems({"PATH": str(tmp_path), "DOCKER_CERT_PATH": "/home/me/.docker"})
    assert "DOCKER_CERT_PATH is set to '/home/me/.docker'" in problem.message


def test_hosts_in_a_cloud_need_ssh_and_no_docker_context(tmp_path: Path) -> None:
    (tmp_path / "ssh").touch(mode=0o755)
    assert list(ssh_problems({"PATH": str(tmp_path)})) == []
    (context,) = ssh_problems({"PATH": str(tmp_path), "DOCKER_CONTEXT": "laptop"})
    assert "DOCKER_CONTEXT is set to 'laptop'" in context.message
    (missing,) = ssh_problems({"PATH": "/nowhere"})
    assert "install OpenSSH's client" in missing.message
