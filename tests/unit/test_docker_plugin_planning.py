"""What is replaced, what is kept and what is no change at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.plugins.checking import check
from dev.plugins.docker.provider import DockerProvider
from dev.plugins.planning import State, changes, in_order_of, known, plan, refreshed_inputs, with_ignored
from dev.plugins.values import UNKNOWN

SERVICE = DockerProvider.blocks["docker:index/service:Service"]
NETWORK = DockerProvider.blocks["docker:index/network:Network"]


def service(container: State | None = None, task: State | None = None, **others: object) -> State:
    spec = {"containerSpec": {"image": "redis", **(container or {})}, **(task or {})}
    return {"name": "cache", "taskSpec": spec, **others}


def changed(before: State, after: State) -> dict[str, bool]:
    """The changed paths, each with whether it replaces, when the program's inputs change so."""
    state = known(plan(SERVICE, before, None))
    return {change.path: change.replaces for change in changes(SERVICE, state, plan(SERVICE, after, state))}


def test_a_value_that_was_not_given_is_its_default() -> None:
    planned = plan(SERVICE, service(updateConfig={"monitor": "1s"}), None)
    assert planned["updateConfig"] == {
        "parallelism": 1,
        "delay": "0s",
        "failureAction": "pause",
        "monitor": "1s",
        "maxFailureRatio": "0.0",
        "order": "stop-first",
    }


def test_a_computed_value_is_unknown_first_and_kept_later() -> None:
    assert plan(NETWORK, {"name": "n"}, None)["driver"] is UNKNOWN
    assert plan(NETWORK, {"name": "n"}, {"name": "n", "driver": "overlay"})["driver"] == "overlay"


@pytest.mark.parametrize(
    ("before", "after", "replaces"),
    [
        (service(), service({"args": ["-v"]}), False),
        (service({"labels": [{"label": "a", "value": "1"}]}), service(), True),
        (
            service({"labels": [{"label": "a", "value": "1"}]}),
            service({"labels": [{"label": "a", "value": "2"}]}),
            True,
        ),
        (service(labels=[{"label": "a", "value": "1"}]), service(labels=[{"label": "a", "value": "2"}]), False),
        (service(task={"networksAdvanceds": [{"id": "n"}]}), service(task={"networksAdvanceds": [{"id": "m"}]}), True),
        (service(task={"networksAdvanceds": [{"id": "n"}]}), service(task={"networksAdvanceds": []}), True),
        (
            service(task={"networksAdvanceds": [{"id": "n"}]}),
            service(task={"networksAdvanceds": [{"id": UNKNOWN}]}),
            True,
        ),
        (service(), {**service(), "taskSpec": UNKNOWN}, False),
        (service(mode={"replicated": {"replicas": 1}}), service(mode={"replicated": {"replicas": 2}}), False),
        (service(mode={"replicated": {"replicas": 1}}), service(mode={"global": True}), True),
        (service(), {**service(), "name": "other"}, True),
        (service(), service(auth={"serverAddress": "r", "password": "p"}), True),
    ],
    ids=[
        "arguments",
        "a container label gone",
        "a container label changed",
        "a service label changed",
        "another network",
        "no network",
        "a network that is not known yet",
        "anything, not known yet",
        "replicas",
        "mode",
        "name",
        "auth",
    ],
)
def test_what_replaces_a_service(before: State, after: State, replaces: bool) -> None:
    found = changed(before, after)
    assert found, "it is a change"
    assert any(found.values()) is replaces


@pytest.mark.parametrize(
    "after",
    [
        service({"readOnly": False, "hostname": "", "env": {}, "mounts": []}),
        service({"mounts": []}, labels=[]),
        service(mode={"replicated": {"replicas": 1}}, updateConfig={"maxFailureRatio": "0"}),
    ],
)
def test_zero_and_empty_equal_not_given(after: State) -> None:
    before = (
        service(mode={"replicated": {}}, updateConfig={"maxFailureRatio": "0.00"}) if "mode" in after else service()
    )
    assert changed(before, after) == {}


def test_durations_are_compared_as_text() -> None:
    assert changed(service({"stopGracePeriod": "1m"}), service({"stopGracePeriod": "60s"}))


@given(st.permutations(["a", "b", "c", "d"]), st.permutations(["a", "b", "c", "d"]))
def test_the_order_of_a_set_is_no_change(one: list[str], other: list[str]) -> None:
    def with_secrets(names: list[str]) -> State:
        return service({"secrets": [{"secretId": name, "fileName": f"/run/{name}"} for name in names]})

    assert changed(with_secrets(one), with_secrets(other)) == {}
    reported = known(plan(SERVICE, with_secrets(other), None))
    ordered = in_order_of(SERVICE, reported, plan(SERVICE, with_secrets(one), None))
    assert [entry["secretId"] for entry in ordered["taskSpec"]["containerSpec"]["secrets"]] == one


def test_the_order_of_a_list_is_a_change() -> None:
    found = changed(service({"args": ["a", "b"]}), service({"args": ["b", "a"]}))
    assert set(found) == {"taskSpec.containerSpec.args[0]", "taskSpec.containerSpec.args[1]"}


def test_refreshed_inputs_stay_as_given_until_they_differ() -> None:
    inputs = service({"stopGracePeriod": "10s", "env": {"A": "1"}}, task={"placement": {"constraints": ["x"]}})
    reported = known(plan(SERVICE, inputs, None))
    assert refreshed_inputs(SERVICE, inputs, reported) == inputs

    reported["taskSpec"]["containerSpec"]["env"] = {"A": "2"}
    refreshed = refreshed_inputs(SERVICE, inputs, reported)
    assert refreshed["taskSpec"]["containerSpec"] == {"image": "redis", "stopGracePeriod": "10s", "env": {"A": "2"}}


def test_an_ignored_change_keeps_what_is_reported() -> None:
    state = known(
        plan(SERVICE, service(task={"placement": {"platforms": [{"architecture": "amd64", "os": "linux"}]}}), None)
    )
    planned = plan(SERVICE, service(task={"placement": {"constraints": ["x"]}}), state)
    kept = with_ignored(planned, state, ["taskSpec.placement.platforms"])
    assert {change.path for change in changes(SERVICE, state, kept)} == {"taskSpec.placement.constraints"}


@pytest.mark.parametrize(
    ("inputs", "path", "words"),
    [
        (service({"imgae": "x"}), "taskSpec.containerSpec.imgae", "did you mean 'image'?"),
        ({"name": "x"}, "taskSpec", "is required"),
        (service({"stopGracePeriod": "10"}), "taskSpec.containerSpec.stopGracePeriod", "not a duration"),
        (service({"env": {"A": 1}}), "taskSpec.containerSpec.env['A']", "must be a string"),
        (service(updateConfig={"order": "first"}), "updateConfig.order", "none of stop-first, start-first"),
        (service(mode={"global": True}, convergeConfig={}), "", "convergeConfig conflicts with mode.global"),
        (service(mode={"global": True, "replicated": {}}), "mode", "conflicts with replicated"),
    ],
)
def test_bad_input_is_named(inputs: State, path: str, words: str) -> None:
    [failure] = check(SERVICE, inputs)
    assert failure.path == path
    assert words in failure.reason


def test_a_secret_is_never_part_of_its_own_error() -> None:
    inputs = {"name": "s", "data": "not_base64_-"}
    [failure] = check(DockerProvider.blocks["docker:index/secret:Secret"], inputs)
    assert inputs["data"] not in failure.reason
