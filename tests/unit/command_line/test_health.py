"""`fleet status` and `fleet why` on answers of the Docker API, in the form that Docker 20.10 gives them."""

import gc
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from docker.errors import NotFound

import components.image_layout
from dev import lifecycle
from fleet import status, tool_differences, why
from fleet.errors import FleetError
from fleet.outputs import Outputs
from fleet.stack_commands import tell
from fleet.swarm import Health

from .conftest import Machine

STACK = "dev"
Raw = dict[str, Any]


@dataclass
class Engine:
    """A Docker API with these services; it answers as the real one does."""

    base_url: str = "http+docker://localhost"
    raw_services: list[Raw] = field(default_factory=list)
    raw_tasks: list[Raw] = field(default_factory=list)
    logs: dict[str, list[str]] = field(default_factory=dict)
    checks: dict[str, str] = field(default_factory=dict)
    health: dict[str, Raw] = field(default_factory=dict)

    def add(
        self,
        name: str,
        *tasks: Raw,
        replicas: int = 1,
        kind: str = "server",
        update: str | None = None,
        memory: int = 0,
        env: Sequence[str] = (),
    ) -> None:
        labels = {"mcp-fleet.stack": STACK, "mcp-fleet.kind": kind, "mcp-fleet.name": name}
        limits = {"MemoryBytes": memory} if memory else {}
        self.raw_services.append(
            {
                "ID": f"service-{name}",
                "Spec": {
                    "Name": f"{STACK}-{name}",
                    "Labels": labels,
                    "TaskTemplate": {"ContainerSpec": {"Env": list(env)}, "Resources": {"Limits": limits}},
                    "Mode": {"Replicated": {"Replicas": replicas}},
                },
                **({"UpdateStatus": {"State": update, "Message": "told by Swarm"}} if update else {}),
            }
        )
        self.raw_tasks += [{**task, "ServiceID": f"service-{name}", "ID": f"{name}{task['ID']}"} for task in tasks]

    def services(self, filters: Mapping[str, Any]) -> list[Raw]:
        assert filters == {"label": f"mcp-fleet.stack={STACK}"}
        return self.raw_services

    def tasks(self, filters: Mapping[str, Any]) -> list[Raw]:
        return [task for task in self.raw_tasks if task["ServiceID"] in filters["service"]]

    def service_logs(self, service: str, **_: object) -> Iterator[bytes]:
        for task, lines in self.logs.items():
            for second, line in enumerate(lines):
                ids = (
                    f"com.docker.swarm.node.id=n,com.docker.swarm.service.id={service},com.docker.swarm.task.id={task}"
                )
                yield f"2026-11-21T10:00:{second:02d}.5Z {ids} {line}\n".encode()

    def inspect_container(self, container: str) -> Raw:
        if container not in self.checks:
            raise NotFound("No such container")
        return {"State": {"Health": {"Log": [{"ExitCode": 1, "Output": self.checks[container]}]}}}

    def exec_create(self, container: str, cmd: Sequence[str]) -> Raw:
        assert cmd[0] == "bash"
        return {"Id": container}

    def exec_start(self, exec_id: str) -> bytes:
        if exec_id not in self.health:
            raise NotFound("No such container")
        return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n" + json.dumps(self.health[exec_id]).encode()


def task(
    number: int, state: str, *, wanted: str | None = None, error: str | None = None, exit_code: int = 0, slot: int = 1
) -> Raw:
    """A task as `GET /tasks` tells it; a higher number is a later one."""
    container = {} if state in ("rejected", "pending") else {"ContainerID": f"container{number}", "ExitCode": exit_code}
    return {
        "ID": str(number),
        "CreatedAt": f"2026-11-21T10:00:{number:02d}.1Z",
        "Slot": slot,
        "DesiredState": wanted
        or ("running" if state in ("running", "starting", "preparing", "pending") else "shutdown"),
        "Status": {"State": state, "ContainerStatus": container, **({"Err": error} if error else {})},
    }


def outputs(*servers: str) -> Outputs:
    return Outputs(
        stack=STACK, gateway="http://localhost:1", urls={name: f"http://localhost:1/{name}/mcp" for name in servers}
    )


