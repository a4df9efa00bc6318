"""One line more or less, and nothing else of the file changes."""

import difflib
from typing import Any

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fleet.errors import FleetError
from fleet.stackfile import Entry, StackText, one_line

from .conftest import STACK_FILE

NAMES = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
VALUES = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=20)
ENTRIES = st.one_of(
    st.just("npm:@scope/server-x@1.0.0#x"),
    st.fixed_dictionaries(
        {"source": st.just("pypi:x@1")},
        optional={
            "args": st.lists(VALUES, min_size=1, max_size=3),
            "env": st.dictionaries(st.from_regex(r"[A-Z_]{1,5}", fullmatch=True), VALUES, min_size=1, max_size=2),
            "volume": st.just(True),
        },
    ),
)


def servers_in(text: str) -> Any:
    return yaml.safe_load(text)["config"]["mcp-fleet:servers"]


def changed_lines(before: str, after: str) -> list[str]:
    lines = difflib.ndiff(before.splitlines(), after.splitlines())
    return [line for line in lines if line[0] in "+-"]


def test_a_new_server_is_one_line_after_the_last() -> None:
    after = StackText(STACK_FILE, name="f").with_server("fetch", "pypi:mcp-server-fetch@2026.10.24")
    assert changed_lines(STACK_FILE, after) == ["+     fetch: pypi:mcp-server-fetch@2026.10.24"]
    assert after.index("volume: true\n    fetch:") < after.index("\n\n  # who may call")


@pytest.mark.parametrize(
    ("server", "gone"),
    [
        ("time", ["-     time:   pypi:mcp-server-time@2026.8.0"]),
        ("memory", 6),
    ],
)
def test_a_removed_server_takes_its_lines_and_no_others(server: str, gone: Any) -> None:
    after = StackText(STACK_FILE, name="f").without_server(server)
    changes = changed_lines(STACK_FILE, after)
    assert changes == gone if isinstance(gone, list) else len(changes) == gone
    assert all(change.startswith("-") for change in changes)
    assert server not in servers_in(after)
    assert "# from the Python index" in after


@settings(deadline=None)
@given(name=NAMES, entry=ENTRIES)
def test_what_is_written_is_read_back_and_removing_it_restores_the_file(name: str, entry: Entry) -> None:
    assume(name not in servers_in(STACK_FILE))
    after = StackText(STACK_FILE, name="f").with_server(name, entry)
    assert servers_in(after) == {**servers_in(STACK_FILE), name: entry}
    assert "\n" not in one_line(name, entry)
    assert StackText(after, name="f").without_server(name) == STACK_FILE


@pytest.mark.parametrize(
    "text",
    [
        "",
        "encryptionsalt: v1:abc\n",
        "config: {}\n",
        "config:\n  mcp-fleet:port: 8080\n",
        "config:\n  mcp-fleet:servers: {}\n",
        "config:\n  mcp-fleet:servers:\n",
        "config:\n  mcp-fleet:servers: {a: pypi:a@1}\n",
        "config:\n  mcp-fleet:servers:\n    a: pypi:a@1",
        "config:\n  mcp-fleet:servers:\n    a: |-\n      pypi:a@1\n  mcp-fleet:port: 1\n",
    ],
)
def test_every_form_of_the_file_takes_a_server_and_gives_it_back(text: str) -> None:
    before = StackText(text, name="f")
    after = before.with_server("new", {"source": "pypi:new@2", "volume": True})
    assert servers_in(after) == {**before.servers, "new": {"source": "pypi:new@2", "volume": True}}
    rest = yaml.safe_load(StackText(after, name="f").without_server("new"))
    assert (rest["config"].pop("mcp-fleet:servers") or {}) == before.servers
    others = dict((yaml.safe_load(text) or {}).get("config") or {})
    others.pop("mcp-fleet:servers", None)
    assert rest["config"] == others


def test_the_last_server_leaves_an_empty_mapping() -> None:
    text = "config:\n  mcp-fleet:servers:\n    a: pypi:a@1\n"
    assert StackText(text, name="f").without_server("a") == "config:\n  mcp-fleet:servers: {}\n"


def test_what_is_no_yaml_is_said_with_the_name_of_the_file() -> None:
    with pytest.raises(FleetError, match=r"Pulumi\.dev\.yaml is no valid YAML"):
        StackText("config: [", name="Pulumi.dev.yaml")
