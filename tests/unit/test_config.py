"""The configuration of a stack: what is read from it, and what is refused and how."""

import copy
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from stacks.config import MEBIBYTE, ServerConfig, StackConfig, parse_memory
from stacks.problems import BadStackError
from stacks.source import PathSource, PypiSource

from .stack_files import ROOT, TIME, parse_file, parse_text, refusal

COMMITTED = [ROOT / f"Pulumi.{stack}.yaml" for stack in ("dev", "staging", "prod")]


def test_a_server_is_one_line() -> None:
    server = parse_text(f"servers: {{time: '{TIME}'}}").servers["time"]
    assert server.source == PypiSource(package="mcp-server-time", version="2026.10.19", command="mcp-server-time")
    assert (server.replicas, server.cpu, server.memory) == (1, 1.0, 256 * MEBIBYTE)


def test_everything_of_a_server_can_be_said() -> None:
    config = parse_text(
        f"""
        servers:
          time:
            source: {TIME}
            args: [--verbose, 8080]
            env: {{LEVEL: 3, FAST: true, RATE: 0.5, NAME: x}}
            files: {{/etc/time/zones.yaml: "home: UTC\\n"}}
            packages: [git]
            constraints: ["pydantic<2.12"]
            replicas: 3
            cpu: 1.5
            memory: 1G
            start-seconds: 90
            mode: isolated
            workers: 2
            pool: 4
        """
    )
    server = config.servers["time"]
    assert server.files == {"/etc/time/zones.yaml": "home: UTC\n"}
    assert server.args == ("--verbose", "8080")
    assert server.env == {"LEVEL": "3", "FAST": "true", "RATE": "0.5", "NAME": "x"}
    assert (server.memory, server.start_seconds, server.constraints) == (1 << 30, 90, ("pydantic<2.12",))
    assert (server.mode, server.workers, server.pool) == ("isolated", 2, 4)


LINEAR = "https://mcp.linear.app/mcp"


def test_a_remote_server_is_one_line_and_needs_the_secrets_that_its_credentials_name() -> None:
    config = parse_text(
        f"""
        servers:
          open: {LINEAR}
          linear: {{source: {LINEAR}, headers: {{Authorization: "Bearer {{KEY}}", X-Team: a}}}}
          gong:
            source: {LINEAR}
            auth: {{token-url: https://login.example/t, client-id: "{{ID}}", client-secret: "{{HUSH}}", scopes: [read]}}
        secrets: {{linear: {{KEY: {{secure: x}}}}, gong: {{ID: {{secure: x}}, HUSH: {{secure: x}}}}}}
        """
    )
    assert {name: server.secrets for name, server in config.servers.items()} == {
        "open": (),
        "linear": ("KEY",),
        "gong": ("ID", "HUSH"),
    }
    assert config.servers["open"].arguments == (LINEAR,)
    assert config.servers["linear"].arguments == (
        LINEAR,
        "--header=Authorization: Bearer {KEY}",
        "--header=X-Team: a",
    )
    assert "--client-secret={HUSH}" in config.servers["gong"].arguments


def test_an_empty_stack_is_a_stack() -> None:
    config = parse_text("port: 8081")
    assert (config.port, config.registry_port, config.servers, config.grafana_port) == (8081, 5000, {}, None)
    assert {name: tier.rpm for name, tier in config.tiers.items()} == {"free": 60, "pro": 600, "enterprise": None}


def test_a_tier_adds_to_the_defaults() -> None:
    tiers = parse_text("tiers: {free: {rpm: 30}, gold: {rpm: 5000}}").tiers
    assert {name: tier.rpm for name, tier in tiers.items()} == {
        "free": 30,
        "pro": 600,
        "enterprise": None,
        "gold": 5000,
    }


def test_a_tier_keeps_its_place_in_the_queue_unless_it_says_another() -> None:
    tiers = parse_text("tiers: {pro: {rpm: 30}, free: {rpm: 1, priority: 15}, gold: {rpm: 9}}").tiers
    assert {name: tier.priority for name, tier in tiers.items()} == {"free": 15, "pro": 10, "enterprise": 20, "gold": 0}


def test_a_list_of_servers_means_all_their_tools() -> None:
    config = parse_text(
        f"""
        servers: {{time: '{TIME}', notes: ./servers/notes}}
        clients:
          all: {{}}
          some: {{servers: [time]}}
          few: {{servers: {{time: "*", notes: [list_notes]}}}}
        """
    )
    assert config.clients["all"].servers is None
    assert config.clients["some"].servers == {"time": "*"}
    assert config.clients["few"].servers == {"time": "*", "notes": ("list_notes",)}
    assert config.servers["notes"].source == PathSource(path="./servers/notes")


