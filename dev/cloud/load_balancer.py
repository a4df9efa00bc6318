"""What network load balancers do: end TLS, and pass connections on to targets that are healthy.

Of their health checks the active ones are made, as the target group has them, and none of the passive ones, which may
find a lost target sooner: https://docs.aws.amazon.com/elasticloadbalancing/latest/network/target-group-health-checks.html
"""

import asyncio
import contextlib
import random
import ssl
import tempfile
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from moto.acm.models import acm_backends
from moto.ec2.models import ec2_backends
from moto.elbv2.models import elbv2_backends

from dev.cloud.aws_account import ACCOUNT
from dev.cloud.ec2 import LIVING, PublicAddresses
from dev.cloud.shell import run

CHUNK: Final = 64 * 1024
CONNECT_SECONDS: Final = 5.0
TURN_SECONDS: Final = 0.5
"""How often the account is looked at for other listeners and targets."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where a target listens, and how its health is checked.

    Attributes:
        path: what answers 200 there when it is healthy.
        interval: seconds from one check to the next.
        timeout: seconds that it has for an answer.
        healthy, unhealthy: after how many answers of a kind, one after the other, its state is another.
    """

    address: str
    port: int
    path: str
    interval: int
    timeout: int
    healthy: int
    unhealthy: int


@dataclass
class Health:
    """What the checks of a target said so far. The first one decides.

    Attributes:
        others: how many of the last answers, one after the other, speak against its state.
    """

    healthy: bool = False
    known: bool = False
    others: int = 0

    def note(self, target: Target, *, well: bool) -> None:
        """Take in one answer."""
        self.others = 0 if well == self.healthy else self.others + 1
        needed = target.healthy if well else target.unhealthy
        if not self.known or self.others >= needed:
            self.healthy, self.known, self.others = well, True, 0


@dataclass(frozen=True, kw_only=True)
class Check:
    """The checks of a target: what they said so far, and what makes them."""

    health: Health
    task: asyncio.Task[None]


@dataclass(frozen=True, kw_only=True)
class Listener:
    """A listener as its account has it."""

    arn: str
    dns_name: str
    port: int
    certificate: str = field(repr=False)
    key: str = field(repr=False)
    targets: frozenset[Target]


def listeners(region: str) -> list[Listener]:
    """Those of the account that forward to targets. Hold the account's turn."""
    balancing, instances = elbv2_backends[ACCOUNT][region], ec2_backends[ACCOUNT][region]
    living = {it.id: str(it.private_ip) for it in instances.all_instances() if it.state in LIVING}
    found: list[Listener] = []
    for balancer in balancing.load_balancers.values():
        for listener in balancer.listeners.values():
            certificate = acm_backends[ACCOUNT][region].get_certificate(str(listener.certificate))
            groups = [balancing.target_groups[action.data["TargetGroupArn"]] for action in listener.default_actions]
            targets = frozenset(
                Target(
                    address=living[target["Id"]],
                    port=int(target["Port"]),
                    path=str(group.health_check_path),
                    interval=int(group.health_check_interval_seconds),
                    timeout=int(group.health_check_timeout_seconds),
                    healthy=int(group.healthy_threshold_count),
                    unhealthy=int(group.unhealthy_threshold_count),
                )
                for group in groups
                for target in group.targets.values()
                if target["Id"] in living
            )
            found.append(
                Listener(
                    arn=listener.arn,
                    dns_name=balancer.dns_name,
                    port=int(listener.port),
                    certificate=certificate.cert.decode(),
                    key=certificate.key.decode(),
                    targets=targets,
                )
            )
    return found


