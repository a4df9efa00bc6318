"""The catalog: its entries, what a line that names one becomes, and what is refused."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stacks import recorded_tools
from stacks.catalog import FOLDER, CatalogError, names, read_entry
from stacks.catalog_variables import wrong_form
from stacks.config import MEBIBYTE, ServerConfig
from stacks.own_code import read_own_code
from stacks.source import NpmSource, RemoteSource

from .stack_files import ROOT, parse_text, refusal


def test_entries_keep_to_the_published_schema() -> None:
    check = [str(Path(sys.executable).parent / "check-jsonschema"), "--schemafile"]
    files = [str(FOLDER / f"{name}.json") for name in names()]
    command = [*check, str(FOLDER / "schema" / "server.schema.json"), *files]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


PEOPLE_ONLY = [name for name in names() if read_entry(name).extension.people_only]


@pytest.mark.parametrize("name", [name for name in names() if name not in PEOPLE_ONLY])
def test_an_entry_makes_a_server(name: str) -> None:
    entry = read_entry(name)
    server = ServerConfig.model_validate({"source": f"catalog:{name}"})
    assert str(server.source) == entry.source.partition("#")[0]
    assert server.memory >= 256 * MEBIBYTE
    assert set(server.secrets) == set(entry.required_secrets)


@pytest.mark.parametrize("name", names())
def test_the_examples_of_an_entry_have_the_form_that_it_asks_for(name: str) -> None:
    entry = read_entry(name)
    for variable in entry.variables:
        if variable.name in entry.extension.patterns:
            assert entry.fits(variable.name, variable.placeholder or ""), variable.name
        if variable.default is not None:
            assert not variable.choices or variable.default in variable.choices, variable.name


@pytest.mark.parametrize("name", [name for name in names() if read_entry(name).is_own_code])
def test_an_entry_of_our_own_code_has_its_version(name: str) -> None:
    entry = read_entry(name)
    assert read_own_code(ROOT / entry.source).version == entry.version
    assert entry.extension.origin == "own"


def test_a_health_call_is_of_a_tool_that_is_recorded() -> None:
    surfaces = [surface for recorded in recorded_tools.read(ROOT).servers.values() for surface in recorded]
    tools = {surface.line.source: surface.tools for surface in surfaces}
    calls = {entry.source.partition("#")[0]: entry.extension.health_call for entry in map(read_entry, names())}
    called = {source: call.tool for source, call in calls.items() if call is not None and source in tools}
    assert called, "of no entry with a health call are tools recorded"
    assert [source for source, tool in called.items() if tool not in tools[source]] == []


def test_a_name_is_enough_where_nothing_is_required() -> None:
    server = parse_text("servers: {memory: catalog:memory}").servers["memory"]
    assert server.source == NpmSource(
        package="@modelcontextprotocol/server-memory", version=read_entry("memory").version, command="server-memory"
    )
    assert (server.volume, server.env) == (True, {"MEMORY_FILE_PATH": "/data/memory.jsonl"})


def test_a_remote_server_comes_with_its_credential() -> None:
    config = parse_text("servers: {linear: catalog:linear-remote}\nsecrets: {linear: {LINEAR_API_KEY: {secure: v1}}}")
    linear = config.servers["linear"]
    assert linear.source == RemoteSource(url="https://mcp.linear.app/mcp")
    assert (linear.headers, linear.secrets) == ({"Authorization": "Bearer {LINEAR_API_KEY}"}, ("LINEAR_API_KEY",))
    assert "https://linear.app/settings" in refusal("servers: {linear: catalog:linear-remote}")


@pytest.mark.parametrize("name", PEOPLE_ONLY)
def test_what_lets_in_people_alone_is_refused_with_what_to_do(name: str) -> None:
    said = refusal(f"servers: {{x: catalog:{name}}}")
    assert "lets in people who log in, and no machines: each adds it to their own client" in said
    assert "mcp-fleet:servers.x" in said


def test_a_lines_own_keys_win() -> None:
    config = parse_text(
        """
        servers:
          memory: {source: catalog:memory, memory: 1G, env: {MEMORY_FILE_PATH: /data/other.jsonl, MORE: 1}}
          mem0: {source: catalog:mem0, constraints: ["mcp<1.20"], secrets: []}
          git: {source: catalog:git, volume: false}
          docs: catalog:aws-documentation
        """
    )
    assert config.servers["memory"].memory == 1 << 30
    assert config.servers["memory"].env == {"MEMORY_FILE_PATH": "/data/other.jsonl", "MORE": "1"}
    assert config.servers["mem0"].constraints == ("mcp<1.20",)
    assert (config.servers["git"].volume, config.servers["git"].packages) == (False, ("git",))
    assert config.servers["docs"].env["AWS_DOCUMENTATION_PARTITION"] == "aws"


def test_an_optional_secret_counts_once_it_is_set() -> None:
    lines = "servers: {context7: catalog:context7}\n"
    assert parse_text(lines).servers["context7"].secrets == ()
    given = parse_text(f"{lines}secrets: {{context7: {{CONTEXT7_API_KEY: {{secure: v1}}}}}}")
    assert given.servers["context7"].secrets == ("CONTEXT7_API_KEY",)


def test_a_line_chooses_another_secret_than_the_usual_one() -> None:
    lines = "servers: {slack: {source: catalog:slack, secrets: [SLACK_MCP_XOXP_TOKEN]}}\n"
    config = parse_text(f"{lines}secrets: {{slack: {{SLACK_MCP_XOXP_TOKEN: {{secure: v1}}}}}}")
    assert config.servers["slack"].secrets == ("SLACK_MCP_XOXP_TOKEN",)


def test_a_missing_secret_comes_with_the_command_and_where_to_get_it() -> None:
    said = refusal("servers: {github: catalog:github}")
    assert "Pulumi.dev.yaml:2: mcp-fleet:servers.github.secrets" in said
    assert "pulumi config set --secret --path 'mcp-fleet:secrets.github.GITHUB_PERSONAL_ACCESS_TOKEN'" in said
    assert "https://github.com/settings/tokens" in said


def test_a_missing_plain_variable_comes_with_what_to_write() -> None:
    said = refusal("servers:\n  cache: catalog:redis")
    assert "Pulumi.dev.yaml:3: mcp-fleet:servers.cache.env: needs REDIS_HOST" in said
    assert "env: {REDIS_HOST: redis.example.com}" in said


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("catalog:githb", "there is no 'githb' in the catalog; did you mean 'github'?"),
        ("catalog:portkey_admin", "did you mean 'portkey-admin'?"),
        ("catalog:time@1.0", "there is no 'time@1.0' in the catalog"),
        ("catalog:../catalog/time", "there is no"),
        ("'catalog:'", "`fleet catalog search`"),
        ("{source: catalog:time, memry: 1G}", "unknown key; did you mean 'memory'?"),
        ("{source: catalog:github, env: {GITHUB_PERSONAL_ACCESS_TOKEN: ghp_0}}", "stands in plain text"),
        ("{source: catalog:prometheus, env: {PROMETHEUS_URL: prometheus}}", "has not the form of this variable: http"),
        ("{source: catalog:aws-documentation, env: {AWS_DOCUMENTATION_PARTITION: x}}", "'x' is none of aws, aws-cn"),
    ],
)
def test_a_line_that_will_not_do_is_refused_with_its_place(line: str, said: str) -> None:
    refused = refusal(f"servers:\n  x: {line}")
    assert "Pulumi.dev.yaml:3: mcp-fleet:servers.x" in refused
    assert said in refused


def test_a_secret_of_the_wrong_form_is_told_by_its_form_alone() -> None:
    server = ServerConfig.model_validate({"source": "catalog:github"})
    wrong = wrong_form(server, "GITHUB_PERSONAL_ACCESS_TOKEN", "sk-canary-5f2a") or ""
    assert "github_pat_xxxx" in wrong
    assert "https://github.com/settings/tokens" in wrong
    assert "canary" not in wrong
    assert wrong_form(server, "GITHUB_PERSONAL_ACCESS_TOKEN", "github_pat_0123456789abcdefghij") is None


def _package(entry: dict[str, Any]) -> dict[str, Any]:
    package: dict[str, Any] = entry["packages"][0]
    return package


def _own(entry: dict[str, Any]) -> dict[str, Any]:
    own: dict[str, Any] = entry["_meta"]["io.github.mcp-fleet/entry"]
    return own


def _versioned(entry: dict[str, Any], version: str) -> None:
    entry["version"] = _package(entry)["version"] = version


REMOTE = {"type": "streamable-http", "url": "https://mcp.example.com/mcp"}


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda entry: entry.pop("websiteUrl"), "websiteUrl is missing"),
        (lambda entry: _own(entry).pop("license"), "license: Field required"),
        (lambda entry: _own(entry).update(license="Beerware-ish"), "'Beerware-ish' is no SPDX licence"),
        (lambda entry: _own(entry).update(licence="MIT"), "licence: Extra inputs are not permitted"),
        (lambda entry: _versioned(entry, "latest"), "'latest' is not one exact version"),
        (lambda entry: _versioned(entry, "^4.1.1"), "'^4.1.1' is not one exact version"),
        (lambda entry: _package(entry).pop("version"), "version: Field required"),
        (lambda entry: entry.update(version="1.0.0"), "make them one"),
        (lambda entry: entry.update(packages=[]), "a server is one package, or one remote"),
        (lambda entry: entry.update(remotes=[REMOTE]), "a server is one package, or one remote"),
        (lambda entry: entry.update(packages=[], remotes=[{**REMOTE, "type": "sse"}]), "'streamable-http'"),
        (lambda entry: entry.update(packages=[], remotes=[{**REMOTE, "url": "http://x/mcp"}]), "by TLS alone"),
        (lambda entry: _package(entry).update(registryType="oci"), "'pypi', 'npm' or 'path'"),
        (lambda entry: _package(entry).update(registryType="path"), "is no folder of ours"),
        (lambda entry: _package(entry)["transport"].update(type="sse"), "'stdio'"),
        (lambda entry: _own(entry).update(patterns={"NOBODY": ".*"}), "unknown variables: NOBODY"),
        (lambda entry: _own(entry).update(patterns={"CONTEXT7_API_KEY": "("}), "no regular expression"),
        (lambda entry: entry.update(name="io.github.mcp-fleet/other"), "its last part must be spoilt"),
    ],
)
def test_an_entry_that_will_not_do_is_refused_with_file_and_key(
    spoil: Callable[[dict[str, Any]], object], said: str, tmp_path: Path
) -> None:
    entry = json.loads((FOLDER / "context7.json").read_text())
    entry["name"] = "io.github.mcp-fleet/spoilt"
    (tmp_path / "spoilt.json").write_text(json.dumps(entry))
    assert read_entry("spoilt", tmp_path).label == "spoilt"
    spoil(entry)
    (tmp_path / "spoilt.json").write_text(json.dumps(entry))
    with pytest.raises(CatalogError) as refused:
        read_entry("spoilt", tmp_path)
    assert str(refused.value).startswith("catalog/spoilt.json ")
    assert said in str(refused.value)


def test_an_entry_that_is_no_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(CatalogError, match=r"catalog/broken\.json is no valid JSON"):
        read_entry("broken", tmp_path)


def test_a_database_of_the_fleet_takes_the_place_of_a_secret() -> None:
    config = parse_text("servers: {sql: {source: catalog:postgres, database: DSN}}")
    assert config.servers["sql"].secrets == ()
    assert "mcp-fleet:secrets.sql.DSN" in refusal("servers: {sql: catalog:postgres}")


def test_an_entry_may_ask_for_a_database_and_a_line_may_have_its_own() -> None:
    server = parse_text("servers: {ai-memory: catalog:ai-memory}").servers["ai-memory"]
    assert (server.database, server.secrets) == ("DATABASE_URL", ())
    own = "servers: {ai-memory: {source: catalog:ai-memory, database: null}}"
    assert "mcp-fleet:secrets.ai-memory.DATABASE_URL" in refusal(own)
    given = parse_text(f"{own}\nsecrets: {{ai-memory: {{DATABASE_URL: {{secure: v1}}}}}}").servers["ai-memory"]
    assert (given.database, given.secrets) == (None, ("DATABASE_URL",))
