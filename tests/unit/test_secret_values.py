"""Secrets from wherever they are kept become a server's variables, or are refused: named, never shown."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from dev.esc import Esc, Organization
from stacks.load import Stack, load_stack
from stacks.problems import BadStackError
from stacks.secret_values import LONGEST, flaw
from tests.event_loop import kept_loop

from .stack_files import TIME

TOKEN = "pul-of-a-test"
CANARY = "canary-3e7a"


@pytest.fixture(autouse=True)
def _loop() -> None:
    kept_loop()


def load(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    values: dict[str, Any],
    file: str = "",
    esc: Esc | None = None,
    server: dict[str, Any] | None = None,
) -> Stack:
    """Load a stack of one server with a secret TOKEN, as Pulumi hands it over.

    Arguments:
        values: the opened content of `mcp-fleet:secrets`, wherever it comes from.
        file: what the stack's file has of it, and other top-level keys.
    """
    config: dict[str, Any] = {"servers": {"time": {"source": TIME, "secrets": ["TOKEN"], **(server or {})}}}
    if esc is not None:
        config["esc"] = {"organization": "acme", "project": "p", "environment": "dev", "api": esc.url}
    written = yaml.safe_dump({"config": {f"mcp-fleet:{key}": value for key, value in config.items()}})
    (folder / "Pulumi.dev.yaml").write_text(written + file)
    everything = {f"mcp-fleet:{key}": json.dumps(value) for key, value in (config | {"secrets": values}).items()}
    monkeypatch.setattr(pulumi, "get_stack", lambda: "dev")
    pulumi.runtime.set_all_config(everything, secret_keys=["mcp-fleet:secrets"])
    return load_stack(folder, {"PULUMI_ACCESS_TOKEN": TOKEN})


def refusal(folder: Path, monkeypatch: pytest.MonkeyPatch, **case: Any) -> str:
    with pytest.raises(BadStackError) as refused:
        load(folder, monkeypatch, **case)
    assert "canary" not in str(refused.value)
    return str(refused.value)


def in_file(*variables: str, server: str = "time") -> str:
    """Return the lines of encrypted values, as they end a stack's file."""
    lines = "".join(f"      {variable}: {{secure: v1:x}}\n" for variable in variables)
    return f"  mcp-fleet:secrets:\n    {server}:\n{lines}"


def esc_with(**variables: Any) -> Esc:
    esc = Esc(Organization("acme"), TOKEN)
    esc.organization.write("p/dev", yaml.safe_dump({"values": {"pulumiConfig": {"mcp-fleet:secrets": variables}}}))
    return esc


def secrets_of(stack: Stack) -> Any:
    """Return what the servers get, which must be a Pulumi secret."""

    async def read() -> Any:
        assert await stack.secrets.is_secret()
        return await stack.secrets.future()

    return kept_loop().run_until_complete(read())


def test_a_server_gets_the_variables_that_it_names_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = load(tmp_path, monkeypatch, values={"time": {"TOKEN": "a", "OTHER": "b"}}, file=in_file("TOKEN", "OTHER"))
    assert secrets_of(stack) == {"time": {"TOKEN": "a"}}


