"""The command line, with an environment variable for every option."""

import argparse
import os
import secrets
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from .core.result_cache import ENTRIES
from .core.sessions import IDLE_SECONDS, MAXIMUM
from .core.turns import PLACES
from .processes.breaker import BREAKER_SECONDS
from .processes.pings import SECONDS as PING_SECONDS
from .processes.strategy import MODES, Mode

PREFIX: Final = "MCP_BRIDGE_"
REPORT: Final = "report"
QUARANTINE: Final = "quarantine"
EXAMPLE: Final = """\
examples:
  mcp-bridge --port 8080 -- mcp-server-time
      then point a client at http://localhost:8080/mcp
  mcp-bridge --port 8080 --secrets-dir ./secrets -- npx -y @modelcontextprotocol/server-everything
      every file in ./secrets becomes an environment variable of the server, and of nothing else

Every option can be given as an environment variable instead: --drain-seconds is MCP_BRIDGE_DRAIN_SECONDS.
"""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How one bridge runs. Times are in seconds, sizes in bytes; the options' help says what each is."""

    command: tuple[str, ...]
    host: str
    port: int
    name: str
    secrets_dir: Path | None
    gateway_token_file: Path | None
    consul: str | None
    slot: int
    task: str
    drain_seconds: float
    start_seconds: float
    allow_origin: tuple[str, ...]
    max_body_bytes: int
    max_message_bytes: int
    max_sessions: int
    session_seconds: float
    mode: Mode
    max_concurrent: int
    max_queue: int
    cache: str
    cache_entries: int
    cache_redis: str | None
    cache_redis_password_file: Path | None
    cache_release: str
    workers: int
    pool: int
    max_children: int | None
    breaker_seconds: float
    ping_seconds: float
    reviewed_tools: Path | None
    on_tool_change: str
    log_level: str
    otlp_endpoint: str | None
    trace_ratio: float
    reload_file: Path | None