def test_the_models_are_frozen() -> None:
    config = parse_text(f"servers: {{time: '{TIME}'}}")
    with pytest.raises(ValidationError):
        config.port = 1


def test_values_of_secrets_never_reach_the_model() -> None:
    canary = "canary-7d1c"
    config = parse_text(f"servers: {{time: '{TIME}'}}\nsecrets: {{time: {{TOKEN: {{secure: {canary}}}}}}}")
    assert config.secrets == {"time": frozenset({"TOKEN"})}
    assert canary not in repr(config)


@given(st.sampled_from([("K", 1 << 10), ("M", 1 << 20), ("G", 1 << 30)]), st.integers(0, 10_000), st.booleans())
def test_memory_is_binary_in_any_spelling(unit: tuple[str, int], amount: int, lower: bool) -> None:
    letter, size = unit
    for text in (f"{amount}{letter}", f"{amount} {letter}B", f"{amount}{letter}iB"):
        assert parse_memory(text.lower() if lower else text) == amount * size


@pytest.mark.parametrize("text", ["", "256", "256X", "-1M", "1.5.2G", "M", 256, None, True])
def test_what_is_no_memory_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="256M"):
        parse_memory(text)


def keys_of(model: type) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}  # type: ignore[attr-defined]


@settings(max_examples=25)
@given(st.data())
def test_any_unknown_key_is_refused_by_name(data: st.DataObject) -> None:
    key = data.draw(st.from_regex(r"[a-z][a-z-]{2,15}[a-z]", fullmatch=True).filter(lambda k: k not in known))
    assert f"mcp-fleet:servers.time.{key}: unknown key" in refusal(f"servers: {{time: {{source: '{TIME}', {key}: 1}}}}")


known = keys_of(ServerConfig) | {"null", "true", "false", "yes", "off"}


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.name)
def test_every_committed_stack_is_good_and_a_misspelt_copy_is_refused(path: Path) -> None:
    text = path.read_text()
    parse_file(text)
    document = yaml.safe_load(text)
    for key in document["config"]:
        spoilt = copy.deepcopy(document)
        spoilt["config"][key + "x"] = spoilt["config"].pop(key)
        with pytest.raises(Exception, match=re.escape(f"{key}x: unknown key; did you mean")):
            parse_file(yaml.safe_dump(spoilt))


def test_the_migrations_servers_lack_nothing_but_their_secrets() -> None:
    with pytest.raises(BadStackError) as refused:
        parse_file((ROOT / "Pulumi.migration.yaml").read_text())
    lines = [line for line in str(refused.value).splitlines() if "mcp-fleet:" in line and "Pulumi.dev.yaml:" in line]
    assert len(lines) >= 25
    assert [line for line in lines if "is not set; set it: pulumi config set --secret" not in line] == []


def test_there_are_committed_stacks() -> None:
    assert COMMITTED


REMOTE = "source: 'https://r.example/mcp'"
HAS_A = "secrets: {r: {A: {secure: x}}}"


def auth(url: str = "https://r.example/t", secret: str = "{A}") -> str:
    return f"auth: {{token-url: '{url}', client-id: a, client-secret: '{secret}'}}"


