"""The comment for a pull request, from what the engine really said: `recorded/*.jsonl`, compared with `golden/*.md`.

The recordings are previews of a stack of three servers, without what did not change and is not read.
`UPDATE_GOLDEN=1` writes the golden files anew.
"""

import json
import os
from dataclasses import replace
from operator import mul
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet import preview_changes, preview_log, preview_plan
from fleet.comparison import Comparison
from fleet.preview import Preview
from fleet.preview_changes import Changes, Kind, PropertyChange, ResourceChange, ServerChange
from fleet.preview_comment import LIMIT, markdown, marker
from fleet.preview_log import Violation
from fleet.preview_plan import Plan
from fleet.stack_secrets import Secret, State
from fleet.tools_review import Kind as ToolKind
from fleet.tools_review import ServerTools, ToolChange

HERE = Path(__file__).parent
FAILED = {"refused", "violation"}
RECORDED = sorted(file.stem for file in (HERE / "recorded").glob("*.jsonl"))
MISSING = Secret(server="git", variable="TOKEN", state=State.MISSING, changed=None, advice="pulumi config set …")


def recorded(name: str) -> Preview:
    lines = (HERE / "recorded" / f"{name}.jsonl").read_text().splitlines()
    log = preview_log.read(lines, failed=name in FAILED)
    missing = (MISSING,) if name == "refused" else ()
    return Preview(
        stack="dev",
        errors=log.errors,
        violations=log.violations,
        missing=missing,
        changes=preview_changes.changes(log),
        plan=preview_plan.plan("dev", log, code=None),
        comparison=Comparison(),
    )


@pytest.mark.parametrize("name", RECORDED)
def test_the_comment_is_as_it_was_approved(name: str) -> None:
    golden = HERE / "golden" / f"{name}.md"
    comment = markdown(recorded(name))
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(comment)
    assert comment == golden.read_text()


def test_a_reviewer_sees_that_server_and_no_other() -> None:
    servers = {server.name: server for server in recorded("change").changes.servers}
    assert servers.keys() == {"time", "notes", "fetch", "sequential-thinking"}
    assert (servers["time"].before, servers["time"].after) == ("2026.8.18", "2026.10.19")
    assert servers["time"].rebuilt
    assert servers["fetch"].kind is Kind.REMOVED
    memory = PropertyChange(property="memory", before="256M", after="384M")
    assert memory in servers["notes"].properties


def test_what_the_policy_calls_a_secret_is_not_repeated() -> None:
    preview = recorded("change")
    urn = "urn:pulumi:dev::mcp-fleet::mcp-fleet:components:McpServer$docker:index/service:Service::notes"
    level = {"policyName": "no-plain-secret", "enforcementLevel": "mandatory"}
    event = {"policyEvent": {"resourceUrn": urn, "message": "No secret.\nenv.NEW holds a key", **level}}
    lines = (HERE / "recorded" / "change.jsonl").read_text().splitlines()
    log = preview_log.read([*lines, json.dumps(event)], failed=True)
    comment = markdown(replace(preview, violations=log.violations, changes=preview_changes.changes(log)))
    assert "'z'" in markdown(preview)
    assert "'z'" not in comment
    assert "env.NEW" in comment


def test_secrets_are_masked() -> None:
    log = preview_log.read((HERE / "recorded" / "rotation.jsonl").read_text().splitlines(), failed=False)
    (token,) = (step for step in log.steps if step.urn.endswith("::time-gateway-token"))
    assert token.op == "replace"
    assert "ciphertext" not in markdown(recorded("rotation"))


def test_a_preview_that_says_nothing_of_why_it_failed_is_an_error_all_the_same() -> None:
    assert preview_log.read([], failed=True).errors
    assert preview_log.read(["panic: runtime error"], failed=True).errors == ("panic: runtime error",)
    assert preview_log.read([], failed=True, stderr="error: no stack named 'x' found\n").errors == (
        "error: no stack named 'x' found",
    )


def test_nothing_in_a_value_is_markdown() -> None:
    hostile = "`</details><img src=x> | @everyone [a](http://b) ```"
    change = PropertyChange(property=hostile, before=hostile, after=hostile)
    server = ServerChange(
        name="time", kind=Kind.CHANGED, before="1", after="2", digest=None, rebuilt=True, properties=(change,)
    )
    comment = markdown(preview_of(servers=(server,), errors=(hostile,)))
    row = next(line for line in comment.splitlines() if line.startswith("| `time`"))
    assert row.replace(r"\|", "").count("|") == 6, "the cells stay what they are"
    outside = "".join(row.split("`")[::2])
    assert not any(text in outside for text in ("<", "@", "http"))
    assert comment.count("```") == 2, "the block of errors is closed by us alone"


