"""One replica: everything put together, from start to the last answer."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from mcp_wire.registration import Registration

from . import child_metrics, logs
from .admission import LOOPBACK, Admission
from .caching import Caching
from .child_metrics import ChildMetrics
from .container import ControlGroup, CpuGauge
from .core import revisions
from .core.callers import Caller, Session
from .core.calls import ClientCall
from .core.errors import UNAVAILABLE, RpcError
from .core.link import Link
from .core.reviewed_tools import ReviewedTools
from .core.sessions import SessionTable
from .core.spans import Spans
from .core.switchboard import Switchboard
from .core.turns import Turns
from .credentials import Credentials
from .endpoint import Endpoint
from .health import Health
from .http import answer
from .http.connection import Connection
from .http.listener import Listener
from .http.reply import Reply
from .http.request import Request
from .intake import Intake
from .pages import Pages
from .processes import Processes
from .processes.run import ChildSettings
from .processes.strategy import Strategy, make_processes
from .records import Records
from .redaction import Redactor
from .registrar import Registrar
from .reload import Changeable, ReloadFile
from .reviewed_tools_file import read_reviewed_tools
from .settings import PREFIX, QUARANTINE, Settings

if TYPE_CHECKING:
    from .metrics import Readings

ENDPOINT: Final = (b"/mcp", b"/mcp/")
LEAVE_SECONDS: Final = 1.0
"""After leaving Consul: as long, calls that are on their way here are still served."""


class Service:
    """A replica. `run` it; it returns the exit status.

    Arguments:
        settings: the command line.
        secrets: the child's secret variables.
        credentials: secrets of the bridge itself.
        redactor: masks secret values in what is shown.
        metrics_folder: where the child may count, None where it can't.
    """

    def __init__(
        self,
        settings: Settings,
        secrets: dict[str, str],
        credentials: Credentials,
        redactor: Redactor,
        metrics_folder: Path | None,
    ) -> None:
        self._settings = settings
        self.max_body_bytes = settings.max_body_bytes
        spans = Spans(None if settings.otlp_endpoint is None else settings.trace_ratio)
        self._records = Records(settings, spans, lambda: self._processes.survey.tool_names)
        self._container = ControlGroup()
        self._cpus = CpuGauge(self._container.cpu_seconds)
        sessions = SessionTable(
            maximum=settings.max_sessions,
            idle_seconds=settings.session_seconds,
            closed=self._session_closed,
        )
        self._reviewed = ReviewedTools(
            read_reviewed_tools(settings.reviewed_tools),
            quarantine=settings.on_tool_change == QUARANTINE,
            differs=self._tools_differ,
        )
        self._caching = self._make_caching(credentials.cache_redis_password)
        self._switchboard = Switchboard(
            sessions,
            settled=self._settled,
            list_changed=self._list_changed,
            later=_later,
            again=self._again,
            spans=spans,
            reviewed=self._reviewed,
            cache=None if self._caching is None else self._caching.results,
        )
        child = ChildSettings(
            command=settings.command,
            environment=child_environment(secrets, metrics_folder),
            start_seconds=settings.start_seconds,
            max_message_bytes=settings.max_message_bytes,
            ping_seconds=settings.ping_seconds,
        )
        strategy = Strategy(
            mode=settings.mode,
            workers=settings.workers,
            pool=settings.pool,
            max_children=settings.max_children,
            breaker_seconds=settings.breaker_seconds,
            session_seconds=settings.session_seconds,
        )
        self._processes: Processes = make_processes(
            strategy,
            child,
            self._switchboard,
            redactor,
            ready=self._child_ready,
            renew=self._switchboard.renew,
            lost=lambda session: self._switchboard.end_session(None, session),
            surveyed=lambda found: self._reviewed.survey(found.fingerprints),
        )
        self._listener = Listener(self, self._sweep)
        self._registrar = None if settings.consul is None else Registrar(settings.consul, self._describe)
        self._health = Health(
            settings.name,
            self._processes,
            self._registrar,
            self._caching,
            self._records.counts,
            lambda: len(sessions),
            self._reviewed,
        )
        counted = None if metrics_folder is None else ChildMetrics(metrics_folder)
        self._pages = Pages(settings.name, self._health, self._records.counts, self._readings, counted)
        admission = Admission(
            gateway_token=credentials.gateway_token,
            check_host=credentials.gateway_token is None and settings.host in LOOPBACK,
            origins=frozenset(settings.allow_origin),
        )
        self._reload = None if settings.reload_file is None else ReloadFile(settings.reload_file, self._change)
        self._turns = Turns(settings.max_concurrent, settings.max_queue)
        intake = Intake(
            self._processes,
            self._switchboard,
            self._turns,
            time.monotonic,
            self._records.ended,
            None if self._caching is None else self._caching.repeats,
            self._reviewed,
        )
        self._endpoint = Endpoint(admission, self._processes, self._switchboard, intake, self.refused, time.monotonic)

    # http.application.Application

    def serve(self, request: Request, reply: Reply) -> None:
        """Serve one request."""
        try:
            if request.head.path in ENDPOINT:
                self._endpoint.serve(reply)
            else:
                self._pages.serve(reply)
        except Exception as error:  # noqa: BLE001 - a fault must cost one request, and not look like the client's
            logs.fault("request_failed", error, path=request.head.path.decode("latin-1"))
            reply.complete(500, answer.TEXT, b"Internal error.\n")
            self.refused(500)

    def refused(self, status: int) -> None:
        """An HTTP request was refused before it was one of MCP."""
        self._records.counts.http_refused(status)

    def hung_up(self, reply: Reply) -> None:
        """A client left before it had its answer."""
        self._endpoint.hung_up(reply)

    def closed(self, connection: Connection) -> None:
        """A connection is no more."""
        self._listener.forget(connection)

    # The life of the replica

    async def run(self) -> int:
        """Serve until SIGTERM or SIGINT (status 0), or until the child can't be kept up (status 1)."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(logs.fault_in_the_loop)
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        if self._reload is not None:
            self._reload.load()
            loop.add_signal_handler(signal.SIGHUP, self._reload.reload)
        await self._listener.open(self._settings.host, self._settings.port)
        logs.info("listening", host=self._settings.host, port=self._listener.port)
        self._processes.start()
        # Now, while the server process starts, which takes longer, and not when Prometheus asks first.
        await asyncio.sleep(0)
        self._pages.load()
        self._records.start()
        if self._registrar is not None:
            self._registrar.start()
        stopping = asyncio.create_task(stop.wait())
        waiting: set[asyncio.Future[Any]] = {stopping, self._processes.gave_up}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        gave_up = self._processes.gave_up.done()
        await self._drain(0 if gave_up else self._settings.drain_seconds)
        if gave_up:
            logs.error("gave_up", reason=self._processes.gave_up.result())
            return 1
        logs.info("stopped")
        return 0

    async def _drain(self, seconds: float) -> None:
        """Leave Consul, serve what is in flight, close the rest politely, end the child."""
        deadline = time.monotonic() + seconds
        self._health.draining = True
        logs.info("draining", seconds=seconds)
        self._listener.drain()
        if self._registrar is not None:
            await self._registrar.leave()
            await asyncio.sleep(min(LEAVE_SECONDS, max(0.0, deadline - time.monotonic())))
        self._endpoint.end_streams()
        self._listener.stop_accepting()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + max(0.0, deadline - time.monotonic())):
                await self._listener.answered()
        for link in self._processes.links():
            for call in list(link.client_calls):
                call.failed(RpcError(UNAVAILABLE, "The server is shutting down. Whether this call ran is not known."))
        await self._processes.stop()
        await self._listener.close()
        await self._records.stop()
        if self._caching is not None:
            await self._caching.close()

    def _make_caching(self, redis_password: str | None) -> Caching | None:
        if self._settings.cache == "off":
            return None
        return Caching(
            self._settings,
            redis_password,
            hit=self._records.counts.cache_hit,
            repeatable=lambda: self._processes.survey.repeatable,
        )

    # What the parts tell

    def _child_ready(self, link: Link) -> None:
        self._switchboard.renew(link)
        if self._caching is not None and link.profile is not None:
            self._caching.serves(link.profile)
        if self._registrar is not None:
            self._registrar.look()

    def _list_changed(self, link: Link) -> None:
        self._processes.survey_again(link)

    def _tools_differ(self, reviewed: ReviewedTools) -> None:
        if not reviewed.quarantined:
            logs.warning("tools_changed", tools=reviewed.named)
            return
        logs.error("quarantined", reason=reviewed.reason)
        if self._registrar is not None:
            self._registrar.look()

    def _session_closed(self, session: Session) -> None:
        self._processes.release(session)

    def _again(self, caller: Caller, proceed: Callable[[Link | RpcError], None]) -> None:
        self._processes.wait(caller, proceed)

    def _settled(self, call: ClientCall, code: int) -> None:
        self._records.settled(call, code)
        self._turns.end()
        if self._caching is not None:
            self._caching.repeats.settled(call, code)

    def _sweep(self, now: float) -> None:
        self._endpoint.sweep(time.monotonic(), self._listener.replies())
        self._records.next_second()
        if self._caching is not None:
            self._caching.look()
        if self._reload is not None:
            self._reload.look()

    def _change(self, wanted: Changeable) -> None:
        settings = self._settings
        self.max_body_bytes = wanted.max_body_bytes or settings.max_body_bytes
        self._switchboard.sessions.limit(
            maximum=wanted.max_sessions or settings.max_sessions,
            idle_seconds=wanted.session_seconds or settings.session_seconds,
        )
        self._turns.limit(
            settings.max_concurrent if wanted.max_concurrent is None else wanted.max_concurrent,
            settings.max_queue if wanted.max_queue is None else wanted.max_queue,
        )
        if self._caching is not None:
            self._caching.results.limit(wanted.cache_entries or settings.cache_entries)
        logs.set_level(wanted.log_level or settings.log_level)
        logs.info("reloaded", file=str(settings.reload_file), **msgspec.to_builtins(wanted))

    def _describe(self, address: str) -> Registration | None:
        """Return this replica's entry in Consul, None while nothing should be sent here."""
        status = self._processes.status()
        if not self._health.ready or status.profile is None or status.survey.empty:
            return None
        return Registration(
            server=self._settings.name,
            slot=self._settings.slot,
            task=self._settings.task,
            address=address,
            port=self._listener.port,
            version=status.profile.version,
            revisions=revisions.SERVED,
            capabilities=tuple(sorted(status.profile.capabilities)),
        )

    def _readings(self) -> "Readings":
        from .metrics import Readings

        status = self._processes.status()
        caching, tracing = self._caching, self._records.tracing
        return Readings(
            healthy=self._health.problem(status) is None,
            sessions=len(self._switchboard.sessions),
            connections=len(self._listener),
            in_flight=status.in_flight,
            queued=len(self._turns),
            waiting_for_equal=0 if caching is None else len(caching.repeats),
            redis_up=None if caching is None else caching.redis_up,
            tools_differing=len(self._reviewed.differences) if self._reviewed.known else None,
            breaker=status.breaker,
            restarts=status.restarts,
            spans_sent=0 if tracing is None else tracing.sent,
            spans_dropped=0 if tracing is None else tracing.dropped,
            cpus=self._cpus.read(),
            memory_bytes=self._container.memory_bytes(),
        )


def _later(seconds: float, act: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_later(seconds, act)


def child_environment(secrets: dict[str, str], metrics_folder: Path | None) -> dict[str, str]:
    """Return the child's variables: our own without the bridge's options, where to count, and the secrets."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    counting = {} if metrics_folder is None else {child_metrics.VARIABLE: str(metrics_folder)}
    return inherited | counting | secrets
