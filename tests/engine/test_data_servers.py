"""Servers that keep files and data, as they are deployed: called, attacked, and without their database."""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from .calls import Answer, ask
from .deployment import Deployment

pytestmark = pytest.mark.long

RECOVERY_SECONDS = 240
MARK = "the-mark-of-the-test"

OUTSIDE = (
    "/etc/passwd",
    "/data/../etc/passwd",
    "../../etc/passwd",
    "/data/./../../etc/passwd",
    "/DATA/../etc/passwd",
    "/database",
    "/data/..\\..\\etc/passwd/../../../etc/passwd",
    "~/../etc/passwd",
    "/proc/self/environ",
    "/proc/self/root/etc/passwd",
    "/run/secrets/gateway-token",
    "/data/link-to-a-file",
    "/data/link-to-a-folder/passwd",
    "/data/link-to-a-link",
)
REFUSED_BY_POSTGRESQL = {
    "COPY (SELECT 1) TO PROGRAM 'id'": "permission denied",
    "COPY (SELECT 1) TO '/tmp/out'": "permission denied",
    "CREATE TEMP TABLE t (x text); COPY t FROM '/run/secrets/roles.sql'": "permission denied",
    "SELECT pg_read_file('/run/secrets/roles.sql')": "permission denied",
    "SELECT pg_ls_dir('/')": "permission denied",
    "SELECT lo_import('/etc/passwd')": "permission denied",
    "SELECT rolpassword FROM pg_authid": "permission denied",
    "SET ROLE fleet_operator": "permission denied",
    "SET SESSION AUTHORIZATION fleet_operator": "permission denied",
    "CREATE ROLE other SUPERUSER": "permission denied",
    'ALTER ROLE "mcp-sql" SUPERUSER': "permission denied",
    "ALTER ROLE \"mcp-memory\" PASSWORD 'x'": "permission denied",
    "GRANT pg_read_server_files TO CURRENT_USER": "permission denied",
    "CREATE DATABASE other": "permission denied",
    'DROP DATABASE "mcp-memory"': "must be owner",
    "CREATE EXTENSION file_fdw": "permission denied|not available",
    "CREATE EXTENSION postgres_fdw": "permission denied|not available",
    "CREATE EXTENSION dblink": "permission denied|not available",
    "CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'x', 'y'": "permission denied",
    "LOAD '/tmp/x.so'": "access to library|permission denied|could not access",
    "ALTER SYSTEM SET archive_command = 'id'": "permission denied",
    "CREATE TABLESPACE t LOCATION '/tmp'": "permission denied",
    'SELECT * FROM "mcp-memory".public.memory': "cross-database",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename <> current_user": "permission denied|^[^e]*$",
}
REFUSED_BY_SQLITE = {
    "SELECT load_extension('/data/x')": "not authorized|no such function",
    "SELECT readfile('/etc/passwd')": "no such function",
    "SELECT writefile('/data/x', 'y')": "no such function",
    "ATTACH DATABASE '/opt/server/new.db' AS x": "unable to open|not authorized|not allowed|read-only",
    "ATTACH DATABASE '/etc/new.db' AS x": "unable to open|not authorized|not allowed|read-only",
    "VACUUM INTO '/etc/new.db'": "unable to open|not authorized|not allowed|read-only",
}


@dataclass(frozen=True)
class DataServers:
    """The stack, and how it is called: asking Pulumi each time takes longer than a call."""

    fleet: Deployment
    gateway: str
    token: str

    def call(self, server: str, tool: str, **arguments: Any) -> Answer:
        return ask(f"{self.gateway}/{server}/mcp", self.token, tool, arguments)

    def sql(self, server: str, statement: str) -> Answer:
        return self.call(server, "execute_sql", sql=statement)

    def run(self, server: str, *command: str) -> str:
        """Run a command in the only container of a server."""
        [container] = self.fleet.containers(server)
        printed = self.fleet.docker.containers.get(container).exec_run(list(command)).output
        assert isinstance(printed, bytes)
        return printed.decode()

    def found(self, query: str) -> list[str]:
        """Return the texts of the memories that a search finds."""
        answer = self.call("memory", "search_memories", query=query)
        assert not answer.result.is_error, answer.text
        matches: Any = answer.result.structured_content
        return [match["memory"]["text"] for match in matches["matches"]]


@pytest.fixture(scope="module")
def data(make_deployment: Callable[[str], Deployment]) -> DataServers:
    """Servers of three kinds; `sql` and `memory` have databases in one PostgreSQL."""
    deployment = make_deployment("data")
    slow = {"start-seconds": 240}
    deployment.config["servers"] = {
        "files": {"source": "catalog:filesystem", **slow},
        "lite": {"source": "catalog:sqlite", **slow},
        "sql": {"source": "catalog:postgres", "database": "DSN", **slow},
        "memory": {"source": "./servers/ai_memory", "database": "DATABASE_URL", "replicas": 2, **slow},
    }
    deployment.config["clients"] = {"claude-code": {"tier": "enterprise"}}
    deployment.up()
    return DataServers(deployment, str(deployment.outputs()["gateway"]), deployment.token("claude-code"))