@pytest.mark.parametrize(
    ("tasks", "replicas", "health"),
    [
        ([task(1, "running")], 1, Health.HEALTHY),
        ([task(1, "running"), task(2, "starting", slot=2)], 2, Health.STARTING),
        ([task(1, "starting")], 1, Health.STARTING),
        ([], 1, Health.STARTING),
        ([task(1, "failed"), task(2, "starting")], 1, Health.UNHEALTHY),
        ([task(1, "failed"), task(2, "running")], 1, Health.HEALTHY),
        ([task(1, "rejected", error="No such image")], 1, Health.UNHEALTHY),
        ([task(1, "pending", error="no suitable node")], 1, Health.UNHEALTHY),
        ([task(1, "pending")], 1, Health.STARTING),
        ([task(1, "running"), task(2, "failed", slot=2), task(3, "starting", slot=2)], 2, Health.UNHEALTHY),
        ([task(1, "running", wanted="shutdown"), task(2, "starting")], 1, Health.STARTING),
        ([task(1, "running"), task(2, "starting")], 1, Health.HEALTHY),
    ],
    ids=[
        "runs",
        "one of two",
        "first start",
        "nothing yet",
        "starts again after a failure",
        "runs after a failure",
        "no image",
        "no room",
        "waits for its turn",
        "one of two fails",
        "the old one stops first",
        "the new one starts first",
    ],
)
def test_health_follows_from_the_tasks(tasks: list[Raw], replicas: int, health: Health) -> None:
    engine = Engine()
    engine.add("time", *tasks, replicas=replicas)
    (server,) = status.observe(engine, outputs("time")).servers
    assert server.health is health
    assert server.replicas == f"{sum(item['Status']['State'] == item['DesiredState'] for item in tasks)}/{replicas}"


def test_status_tells_servers_from_components_and_misses_what_is_gone(capsys: pytest.CaptureFixture[str]) -> None:
    engine = Engine()
    engine.add("time", task(1, "running"), update="rollback_completed")
    engine.add("consul", task(1, "running"), kind="component")
    found = status.observe(engine, outputs("time", "gone"))
    assert json.loads(json.dumps(found.to_json())) == {
        "stack": "dev",
        "gateway": "http://localhost:1",
        "servers": {
            "gone": {
                "health": "missing",
                "url": "http://localhost:1/gone/mcp",
                "replicas": "0/1",
                "note": "Docker has no service of it",
            },
            "time": {
                "health": "healthy",
                "url": "http://localhost:1/time/mcp",
                "replicas": "1/1",
                "note": "the last update never became healthy and was rolled back",
            },
        },
        "components": {"consul": {"health": "healthy", "url": None, "replicas": "1/1", "note": None}},
    }
    assert not found.healthy
    status.show(found)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["SERVER", "HEALTH", "REPLICAS", "URL", "NOTE"]
    assert [line.split()[0] for line in lines[1:]] == ["gone", "time", "consul"]
    assert all(line == line.rstrip() for line in lines)


def explain(engine: Engine, name: str, *, configured: Sequence[str] = ()) -> why.Diagnosis:
    return why.diagnose(engine, outputs("time"), name, configured=configured)


def test_why_tells_the_servers_own_reason_first(capsys: pytest.CaptureFixture[str]) -> None:
    engine = Engine()
    error = "task: non-zero exit (3)"
    engine.add(
        "time",
        task(1, "failed", error=error, exit_code=3),
        task(2, "failed", error=error, exit_code=3),
        task(3, "starting"),
    )
    engine.logs = {
        "time1": ['{"event": "child_failed", "reason": "an older reason"}'],
        "time2": [
            '{"event": "child", "stream": "child", "line": "ModuleNotFoundError: foo"}',
            '{"event": "child_failed", "reason": "the server exited with 3 at start", "level": "error"}',
        ],
    }
    found = explain(engine, "time")
    assert found.reason == "the server exited with 3 at start"
    assert [(failure.attempts, failure.exit_code) for failure in found.failures] == [(2, 3)]
    assert found.log[0] == "ModuleNotFoundError: foo"
    tell(found)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "time is unhealthy: 0 of 1 replicas serve; the last attempt failed: task: non-zero exit (3)"
    assert printed[1] == "reason: the server exited with 3 at start"
    assert printed[-1].startswith("next: ")
    assert "mcp-fleet:servers.time in Pulumi.dev.yaml" in printed[-1]


@pytest.mark.parametrize(
    ("tasks", "advice"),
    [
        ([task(1, "pending", error="no suitable node (insufficient resources on 1 node)")], "lower `cpu` or `memory`"),
        ([task(1, "rejected", error="No such image: x")], "pulumi refresh"),
        ([task(1, "failed", error="task: non-zero exit (137)", exit_code=137)], "more than its 64M"),
        ([task(1, "failed", error="dockerexec: unhealthy container", exit_code=143)], "start-seconds"),
        (
            [task(1, "failed", error="starting container failed: OCI runtime create failed", exit_code=128)],
            "fleet doctor",
        ),
        ([task(1, "complete", wanted="shutdown")], "its health check never passed"),
        ([task(1, "failed", error="task: non-zero exit (2)", exit_code=2)], "mend the cause"),
        ([task(1, "starting")], "wait a moment"),
    ],
)
def test_each_cause_has_its_own_advice(tasks: list[Raw], advice: str) -> None:
    engine = Engine()
    engine.add("time", *tasks, memory=64 << 20)
    found = explain(engine, "time")
    assert found.health is not Health.HEALTHY
    assert advice in found.advice[0]