def preview_of(servers: tuple[ServerChange, ...] = (), **parts: Any) -> Preview:
    empty: dict[str, Any] = {"errors": (), "violations": (), "missing": ()}
    resources = parts.pop("resources", ())
    plan = Plan(stack="dev", code=None, steps={})
    changes = Changes(servers=servers, resources=resources)
    return Preview(stack="dev", changes=changes, plan=plan, **({"comparison": Comparison()} | empty | parts))


def test_many_tools_leave_room_for_what_matters() -> None:
    change = ToolChange(tool="```", kind=ToolKind.APPEARS, description=("+ " + "word ``` " * 900,))
    tools = tuple(ServerTools(server=f"s{number}", changes=(change,) * 3) for number in range(50))
    unseen = (ServerTools(server="unseen", unrecorded="never recorded"),)
    comment = markdown(preview_of(errors=("no Docker",), comparison=Comparison(tools=tools + unseen)))
    assert 60_000 < len(comment) <= LIMIT
    assert comment.count("```") % 2 == 0
    places = [comment.index(text) for text in ("no Docker", "tools of `unseen`", "### Tools\n")]
    assert places == sorted(places)
    assert "more: the diff of `tools.lock.json` shows them." in comment


def test_a_server_whose_packages_nobody_pinned_is_named_with_what_pins_them() -> None:
    comment = markdown(preview_of(comparison=Comparison(unlocked=("time",))))
    assert "- `time` has no lock of what it installs: run `fleet lock time --stack dev` and commit it" in comment


TEXT = st.builds(
    mul, st.text(max_size=8) | st.sampled_from(["a|", "`", "<b>", "```", "x\n"]), st.sampled_from([1, 700])
)
SERVERS = st.builds(
    ServerChange,
    name=TEXT,
    kind=st.sampled_from(Kind),
    before=TEXT | st.none(),
    after=TEXT | st.none(),
    digest=TEXT | st.none(),
    rebuilt=st.booleans(),
    properties=st.lists(st.builds(PropertyChange, property=TEXT, before=TEXT, after=TEXT), max_size=4).map(tuple),
)
RESOURCES = st.builds(
    ResourceChange,
    op=st.sampled_from(["create", "delete", "replace", "update"]),
    type=st.sampled_from(["docker:index/volume:Volume", "docker:index/service:Service"]),
    name=TEXT,
    owner=TEXT,
    properties=st.lists(TEXT, max_size=4).map(tuple),
)
VIOLATIONS = st.builds(
    Violation,
    resourceUrn=TEXT,
    message=TEXT,
    policyName=TEXT,
    enforcementLevel=st.sampled_from(["mandatory", "advisory"]),
)
SECRETS = st.builds(Secret, server=TEXT, variable=TEXT, state=st.just(State.MISSING), changed=st.none(), advice=TEXT)
REPEATED = st.sampled_from([1, 20, 400])


@settings(deadline=None, max_examples=60)
@given(
    st.lists(TEXT, max_size=3),
    st.lists(VIOLATIONS, max_size=3),
    st.lists(SECRETS, max_size=3),
    st.lists(SERVERS, max_size=3),
    st.lists(RESOURCES, max_size=3),
    REPEATED,
)
def test_however_large_a_change_is_the_comment_fits_and_begins_with_what_matters(
    errors: list[str],
    violations: list[Violation],
    missing: list[Secret],
    servers: list[ServerChange],
    resources: list[ResourceChange],
    times: int,
) -> None:
    preview = preview_of(
        errors=tuple(errors * times),
        violations=tuple(violations * times),
        missing=tuple(missing * times),
        servers=tuple(servers * times),
        resources=tuple(resources * times),
    )
    comment = markdown(preview)
    assert len(comment) <= LIMIT
    first, headline = comment.split("\n")[:2]
    assert first == marker("dev")
    assert ("failed" in headline) is not preview.may_go
    assert comment.count("```") in (0, 2)
    assert comment.count("\n<details>") == comment.count("\n</details>")
    titles = ["### Errors", "### Policy violations", "### Secrets to set", "### Data that goes", "### Servers"]
    found = [line for line in comment.split("\n") if line.startswith("### ")]
    assert found == [title for title in titles if title in found], "in the order of importance"
    assert ("### Errors" in found) is bool(errors)
