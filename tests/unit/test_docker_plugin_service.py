"""What is sent for a Service, what is read back, and when it counts as converged."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.plugins.docker import durations
from dev.plugins.docker.convergence import tasks_by_slot
from dev.plugins.docker.image_digest import with_digest_and_platforms
from dev.plugins.docker.provider import DockerProvider
from dev.plugins.docker.service_spec import service_spec
from dev.plugins.docker.service_state import service_state
from dev.plugins.planning import State, changes, known, plan

SERVICE = DockerProvider.blocks["docker:index/service:Service"]
SECOND = 1_000_000_000
FULL: State = {
    "name": "cache",
    "labels": [{"label": "a", "value": "1"}],
    "taskSpec": {
        "containerSpec": {
            "image": "redis@sha256:0",
            "commands": ["redis-server"],
            "args": ["--save", ""],
            "env": {"TZ": "UTC", "EQUALS": "a=b"},
            "user": "1000",
            "readOnly": True,
            "capDrops": ["ALL"],
            "init": True,
            "stopGracePeriod": "10s",
            "healthcheck": {"tests": ["CMD", "true"], "interval": "2s", "timeout": "500ms", "retries": 3},
            "labels": [{"label": "c", "value": "2"}],
            "hosts": [{"ip": "10.0.0.1", "host": "db"}],
            "dnsConfig": {"nameservers": ["10.0.0.2"], "searches": ["example"]},
            "secrets": [{"secretId": "s", "secretName": "secret", "fileName": "/s", "fileMode": 0o400}],
            "configs": [{"configId": "c", "configName": "config", "fileName": "/c"}],
            "mounts": [
                {"type": "tmpfs", "target": "/tmp", "tmpfsOptions": {"sizeBytes": 1024, "mode": 0o777}},
                {"type": "volume", "target": "/data", "source": "v", "volumeOptions": {"noCopy": True}},
                {"type": "bind", "target": "/b", "source": "/b", "bindOptions": {}},
            ],
            "sysctl": {"net.core.somaxconn": "1024"},
            "privileges": {"seLinuxContext": {"disable": True}},
        },
        "resources": {
            "limits": {"memoryBytes": 1024, "nanoCpus": 5},
            "reservation": {
                "memoryBytes": 512,
                "genericResources": {"namedResourcesSpecs": ["GPU=1"], "discreteResourcesSpecs": ["SSD=3"]},
            },
        },
        "restartPolicy": {"condition": "any", "delay": "1s", "maxAttempts": 3, "window": "1m"},
        "placement": {"constraints": ["node.role==manager"], "prefs": ["spread=node.id"], "maxReplicas": 1},
        "forceUpdate": 2,
        "runtime": "container",
        "networksAdvanceds": [{"id": "n", "aliases": ["cache"], "driverOpts": ["a=b"]}],
        "logDriver": {"name": "json-file", "options": {"max-size": "1m"}},
    },
    "mode": {"replicated": {"replicas": 2}},
    "updateConfig": {"failureAction": "rollback", "maxFailureRatio": "0.2"},
    "rollbackConfig": {},
    "endpointSpec": {"mode": "dnsrr", "ports": [{"targetPort": 80, "publishedPort": 8080, "publishMode": "host"}]},
}


STICKY = {"type": "tmpfs", "target": "/t", "tmpfsOptions": {"mode": 0o1777}}


def spec_of(**changed: Any) -> dict[str, Any]:
    inputs: State = {"name": "cache", "taskSpec": {"containerSpec": {"image": "redis"}}, **changed}
    return service_spec(known(plan(SERVICE, inputs, None)))


def test_what_is_sent_is_read_back_as_it_was_given() -> None:
    planned = known(plan(SERVICE, FULL, None))
    state = service_state({"ID": "1", "Spec": service_spec(planned)})
    assert state is not None
    assert [*changes(SERVICE, state, planned)] == []


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        ({"networksAdvanceds": [{"name": "by-name"}]}, "taskSpec.networksAdvanceds[0]"),
        ({"containerSpec": {"image": "i", "mounts": [STICKY]}}, "taskSpec.containerSpec.mounts[0]"),
    ],
    ids=["the name of a network", "the sticky bit of a tmpfs"],
)
def test_what_is_lost_on_the_way(change: State, lost: str) -> None:
    inputs = {**FULL, "taskSpec": {**FULL["taskSpec"], **change}}
    planned = known(plan(SERVICE, inputs, None))
    state = service_state({"ID": "1", "Spec": service_spec(planned)})
    assert state is not None
    assert lost in {difference.path for difference in changes(SERVICE, state, planned)}


def test_what_is_not_given_is_sent_as_zero() -> None:
    container = spec_of()["TaskTemplate"]["ContainerSpec"]
    assert container["StopGracePeriod"] == 0
    assert container["Init"] is False
    task = {"containerSpec": {"image": "redis"}, "restartPolicy": {"condition": "any"}}
    assert spec_of(taskSpec=task)["TaskTemplate"]["RestartPolicy"] == {
        "Condition": "any",
        "Delay": 0,
        "MaxAttempts": 0,
        "Window": 0,
    }


def test_a_service_reports_nothing_before_it_knows_how_it_is_reached() -> None:
    assert service_state({"ID": "1", "Spec": {**spec_of(), "EndpointSpec": {}}, "Endpoint": {"Spec": {}}}) is None


class Registry:
    """An engine that answers what a registry says of an image."""

    def inspect(self, path: str, registry_auth: str) -> Any:
        platforms = [{"architecture": "amd64", "os": "linux"}, {"architecture": "arm64", "os": "linux"}]
        return {"Descriptor": {"digest": "sha256:1"}, "Platforms": platforms}


def test_a_new_service_is_pinned_and_told_the_platforms_of_its_image() -> None:
    spec = with_digest_and_platforms(Registry(), spec_of(), "e30=")  # type: ignore[arg-type]
    assert spec["TaskTemplate"]["ContainerSpec"]["Image"] == "redis@sha256:1"
    assert [platform["Architecture"] for platform in spec["TaskTemplate"]["Placement"]["Platforms"]] == [
        "amd64",
        "arm64",
    ]


def task(slot: int, desired: str, state: str, node: str = "here") -> dict[str, Any]:
    return {"Slot": slot, "DesiredState": desired, "Status": {"State": state}, "NodeID": node}


@pytest.mark.parametrize(
    ("tasks", "state"),
    [
        ([task(1, "shutdown", "failed"), task(1, "running", "starting")], "starting"),
        ([task(1, "running", "running"), task(1, "running", "starting")], "starting"),
        ([task(1, "running", "running", node="gone"), task(1, "running", "failed")], "failed"),
    ],
    ids=["the one that is to run", "the one that is behind", "only nodes that are up"],
)
def test_one_task_stands_for_a_slot(tasks: list[dict[str, Any]], state: str) -> None:
    [found] = tasks_by_slot(tasks, {"here"}).values()
    assert found["Status"]["State"] == state


@given(st.integers(min_value=0, max_value=10**15))
def test_a_duration_reads_back_as_it_was_written(length: int) -> None:
    assert durations.nanoseconds(durations.duration(length)) == length


@pytest.mark.parametrize(
    ("text", "length", "canonical"),
    [
        ("60s", 60 * SECOND, "1m"),
        ("1h0m0s", 3600 * SECOND, "1h"),
        ("1h5s", 3605 * SECOND, "1h0m5s"),
        ("1.5s", SECOND * 3 // 2, "1.5s"),
        ("500ms", SECOND // 2, "500ms"),
        ("0", 0, "0s"),
    ],
)
def test_durations_are_those_of_go(text: str, length: int, canonical: str) -> None:
    assert durations.nanoseconds(text) == length
    assert durations.duration(length) == canonical


@pytest.mark.parametrize("text", ["10", "ten seconds", "10 s", "-1s", "1d"])
def test_what_is_no_duration(text: str) -> None:
    assert durations.problem(text)