BAD = {
    "an unknown key": ("severs: {}", "mcp-fleet:severs: unknown key; did you mean 'servers'?"),
    "a far-off key": ("zzz: 1", "mcp-fleet:zzz: unknown key; there is"),
    "an unknown key of a server": (
        f"servers: {{time: {{source: '{TIME}', replcas: 2}}}}",
        "mcp-fleet:servers.time.replcas: unknown key; did you mean 'replicas'?",
    ),
    "an unknown key of a client": ("clients: {codex: {teir: pro}}", "mcp-fleet:clients.codex.teir"),
    "no source": ("servers: {time: {replicas: 2}}", "mcp-fleet:servers.time: needs the key 'source'"),
    "a list for servers": ("servers: [time]", "mcp-fleet:servers: "),
    "a number out of range": (f"servers: {{time: {{source: '{TIME}', replicas: 0}}}}", "0 won't do"),
    "too little memory": (f"servers: {{time: {{source: '{TIME}', memory: 1M}}}}", "mcp-fleet:servers.time.memory"),
    "a port that is none": ("port: 99999", "mcp-fleet:port: 99999 won't do"),
    "one port twice": ("port: 5000", "mcp-fleet:registry-port: 5000 is the port already"),
    "a name that is no label": (f"servers: {{Time_1: '{TIME}'}}", "lower-case letters"),
    "a name that is a number": (f"servers: {{-: '{TIME}'}}", "lower-case letters"),
    "a component's name": (f"servers: {{redis: '{TIME}'}}", "part of the fleet itself"),
    "a variable that is none": (f"servers: {{time: {{source: '{TIME}', env: {{A-B: x}}}}}}", "servers.time.env.A-B"),
    "a variable of the bridge": (
        f"servers: {{time: {{source: '{TIME}', env: {{MCP_BRIDGE_PORT: 1}}}}}}",
        "bridge's own",
    ),
    "a Swarm template": (
        f"servers: {{time: {{source: '{TIME}', env: {{A: '{{{{.Node.ID}}}}'}}}}}}",
        "set it as a secret instead",
    ),
    "packages for an image": (
        f"servers: {{m: {{source: 'oci:ghcr.io/a/b@sha256:{'0' * 64}#/b', packages: [git]}}}}",
        "a container image has what its maker put in",
    ),
    "a signer without a key and an issuer": (
        "signatures: [{images: ghcr.io/a/*, identity: me@example.com}]",
        "signatures.0: needs a `key`, or an `issuer` with one of",
    ),
    "a signer with a key and an identity": (
        "signatures: [{images: ghcr.io/a/*, key: a.pub, identity: me@example.com}]",
        "say nothing; remove them",
    ),
    "a signer whose images are no repository": ("signatures: [{images: 'ghcr.io/a*', key: a.pub}]", "images"),
    "a typo in a signer": ("signatures: [{images: ghcr.io/a/*, kye: a.pub}]", "did you mean 'key'"),
    "an identity that is no pattern": (
        "signatures: [{images: ghcr.io/a/*, identity-pattern: '(', issuer: https://accounts.google.com}]",
        "is no regular expression",
    ),
    "constraints for npm": (
        "servers: {m: {source: 'npm:m@1.0.0', constraints: ['a<1']}}",
        "constraints are for Python packages",
    ),
    "install scripts for pypi": (f"servers: {{t: {{source: '{TIME}', install-scripts: true}}}}", "only npm packages"),
    "a constraint that is none": (f"servers: {{t: {{source: '{TIME}', constraints: ['rm -rf']}}}}", "constraints.0"),
    "a package that is none": (f"servers: {{t: {{source: '{TIME}', packages: ['a; b']}}}}", "packages.0"),
    "replicas that share a volume": (
        f"servers: {{t: {{source: '{TIME}', volume: true, replicas: 2}}}}",
        "a server with a volume has one replica",
    ),
    "sessions apart that share a volume": (
        f"servers: {{t: {{source: '{TIME}', volume: true, mode: isolated}}}}",
        "servers.t.mode: a server with a volume has one process",
    ),
    "workers that share a volume": (
        f"servers: {{t: {{source: '{TIME}', volume: true, workers: 2}}}}",
        "servers.t.workers: a server with a volume has one process",
    ),
    "a mode that is none": (f"servers: {{t: {{source: '{TIME}', mode: alone}}}}", "servers.t.mode"),
    "an unknown tier": ("clients: {codex: {tier: gold}}", "no tier 'gold'; there is enterprise, free, pro"),
    "an unknown server": (
        f"servers: {{time: '{TIME}'}}\nclients: {{codex: {{servers: [tyme]}}}}",
        "mcp-fleet:clients.codex.servers.tyme: no server 'tyme'; did you mean 'time'?",
    ),
    "tools that are none": (
        f"servers: {{time: '{TIME}'}}\nclients: {{codex: {{servers: {{time: 7}}}}}}",
        "a list of tool names",
    ),
    "the operator": ("clients: {operator: {}}", "always exists"),
    "a missing secret": (
        f"servers: {{time: {{source: '{TIME}', secrets: [TOKEN]}}}}",
        "the secret TOKEN of server 'time' is not set; set it: pulumi config set --secret --path",
    ),
    "a secret for nobody": (
        f"servers: {{time: '{TIME}'}}\nsecrets: {{tim: {{A: {{secure: x}}}}}}",
        (
            "mcp-fleet:secrets.tim: no server has this name; "
            "remove it: pulumi config rm --path 'mcp-fleet:secrets.tim'; did you mean 'time'?"
        ),
    ),
    "a secret that is also plain": (
        f"servers: {{time: {{source: '{TIME}', env: {{A: x}}}}}}\nsecrets: {{time: {{A: {{secure: x}}}}}}",
        "mcp-fleet:servers.time.env.A: is also a secret",
    ),
    "a database in a variable that is a secret already": (
        f"servers: {{time: {{source: '{TIME}', database: A}}}}\nsecrets: {{time: {{A: {{secure: x}}}}}}",
        "mcp-fleet:servers.time.database: A is also a secret of this server; remove one of both",
    ),
    "a database in a variable that is plain": (
        f"servers: {{time: {{source: '{TIME}', database: A, env: {{A: x}}}}}}",
        "mcp-fleet:servers.time.env.A: is also the variable of its database",
    ),
    "a secret in plain text": (
        f"servers: {{time: '{TIME}'}}\nsecrets: {{time: {{A: hunter2}}}}",
        "pulumi config set --secret --path 'mcp-fleet:secrets.time.A'",
    ),
    "a remote server without its secret": (
        "servers: {r: {source: 'https://r.example/mcp', headers: {Authorization: 'Bearer {KEY}'}}}",
        "the secret KEY of server 'r' is not set; set it: pulumi config set --secret --path",
    ),
    "a credential in plain text": (
        "servers: {r: {source: 'https://r.example/mcp', headers: {X-Api-Key: hunter2}}}",
        "servers.r.headers.X-Api-Key: would stand in plain text",
    ),
    "a client's secret in plain text": (
        f"servers: {{r: {{{REMOTE}, {auth(secret='hunter two')}}}}}",
        "r.auth.client-secret",
    ),
    "a token endpoint without TLS": (
        f"servers: {{r: {{{REMOTE}, {auth(url='http://r.example/t')}}}}}",
        "r.auth.token-url",
    ),
    "an unknown key of auth": (
        f"servers: {{r: {{{REMOTE}, auth: {{token-urls: x}}}}}}",
        "unknown key; did you mean 'token-url'?",
    ),
    "two credentials": (
        f"servers: {{r: {{{REMOTE}, headers: {{Authorization: 'Bearer {{A}}'}}, {auth()}}}}}\n{HAS_A}",
        "`auth` sets it; remove one of both",
    ),
    "a header of the protocol": (
        "servers: {r: {source: 'https://r.example/mcp', headers: {Mcp-Session-Id: x}}}",
        "the protocol itself sets",
    ),
    "a volume elsewhere": (
        "servers: {r: {source: 'https://r.example/mcp', volume: true}}",
        "servers.r.volume: a remote",
    ),
    "headers for a package": (f"servers: {{t: {{source: '{TIME}', headers: {{A: b}}}}}}", "is for remote servers"),
    "a path that is not there": ("servers: {c: ./servers/nowhere}", "there is no folder"),
    "a path that is no project": ("servers: {c: ./images}", "has no pyproject.toml"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_names_the_file_the_key_and_the_remedy(case: str) -> None:
    text, expected = BAD[case]
    said = refusal(text)
    assert expected in said
    assert "Pulumi.dev.yaml" in said
    assert "hunter2" not in said


def test_a_problem_names_its_line() -> None:
    said = refusal(f"port: 8080\nservers:\n  time: {TIME}\n  other: nonsense")
    assert "Pulumi.dev.yaml:5: mcp-fleet:servers.other.source" in said


def test_all_problems_are_told_at_once_in_the_order_of_the_file() -> None:
    said = refusal("port: 0\nservers: {time: nonsense}\nzzz: 1")
    assert "for 3 reasons" in said
    assert said.index("mcp-fleet:port") < said.index("mcp-fleet:servers") < said.index("mcp-fleet:zzz")


def test_two_servers_of_one_name_are_refused() -> None:
    said = refusal(f"servers:\n  time: {TIME}\n  time: {TIME}")
    assert "there are two servers of this name (lines 3 and 4)" in said


def test_a_name_may_fill_a_dns_label_and_no_more() -> None:
    stack = "s" * 20
    fits = "n" * (63 - len(stack) - 1)
    assert fits in parse_text(f"servers: {{{fits}: '{TIME}'}}", stack=stack).servers
    assert "is too long: 43 characters, 42 fit" in refusal(f"servers: {{{fits}n: '{TIME}'}}", stack=stack)


@pytest.mark.parametrize("stack", ["Dev", "my_stack", "-x", "a.b"])
def test_a_stack_whose_name_docker_refuses_is_refused(stack: str) -> None:
    assert f"the stack's name {stack!r}" in refusal("port: 8080", stack=stack)


def test_a_project_with_several_commands_must_say_which(tmp_path: Path) -> None:
    project = tmp_path / "server"
    project.mkdir()
    manifest = project / "pyproject.toml"
    manifest.write_text('[project]\nname = "x"\nversion = "1"\n[project.scripts]\na = "x:a"\nb = "x:b"\n')
    assert "has 2 entries under [project.scripts]" in refusal("servers: {c: ./server}", root=tmp_path)
    manifest.write_text('[project]\nname = "a"\nversion = "1"\n[project.scripts]\na = "x:a"\nb = "x:b"\n')
    parse_text("servers: {c: ./server}", root=tmp_path)
    manifest.write_text("[project")
    assert "no valid TOML" in refusal("servers: {c: ./server}", root=tmp_path)


def test_the_model_has_a_text_for_every_key() -> None:
    for model in (StackConfig, ServerConfig):
        assert [name for name, field in model.model_fields.items() if not field.description] == []