class LoadBalancers:
    """Serves the listeners of an account, each load balancer at a public address of its own, until `close`."""

    def __init__(self, region: str, addresses: PublicAddresses, turn: threading.Lock) -> None:
        self._checks: dict[Target, Check] = {}
        self._region = region
        self._addresses = addresses
        self._turn = turn
        self._known: dict[str, str] = {}
        self._served: dict[str, tuple[Listener, asyncio.Server]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._watch = asyncio.run_coroutine_threadsafe(self._keep(), self._loop)

    def address(self, dns_name: str) -> str:
        """Where a load balancer answers. Raises KeyError where none of this name does."""
        if self._watch.done():
            self._watch.result()  # it never returns: this raises what ended it
        return self._known[dns_name]

    def certificate(self, dns_name: str) -> str:
        """The certificate of a load balancer."""
        return next(listener.certificate for listener, _ in self._served.values() if listener.dns_name == dns_name)

    def close(self) -> None:
        """Serve nothing any more."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _keep(self) -> None:
        async with asyncio.TaskGroup() as checks:
            while True:
                with self._turn:
                    wanted = {listener.arn: listener for listener in listeners(self._region)}
                for arn in self._served.keys() - wanted.keys():
                    await self._drop(arn)
                for arn, listener in wanted.items():
                    if arn in self._served:
                        self._served[arn] = (listener, self._served[arn][1])
                    else:
                        self._served[arn] = (listener, await self._serve(listener))
                targets = {target for listener in wanted.values() for target in listener.targets}
                for target in self._checks.keys() - targets:
                    self._checks.pop(target).task.cancel()
                for target in targets - self._checks.keys():
                    health = Health()
                    self._checks[target] = Check(health=health, task=checks.create_task(_check(target, health)))
                await asyncio.sleep(TURN_SECONDS)

    async def _serve(self, listener: Listener) -> asyncio.Server:
        address = self._known.get(listener.dns_name)
        if address is None:
            address = self._known[listener.dns_name] = self._addresses.next()
            run("ip", "address", "add", f"{address}/32", "dev", "lo")

        async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._pass_on(listener.arn, reader, writer)

        return await asyncio.start_server(passed_on, address, listener.port, ssl=_context(listener))

    async def _pass_on(self, arn: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Connect a client to one of the targets that are healthy; without one it is hung up on, as AWS does."""
        with contextlib.closing(writer):
            known = self._served[arn][0].targets if arn in self._served else frozenset()
            targets = [target for target in known if target in self._checks and self._checks[target].health.healthy]
            if not targets:
                return
            target = random.choice(targets)  # noqa: S311 - AWS chooses by a hash of the connection's addresses and ports
            with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                async with asyncio.timeout(CONNECT_SECONDS):
                    from_target, to_target = await asyncio.open_connection(target.address, target.port)
                with contextlib.closing(to_target):
                    await _first_of(_copy(reader, to_target), _copy(from_target, writer))

    async def _drop(self, arn: str) -> None:
        listener, server = self._served.pop(arn)
        server.close()
        if all(other.dns_name != listener.dns_name for other, _ in self._served.values()):
            run("ip", "address", "delete", f"{self._known.pop(listener.dns_name)}/32", "dev", "lo")

    async def _end(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for arn in list(self._served):
            await self._drop(arn)


def _context(listener: Listener) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:  # ssl reads keys from files alone
        certificate, key = Path(folder, "certificate"), Path(folder, "key")
        certificate.write_text(listener.certificate)
        key.write_text(listener.key)
        context.load_cert_chain(certificate, key)
    return context


async def _check(target: Target, health: Health) -> None:
    while True:
        health.note(target, well=await _answers(target))
        await asyncio.sleep(target.interval)


async def _answers(target: Target) -> bool:
    try:
        async with asyncio.timeout(target.timeout):
            reader, writer = await asyncio.open_connection(target.address, target.port)
            with contextlib.closing(writer):
                writer.write(f"GET {target.path} HTTP/1.1\r\nHost: health\r\nConnection: close\r\n\r\n".encode())
                return (await reader.readline()).split()[1:2] == [b"200"]
    except (OSError, TimeoutError):
        return False


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(CHUNK):
        writer.write(chunk)
        await writer.drain()


async def _first_of(*copies: Coroutine[Any, Any, None]) -> None:
    """Work until one side has nothing more to say."""
    tasks = [asyncio.ensure_future(copy) for copy in copies]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