class _EnvironmentParser(argparse.ArgumentParser):
    """Takes the default of every option from the environment."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        super().__init__(
            prog="mcp-bridge",
            description="Serve a stdio MCP server over streamable HTTP, to clients of every protocol revision.",
            epilog=EXAMPLE,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        self.environment = environment

    def option(
        self, name: str, *, default: str | None, text: str, kind: type = str, metavar: str | None = None
    ) -> None:
        """Add an option whose default may be overridden by its variable."""
        variable = PREFIX + name.removeprefix("--").upper().replace("-", "_")
        value = self.environment.get(variable) or default
        shown = f" (default: {default})" if default is not None else ""
        self.add_argument(name, default=value, type=kind, metavar=metavar, help=f"{text}{shown} [{variable}]")


def parse(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> Settings:
    """Read the command line. Exits with status 2 and says why where it is wrong."""
    parser = _parser(os.environ if environment is None else environment)
    own, command = _split(arguments)
    given = parser.parse_args(own)
    if not command:
        parser.error("the server's command is missing: mcp-bridge [options] -- COMMAND [ARGUMENTS]")
    for name in (
        "start_seconds",
        "max_body_bytes",
        "max_message_bytes",
        "max_sessions",
        "session_seconds",
        "cache_entries",
        "workers",
        "breaker_seconds",
        "ping_seconds",
    ):
        if getattr(given, name) <= 0:
            parser.error(f"--{name.replace('_', '-')} must be more than 0")
    if not 0 <= given.trace_ratio <= 1:
        parser.error("--trace-ratio must be from 0 to 1")
    if given.otlp_endpoint and not given.otlp_endpoint.startswith(("http://", "https://")):
        parser.error("--otlp-endpoint must be a URL such as http://collector:4318")
    if given.mode not in MODES:
        parser.error(f"--mode must be one of {', '.join(MODES)}")
    if given.pool < 0 or (given.max_children is not None and given.max_children < 1):
        parser.error("--pool must be 0 or more, and --max-children 1 or more")
    for name in ("max_concurrent", "max_queue"):
        if getattr(given, name) < 0:
            parser.error(f"--{name.replace('_', '-')} must not be less than 0")
    fault = _cache_fault(given.cache, given.cache_redis, given.cache_redis_password_file)
    if fault is not None:
        parser.error(fault)
    host = given.host or ("0.0.0.0" if given.gateway_token_file else "127.0.0.1")  # noqa: S104 - the token guards it
    return Settings(
        command=tuple(command),
        host=host,
        port=given.port,
        name=given.name or Path(command[0]).name,
        secrets_dir=given.secrets_dir,
        gateway_token_file=given.gateway_token_file,
        consul=given.consul,
        slot=given.slot,
        task=given.task or f"{socket.gethostname()[:12]}{secrets.token_hex(4)}",
        drain_seconds=given.drain_seconds,
        start_seconds=given.start_seconds,
        allow_origin=tuple(origin for origin in (given.allow_origin or "").split(",") if origin),
        max_body_bytes=given.max_body_bytes,
        max_message_bytes=given.max_message_bytes,
        max_sessions=given.max_sessions,
        session_seconds=given.session_seconds,
        mode=given.mode,
        max_concurrent=given.max_concurrent,
        max_queue=given.max_queue,
        cache=given.cache,
        cache_entries=given.cache_entries,
        cache_redis=given.cache_redis,
        cache_redis_password_file=given.cache_redis_password_file,
        cache_release=given.cache_release,
        workers=given.workers,
        pool=given.pool,
        max_children=given.max_children,
        breaker_seconds=given.breaker_seconds,
        ping_seconds=given.ping_seconds,
        reviewed_tools=given.reviewed_tools,
        on_tool_change=given.on_tool_change,
        log_level=given.log_level,
        otlp_endpoint=given.otlp_endpoint,
        trace_ratio=given.trace_ratio,
        reload_file=given.reload_file,
    )


def _cache_fault(cache: str, redis: str | None, password_file: Path | None) -> str | None:
    if redis is None:
        return None if password_file is None else "--cache-redis-password-file needs --cache-redis"
    if cache == "off":
        return "--cache-redis needs --cache memory"
    try:
        url = urlsplit(redis)
        valid = url.scheme in {"redis", "rediss"} and url.hostname is not None and url.port != 0
    except ValueError:
        valid = False
    if not valid:
        return "--cache-redis must be a URL such as redis://user@redis:6379"
    if url.password is not None or "password" in url.query:
        return (
            "--cache-redis has a password, which anybody could read there: name its file by --cache-redis-password-file"
        )
    return None


def _split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    given = list(arguments)
    if "--" not in given:
        return given, []
    at = given.index("--")
    return given[:at], given[at + 1 :]


def _parser(environment: Mapping[str, str]) -> _EnvironmentParser:
    parser = _EnvironmentParser(environment)
    option = parser.option
    option("--port", default="8080", kind=int, text="port to listen on; 0 takes a free one and logs it")
    option(
        "--host",
        default=None,
        text="address to listen on; 127.0.0.1, or 0.0.0.0 with --gateway-token-file, unless given",
    )
    option("--name", default=None, text="the server's name in logs, metrics and Consul; its command unless given")
    option("--secrets-dir", default=None, kind=Path, metavar="DIR", text="files that become the server's variables")
    option(
        "--gateway-token-file",
        default=None,
        kind=Path,
        metavar="FILE",
        text="the token that every request to /mcp must carry in x-mcp-gateway-token",
    )
    option("--consul", default=None, metavar="URL", text="Consul to register at, such as http://consul:8500")
    option("--slot", default="1", kind=int, text="number of this replica")
    option("--task", default=None, text="identifier of this very container")
    option("--drain-seconds", default="10", kind=float, text="on SIGTERM: time for calls in flight to end")
    option("--start-seconds", default="30", kind=float, text="time for the server to answer after its start")
    option("--allow-origin", default=None, metavar="ORIGIN,…", text="web origins that may call, besides localhost")
    option("--max-body-bytes", default=str(4 * 1024 * 1024), kind=int, text="largest request")
    option("--max-message-bytes", default=str(32 * 1024 * 1024), kind=int, text="largest message of the server")
    option("--max-sessions", default=str(MAXIMUM), kind=int, text="most sessions at a time")
    option("--session-seconds", default=str(int(IDLE_SECONDS)), kind=float, text="idle time that ends a session")
    parser.add_argument(
        "--cache",
        default=environment.get(PREFIX + "CACHE") or "off",
        choices=("off", "memory"),
        help="memory: keep lists, and answers of tools that are declared read-only and idempotent, for up to five "
        f"minutes (default: off) [{PREFIX}CACHE]",
    )
    option("--cache-entries", default=str(ENTRIES), kind=int, text="most results that are kept at a time")
    option(
        "--cache-redis",
        default=None,
        metavar="URL",
        text="Redis in which the replicas of this server share what they keep, such as redis://mcp-time@redis:6379",
    )
    option("--cache-redis-password-file", default=None, kind=Path, metavar="FILE", text="password of that URL's user")
    option(
        "--cache-release",
        default="",
        metavar="TEXT",
        text="what results hang on besides what the server says of itself: replicas of another text share nothing",
    )
    parser.add_argument(
        "--mode",
        default=environment.get(PREFIX + "MODE") or "auto",
        choices=MODES,
        help="shared: one process for all clients; isolated: one for each session; auto: what suits what the server "
        f"declares (default: auto) [{PREFIX}MODE]",
    )
    option("--workers", default="1", kind=int, text="processes among which the clients that share are divided")
    option("--pool", default="1", kind=int, text="processes that are kept started for sessions to come, if isolated")
    option(
        "--max-children",
        default=None,
        kind=int,
        text="most processes of sessions, if isolated; as many as the memory limit has room for unless given",
    )
    option(
        "--max-concurrent",
        default="1000",
        kind=int,
        text="most calls that the server's processes have at a time; more wait, by tier; 0 is any number",
    )
    option("--max-queue", default=str(PLACES), kind=int, text="most calls that wait; the lowest tier is refused first")
    option(
        "--breaker-seconds",
        default=str(int(BREAKER_SECONDS)),
        kind=float,
        text="five failures of a process within it: it is left alone, and calls are refused, for as long",
    )
    option(
        "--ping-seconds",
        default=str(int(PING_SECONDS)),
        kind=float,
        text="pause between two pings of a process; one that leaves three without a word hangs",
    )
    option(
        "--otlp-endpoint", default=None, metavar="URL", text="OTLP receiver for traces, such as http://collector:4318"
    )
    option(
        "--reload-file",
        default=None,
        kind=Path,
        metavar="FILE",
        text="JSON with max-body-bytes, max-sessions, session-seconds, max-concurrent, max-queue, cache-entries and "
        "log-level, read again when it changes",
    )
    option(
        "--trace-ratio", default="0.1", kind=float, text="part of the calls without a trace of the client's to record"
    )
    option(
        "--reviewed-tools",
        default=None,
        kind=Path,
        metavar="FILE",
        text="JSON with the hash of each tool that was reviewed, by name: the server's tools are compared with them",
    )
    parser.add_argument(
        "--on-tool-change",
        default=environment.get(PREFIX + "ON_TOOL_CHANGE") or REPORT,
        choices=(REPORT, QUARANTINE),
        help="what a tool that is not as reviewed does: report it, or end the service before a client sees it "
        f"(default: {REPORT}) [{PREFIX}ON_TOOL_CHANGE]",
    )
    parser.add_argument(
        "--log-level",
        default=environment.get(PREFIX + "LOG_LEVEL") or "info",
        choices=("debug", "info", "warning", "error"),
        help=f"least severe lines to log (default: info) [{PREFIX}LOG_LEVEL]",
    )
    return parser