def test_a_memory_is_stored_and_found_through_the_gateway_by_every_replica(data: DataServers) -> None:
    stored = data.call("memory", "store_memories", memories=[{"text": "Deploys are on Monday.", "tags": ["team"]}])
    assert not stored.result.is_error, stored.text
    for _ in range(8):
        assert data.found("when do we deploy?") == ["Deploys are on Monday."]
    content: Any = stored.result.structured_content
    [memory] = content["memories"]
    data.call("memory", "update_memory", id=memory["id"], text="Deploys are on Friday.")
    for _ in range(8):
        assert data.found("when do we deploy?") == ["Deploys are on Friday."]


def test_the_connection_string_is_nowhere_but_in_the_secrets(data: DataServers) -> None:
    state = json.dumps(json.loads(data.fleet.state()))
    inspected = json.dumps([service.attrs for service in data.fleet.services().values()])
    for text in (state, inspected):
        assert "postgresql://" not in text


def test_a_second_up_changes_nothing(data: DataServers) -> None:
    assert data.fleet.up().steps == []


@pytest.fixture(scope="module")
def links(data: DataServers) -> None:
    """Links out of the folder, as a mishap might leave them there: the server's tools make none."""
    targets = {"link-to-a-file": "/etc/passwd", "link-to-a-folder": "/etc", "link-to-a-link": "/data/link-to-a-file"}
    for name, target in targets.items():
        data.run("files", "ln", "-sfn", target, f"/data/{name}")


@pytest.mark.usefixtures("links")
@pytest.mark.parametrize("path", OUTSIDE)
def test_no_path_leads_out_of_the_folder_of_the_files(data: DataServers, path: str) -> None:
    for tool, arguments in (
        ("read_text_file", {"path": path}),
        ("read_multiple_files", {"paths": [path]}),
        ("write_file", {"path": path, "content": MARK}),
        ("create_directory", {"path": f"{path}/x"}),
        ("list_directory", {"path": path}),
        ("move_file", {"source": path, "destination": "/data/moved"}),
    ):
        answer = data.call("files", tool, **arguments)
        assert "root:x:0" not in answer.text, tool
        assert answer.result.is_error or "denied" in answer.text or "Error" in answer.text, f"{tool}: {answer.text}"
    assert MARK not in data.run("files", "cat", "/etc/passwd")
    assert "moved" not in data.run("files", "ls", "/data")


def test_what_is_in_the_folder_can_be_written_and_read(data: DataServers) -> None:
    assert not data.call("files", "write_file", path="/data/note.txt", content=MARK).result.is_error
    assert MARK in data.call("files", "read_text_file", path="/data/note.txt").text


@pytest.mark.parametrize("statement", REFUSED_BY_POSTGRESQL)
def test_no_statement_leads_out_of_a_database_of_postgresql(data: DataServers, statement: str) -> None:
    answer = data.sql("sql", statement)
    assert re.search(REFUSED_BY_POSTGRESQL[statement], answer.text, re.IGNORECASE), answer.text
    assert "PASSWORD '" not in answer.text


def test_a_database_takes_statements_of_its_owner(data: DataServers) -> None:
    answer = data.sql("sql", "CREATE TABLE kept AS SELECT 41 + 1 AS number; SELECT number FROM kept")
    assert "42" in answer.text, answer.text


@pytest.mark.parametrize("statement", REFUSED_BY_SQLITE)
def test_no_statement_leads_out_of_the_file_of_sqlite(data: DataServers, statement: str) -> None:
    answer = data.sql("lite", statement)
    assert re.search(REFUSED_BY_SQLITE[statement], answer.text, re.IGNORECASE), answer.text


def test_secrets_are_no_database_to_sqlite(data: DataServers) -> None:
    token = data.run("lite", "cat", "/run/secrets/gateway-token").strip()
    assert token
    attached = data.sql("lite", "ATTACH DATABASE '/run/secrets/gateway-token' AS x; SELECT * FROM x.sqlite_master")
    assert token not in attached.text
    assert "42" in data.sql("lite", "SELECT 41 + 1 AS number").text


def test_memories_are_away_with_their_database_and_back_with_it(data: DataServers) -> None:
    [container] = data.fleet.containers("database")
    data.fleet.docker.containers.get(container).kill()
    refused = data.call("memory", "search_memories", query="a query that nobody has asked yet")
    assert refused.result.is_error or data.fleet.containers("database") != {container}
    end = time.monotonic() + RECOVERY_SECONDS
    while data.call("memory", "search_memories", query="deploy").result.is_error:
        assert time.monotonic() < end
    assert data.found("deploys") == ["Deploys are on Friday."]