def test_what_pulumi_opened_by_itself_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `environment:`, which several stacks may share: what no server names does not matter."""
    values = {"time": {"TOKEN": "a", "OTHER": "b"}, "nobody": {"TOKEN": "c"}}
    stack = load(tmp_path, monkeypatch, values=values, file="environment: [mcp-fleet/prod]\n")
    assert secrets_of(stack) == {"time": {"TOKEN": "a"}}
    assert stack.config.secrets == {"time": {"TOKEN"}}


def test_what_the_program_opens_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with esc_with(time={"TOKEN": "a", "OTHER": "b"}, nobody={"TOKEN": "c"}).serving() as esc:
        stack = load(tmp_path, monkeypatch, values={}, esc=esc)
    assert secrets_of(stack) == {"time": {"TOKEN": "a"}}
    assert stack.config.secrets == {"time": {"TOKEN"}}


def test_one_that_the_catalog_knows_as_optional_needs_no_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = {"source": "catalog:context7", "secrets": []}
    stack = load(tmp_path, monkeypatch, values={"time": {"CONTEXT7_API_KEY": "x", "OTHER": "y"}}, server=server)
    assert stack.config.servers["time"].secrets == ("CONTEXT7_API_KEY",)


def test_one_of_another_form_than_the_catalog_says_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = {"source": "catalog:figma", "secrets": ["FIGMA_API_KEY"]}
    said = refusal(tmp_path, monkeypatch, values={"time": {"FIGMA_API_KEY": CANARY}}, server=server)
    assert "the secret FIGMA_API_KEY of server 'time' has not the form that it should have, figd_xxxx" in said
    assert "pulumi config set --secret --path 'mcp-fleet:secrets.time.FIGMA_API_KEY'" in said


def test_a_secret_without_its_server_is_told_where_the_file_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = in_file("TOKEN", server="tyme")
    said = refusal(tmp_path, monkeypatch, values={"tyme": {"TOKEN": CANARY}}, file=file, server={"secrets": []})
    assert "mcp-fleet:secrets.tyme: no server has this name" in said


def test_a_missing_one_is_told_with_all_the_places_where_it_may_be_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = "pulumi config set --secret --path 'mcp-fleet:secrets.time.TOKEN'"
    missing = "the secret TOKEN of server 'time' is not set; set it"
    assert f"{missing}: {command}" in refusal(tmp_path, monkeypatch, values={})
    said = refusal(tmp_path, monkeypatch, values={}, file="environment: {imports: [a/b, {c/d: {merge: false}}]}\n")
    assert f"{missing} in ESC's environment a/b or c/d, or here: {command}" in said
    with esc_with(other={}).serving() as esc:
        said = refusal(tmp_path, monkeypatch, values={}, esc=esc)
    assert f"{missing} in ESC's environment acme/p/dev, or here: {command}" in said


def test_one_that_is_set_twice_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with esc_with(time={"TOKEN": CANARY}).serving() as esc:
        said = refusal(tmp_path, monkeypatch, values={"time": {"TOKEN": CANARY}}, file="", esc=esc)
    assert "the secret TOKEN of server 'time' is set here and in ESC's environment acme/p/dev; remove one" in said


def test_an_esc_that_is_away_is_told_by_its_key_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with esc_with().serving() as esc:
        esc.failing = 500
        said = refusal(tmp_path, monkeypatch, values={}, esc=esc)
    assert said.count("\n") == 1
    assert f"Pulumi.dev.yaml:2: mcp-fleet:esc: Pulumi ESC at {esc.url} answers 500" in said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("", "is empty"),
        (f"{CANARY}\0", "has a zero byte"),
        (f"{CANARY}\ud800", "has half of a character"),
        (CANARY * 60_000, "has 660,000 bytes, and a variable of this name takes 131,065 at most"),
        ([CANARY], "is a list and no text"),
        ({"canary": CANARY}, "is a mapping and no text"),
        (12, "is a number and no text"),
        (True, "is true or false and no text"),
        (None, "is empty and no text"),
    ],
)
def test_a_value_that_can_t_be_a_variable_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: object, said: str
) -> None:
    told = refusal(tmp_path, monkeypatch, values={"time": {"TOKEN": value}}, file=in_file("TOKEN"))
    assert "mcp-fleet:secrets.time.TOKEN: the secret TOKEN of server 'time' " + said in told
    assert "set it anew: pulumi config set --secret --path 'mcp-fleet:secrets.time.TOKEN'" in told


@pytest.mark.parametrize("value", ["x", "-----BEGIN\r\nüber 日本\n", " \t", "x" * (LONGEST - len("TOKEN=\0"))])
def test_any_text_that_linux_takes_is_welcome(value: str) -> None:
    assert flaw("TOKEN", value) is None
    done = subprocess.run(
        [sys.executable, "-c", "import os; print(len(os.environb[b'TOKEN']))"],
        env={"TOKEN": value},
        capture_output=True,
    )
    assert int(done.stdout) == len(value.encode())


def test_one_byte_more_is_too_much_for_linux() -> None:
    value = "x" * (LONGEST - len("TOKEN=\0") + 1)
    assert flaw("TOKEN", value) is not None
    with pytest.raises(OSError, match="too long"):
        subprocess.run([sys.executable, "-c", ""], env={"TOKEN": value})
