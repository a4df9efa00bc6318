import json

from stacks.last_words import ContainerEnd, explanation

INPUTS = {
    "name": "dev-time",
    "labels": [{"label": "mcp-fleet.kind", "value": "server"}, {"label": "mcp-fleet.name", "value": "time"}],
}


def end(*lines: str, exit_code: str | None = "1") -> ContainerEnd:
    return ContainerEnd(container="c", exit_code=exit_code, lines=lines)


def test_the_bridge_s_own_reason_comes_first() -> None:
    log = (
        json.dumps({"event": "child_stderr", "stream": "child", "line": "no such warehouse"}),
        json.dumps(
            {"event": "child_failed", "reason": "the child exited with code 3; last stderr lines: no such warehouse"}
        ),
        json.dumps({"event": "stopped"}),
    )
    said = explanation(INPUTS, end(*log), "task: non-zero exit (1)").splitlines()
    assert said[0] == (
        'server "time" did not become healthy: the child exited with code 3; last stderr lines: no such warehouse'
    )
    assert said[1:] == ["its last lines:", "  | no such warehouse", "  | child_failed", "  | stopped"]


def test_the_reason_of_a_choice_is_no_reason_of_a_failure() -> None:
    quarantined = json.dumps({"level": "error", "event": "quarantined", "reason": "'echo' (changed)"})
    chosen = json.dumps({"level": "info", "event": "mode", "reason": "the server is stateless"})
    assert end(quarantined, chosen).reason == "'echo' (changed)"


def test_without_a_reason_the_way_it_ended_is_told() -> None:
    assert "healthy: it exited with code 137\n" in explanation(INPUTS, end("plain text", exit_code="137"), "")
    assert "healthy: its health check failed\n" in explanation(INPUTS, end("[1, 2]", exit_code=None), "")


def test_a_container_that_was_stopped_as_it_started_does_not_hide_why_the_one_before_failed() -> None:
    hung = end(json.dumps({"event": "child_failed", "reason": "it gave no answer within 5 s"}))
    stopped = ContainerEnd(container="next", exit_code="0", lines=[json.dumps({"event": "stopped"})])
    killed = ContainerEnd(container="next", exit_code="137", lines=[])

    assert not stopped.replaces(hung)
    assert killed.replaces(hung)
    assert hung.replaces(stopped)
    assert stopped.replaces(None)


def test_a_silent_container_is_called_silent() -> None:
    assert explanation(INPUTS, end(), "").endswith("it exited with code 1\nit logged nothing")


def test_only_the_last_lines_are_shown() -> None:
    said = explanation(INPUTS, end(*(f"line {n}" for n in range(30))), "")
    assert "line 29" in said
    assert "line 19" not in said


def test_a_task_without_a_container_speaks_by_swarm() -> None:
    said = explanation({"name": "dev-time"}, None, "No such image: localhost:5000/dev/time")
    assert said == 'service "dev-time" did not become healthy: No such image: localhost:5000/dev/time'