def test_a_rollback_is_healthy_and_explained_by_the_version_that_failed() -> None:
    engine = Engine()
    engine.add("time", task(1, "failed", error="exit 4", exit_code=4), task(2, "running"), update="rollback_completed")
    engine.logs = {"time1": ["v2 breaks"], "time2": ["v1 serves"]}
    engine.checks = {"container1": "no answer on port 8080"}
    found = explain(engine, "time")
    assert found.health is Health.HEALTHY
    assert found.update == "the last update never became healthy and was rolled back (told by Swarm)"
    assert found.log == ("v2 breaks",)
    assert found.check == "no answer on port 8080"
    assert "the version before serves" in found.advice[0]


def test_a_healthy_server_shows_what_it_does_now() -> None:
    engine = Engine()
    engine.add("time", task(1, "failed"), task(2, "running"))
    engine.logs = {"time1": ["long ago"], "time2": ["serving"]}
    found = explain(engine, "time")
    assert found.log == ("serving",)
    assert found.reason is None
    assert found.advice == ()


def test_tools_that_nobody_reviewed_are_told_of_by_status_and_why() -> None:
    engine = Engine()
    two = (task(1, "running"), task(2, "running", slot=2), task(3, "running", slot=3))
    engine.add("time", *two, replicas=3, env=["MCP_BRIDGE_REVIEWED_TOOLS=/etc/mcp-fleet/reviewed-tools.json"])
    engine.health = {
        "container1": {"tools": {"reviewed": True, "differences": {}}},
        "container2": {"tools": {"reviewed": False, "differences": {"echo": "changed", "mail": "new"}}},
    }
    [server] = status.observe(engine, outputs("time")).servers
    assert (server.health, server.note) == (Health.HEALTHY, "tools that nobody reviewed: echo (changed), mail (new)")
    diagnosis = explain(engine, "time")
    assert diagnosis.tools == {"echo": "changed", "mail": "new"}
    assert "fleet tools lock time" in diagnosis.advice[-1]
    assert tool_differences.PORT == components.image_layout.PORT


def test_a_server_without_a_service_is_missing_and_another_name_unknown() -> None:
    engine = Engine()
    engine.add("consul", task(1, "running"), kind="component")
    assert "pulumi up --refresh" in explain(engine, "time").advice[0]
    assert explain(engine, "new", configured=["new"]).health is Health.MISSING
    with pytest.raises(FleetError) as unknown:
        explain(engine, "konsul")
    assert unknown.value.hint == "did you mean 'consul'?"


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_docker_that_does_not_answer_is_said_with_its_address(machine: Machine) -> None:
    machine.pulumi({"urls": {"time": "http://localhost:1/time/mcp"}})
    for command in (["status"], ["why", "time"]):
        result = machine.fleet(*command)
        assert result.exit_code == 1
        assert f"Docker does not answer at unix://{machine.programs.parent}/run/docker.sock" in result.stderr
        assert "fleet engine" in result.stderr
        # docker-py leaves a socket that could not connect to the garbage collector: let that be now.
        del result
        gc.collect()


IN_A_CLOUD = "config:\n  mcp-fleet:hosts: {aws: {}}\n"


@pytest.mark.parametrize("command", [("status",), ("why", "time")])
def test_a_stack_in_a_cloud_is_asked_of_its_managers_one_after_the_other(
    machine: Machine, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    ssh = machine.programs / "ssh"
    ssh.write_text("#!/bin/sh\necho 'Connection refused' >&2\nexit 255\n")
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", str(machine.programs), prepend=os.pathsep)
    machine.stack_file.write_text(machine.stack_file.read_text().replace("config:\n", IN_A_CLOUD))
    hosts = [{"address": name, "user": "fleet", "host_key": "ssh-ed25519 AAAA"} for name in ("first", "second")]
    machine.pulumi({"managers": {"hosts": hosts, "private_key": "canary-of-the-key"}})
    result = machine.fleet(*command)
    assert result.exit_code == 1
    assert "error: no manager answers:" in result.stderr
    for host in hosts:
        assert f"fleet@{host['address']}:22: no answer by SSH" in result.stderr
    assert "`pulumi up --refresh` replaces lost machines" in result.stderr
    assert "canary" not in result.output


def test_a_stack_in_a_cloud_that_was_never_brought_up_has_nobody_to_ask(machine: Machine) -> None:
    machine.stack_file.write_text(machine.stack_file.read_text().replace("config:\n", IN_A_CLOUD))
    machine.pulumi({})
    result = machine.fleet("status")
    assert "error: stack 'dev' has no managers that could be asked" in result.stderr


def test_up_of_a_stack_on_machines_of_a_cloud_ends_with_its_urls(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = machine.stack_file.read_text()
    machine.stack_file.write_text(text.replace("config:\n", "config:\n  mcp-fleet:hosts: {aws: {}}\n"))
    machine.pulumi({"urls": {"time": "https://mcp.example.com/time/mcp"}})
    brought_up: list[tuple[str, Path]] = []
    monkeypatch.setattr(lifecycle, "up", lambda *arguments: brought_up.append(arguments))
    result = machine.fleet("up")
    assert result.exit_code == 0, result.stderr
    assert brought_up == [("dev", machine.project)]
    assert "https://mcp.example.com/time/mcp" in result.stdout
