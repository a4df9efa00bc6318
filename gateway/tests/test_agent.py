"""The whole gateway: its two commands as processes, with a real Consul, Envoy and DNS."""

import asyncio
import contextlib
import io
import json
import os
import signal
import sys
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import docker
import httpx2
import pytest
from mcp_wire.consul import Consul, ConsulError
from mcp_wire.registration import Registration

from dev.environment import environment
from gateway.tests.policies import key
from gateway.tests.rig import ACCEPT, DEADLINE_SECONDS, LIST, MASTER, Load, Replica, until
from tests.ports import free_port

pytestmark = [pytest.mark.anyio, pytest.mark.engine, pytest.mark.timeout(120)]

COMMANDS = Path(sys.executable).parent
ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60.0
EVERYONE: dict[str, Any] = {"codex": {}}


class Machine:
    """The processes of one test, and what they share."""

    def __init__(self, folder: Path, consul_program: Path, stack: contextlib.AsyncExitStack) -> None:
        self.folder = folder
        self._consul_program = consul_program
        self._stack = stack
        self.time: Replica
        self.running: dict[str, asyncio.subprocess.Process] = {}
        self.consul_port, self.policy_port, self.port, self.metrics_port = (free_port() for _ in range(4))
        self.consul = Consul(f"http://127.0.0.1:{self.consul_port}")
        (folder / "master").write_text(MASTER + "\n")

    async def process(self, *command: str | Path) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(*map(str, command), stdin=asyncio.subprocess.DEVNULL)
        self._stack.push_async_callback(_end, process)
        self.running[Path(command[0]).name] = process
        return process

    async def start_consul(self) -> asyncio.subprocess.Process:
        ports = [f"-{name}-port={free_port()}" for name in ("server", "serf-lan", "serf-wan")]
        process = await self.process(
            self._consul_program, "agent", "-dev", "-log-level=err", "-bind=127.0.0.1", "-client=127.0.0.1",
            f"-http-port={self.consul_port}", "-dns-port=-1", "-grpc-port=-1", *ports,
        )  # fmt: skip
        await until(self._consul_leads, START_SECONDS)
        return process

    async def start_policy(self, clients: dict[str, Any]) -> asyncio.subprocess.Process:
        policy, keys = self.folder / "policy.json", self.folder / "keys.json"
        policy.write_text(json.dumps({"clients": clients}))
        keys.write_text(json.dumps({name: [key(name)] for name in (*clients, "operator")}))
        return await self.process(
            COMMANDS / "mcp-policy", "--host", "127.0.0.1", "--port", str(self.policy_port),
            "--policy-file", policy, "--keys-file", keys, "--master-file", self.folder / "master",
        )  # fmt: skip

    async def start_gateway(self) -> asyncio.subprocess.Process:
        # Every server's replicas are on localhost, so that is the name under which DNS lists them.
        return await self.process(
            COMMANDS / "mcp-gateway", "--port", str(self.port), "--metrics-port", str(self.metrics_port),
            "--consul", self.consul.address, "--policy", f"http://127.0.0.1:{self.policy_port}", "--prometheus", "",
            "--master-file", self.folder / "master", "--service-dns", "localhost",
            "--state-dir", self.folder / "state", "--drain-seconds", "8",
        )  # fmt: skip

    async def replica(self, name: str) -> Replica:
        replica = await Replica(name).start()
        self._stack.push_async_callback(replica.stop)
        return replica

    async def register(self, replica: Replica, server: str, address: str = "127.0.0.1") -> Registration:
        registration = Registration(
            server=server, slot=1, task=replica.name, address=address, port=replica.port,
            version="1", revisions=("2025-11-25",), capabilities=("tools",),
        )  # fmt: skip
        await self.consul.register(registration, ttl_seconds=3600, passing=True)
        return registration

    def url(self, server: str) -> str:
        return f"http://127.0.0.1:{self.port}/{server}/mcp"

    async def status(self, server: str, client: str = "codex") -> int:
        """Return the status of a call, 0 where nobody listens."""
        headers = {**ACCEPT, "authorization": f"Bearer {key(client)}"}
        async with httpx2.AsyncClient(timeout=DEADLINE_SECONDS) as http:
            try:
                return (await http.post(self.url(server), json=LIST, headers=headers)).status_code
            except httpx2.ConnectError:
                return 0

    async def answers(self, server: str, status: int, client: str = "codex", seconds: float = DEADLINE_SECONDS) -> None:
        async def does() -> bool:
            return await self.status(server, client) == status

        await until(does, seconds)

    async def is_registered(self) -> bool:
        """Tell whether Consul lists the gateway."""
        return "gateway" in await self.consul.services()

    async def _consul_leads(self) -> bool:
        with contextlib.suppress(ConsulError):
            return "consul" in await self.consul.services()
        return False


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a process by SIGTERM, so that a gateway takes its Envoy along."""
    if process.returncode is None:
        process.terminate()
        await asyncio.wait_for(process.wait(), START_SECONDS)


@contextlib.asynccontextmanager
async def with_consul(folder: Path, consul_program: Path) -> AsyncIterator[Machine]:
    async with contextlib.AsyncExitStack() as stack:
        made = Machine(folder, consul_program, stack)
        await stack.enter_async_context(made.consul)
        await made.start_consul()
        yield made


@contextlib.asynccontextmanager
async def serving(folder: Path, consul_program: Path) -> AsyncIterator[Machine]:
    """A gateway that serves the server `time` with one replica."""
    async with with_consul(folder, consul_program) as made:
        made.time = await made.replica("time")
        await made.register(made.time, "time")
        await made.start_policy(EVERYONE)
        await made.start_gateway()
        await made.answers("time", 200, seconds=START_SECONDS)
        await until(made.is_registered)
        yield made


@pytest.fixture(scope="module")
def consul_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program in the image that the fleet runs: this machine need not have one of its own."""
    settings = environment()
    lock = Path(settings.get("MCP_FLEET_IMAGES_LOCK", ROOT / "images.lock.json"))
    folder = tmp_path_factory.mktemp("consul")
    with contextlib.closing(docker.DockerClient(base_url=settings["DOCKER_HOST"])) as client:
        image = client.images.pull(json.loads(lock.read_text())["consul"])
        container = client.containers.create(image)
        try:
            content, _ = container.get_archive("/bin/consul")
            with tarfile.open(fileobj=io.BytesIO(b"".join(content))) as archive:
                program = archive.extractfile("consul")
                assert program is not None
                (folder / "consul").write_bytes(program.read())
        finally:
            container.remove()
    (folder / "consul").chmod(0o755)
    return folder / "consul"


@pytest.fixture(scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory, consul_program: Path) -> AsyncIterator[Machine]:
    """One for all tests that leave it as it was."""
    async with serving(tmp_path_factory.mktemp("shared"), consul_program) as made:
        yield made


@pytest.fixture
async def own(tmp_path: Path, consul_program: Path) -> AsyncIterator[Machine]:
    """One for a test that ends it."""
    async with serving(tmp_path, consul_program) as made:
        yield made


async def test_without_a_policy_nobody_gets_in(tmp_path: Path, consul_program: Path):
    async with with_consul(tmp_path, consul_program) as machine:
        await _starts_closed(machine)


async def _starts_closed(machine: Machine):
    await machine.register(await machine.replica("time"), "time")
    await machine.start_gateway()
    async with httpx2.AsyncClient() as http:

        async def is_up() -> bool:
            with contextlib.suppress(httpx2.ConnectError):
                return (await http.get(f"http://127.0.0.1:{machine.metrics_port}/healthz")).status_code == 503
            return False

        await until(is_up, START_SECONDS)
        assert await machine.status("time") == 0
        await machine.start_policy(EVERYONE)
        await machine.answers("time", 200, seconds=START_SECONDS)


async def test_replicas_come_and_go_by_consul_while_another_server_is_called(shared: Machine):
    async with Load(shared.url("time"), "codex") as load:
        one, two = await shared.replica("one"), await shared.replica("two")
        assert await shared.status("notes") == 404
        first = await shared.register(one, "notes")
        await shared.answers("notes", 200)
        await shared.register(two, "notes")
        async with Load(shared.url("notes"), "codex", clients=2) as on_it:
            await until(lambda: two.answered > 0)
            await shared.consul.deregister(first)
            await _gets_nothing(one, on_it, seconds=3)
            await one.stop()
            await on_it.goes_on()
        assert on_it.failed == {}
    assert load.failed == {}


async def test_a_server_without_replicas_is_503_not_404(shared: Machine):
    registration = await shared.register(shared.time, "brief")
    await shared.answers("brief", 200)
    await shared.consul.deregister(registration)
    await shared.answers("brief", 503)


async def test_a_registration_that_dns_does_not_confirm_gets_nothing(shared: Machine):
    thief = await shared.replica("thief")
    lies = [await shared.register(thief, server, address="127.0.0.2") for server in ("time", "made-up")]
    async with Load(shared.url("time"), "codex") as load, httpx2.AsyncClient(timeout=DEADLINE_SECONDS) as http:

        async def is_noticed() -> bool:
            text = (await http.get(f"http://127.0.0.1:{shared.metrics_port}/metrics")).text
            return "mcp_gateway_unverified_endpoints 2.0" in text

        await until(is_noticed)
        await load.goes_on(50)
    assert load.failed == {}
    assert thief.answered == 0
    assert await shared.status("made-up") == 404
    for lie in lies:
        await shared.consul.deregister(lie)


async def test_a_new_policy_reaches_a_running_gateway(shared: Machine):
    assert await shared.status("time", "guest") == 401
    async with Load(shared.url("time"), "codex") as load:
        shared.running["mcp-policy"].terminate()
        assert await shared.running["mcp-policy"].wait() == 0
        await shared.start_policy({"codex": {}, "guest": {"rpm": 60}})
        await shared.answers("time", 200, "guest")
    assert load.failed == {}
    assert shared.running["mcp-gateway"].returncode is None


async def test_without_consul_it_serves_on_and_outlasts_consuls_loss_of_memory(own: Machine):
    async with Load(own.url("time"), "codex") as load:
        await _end(own.running["consul"])
        await load.goes_on(50)
        await own.start_consul()
        await until(own.is_registered)
        assert "mcp-time" not in await own.consul.services()
        await load.goes_on(50)
        await own.register(own.time, "time")
        await own.register(own.time, "notes")
        await own.answers("notes", 200)
    assert load.failed == {}


async def test_sigterm_lets_clients_finish_and_fails_none(own: Machine):
    async with Load(own.url("time"), "codex") as load:
        own.time.hold.clear()
        await until(lambda: own.time.waiting == load.clients)
        own.running["mcp-gateway"].send_signal(signal.SIGTERM)
        await until(lambda: _is_gone(own))
        own.time.hold.set()
        await load.goes_on(50)
    assert load.failed == {}
    assert await asyncio.wait_for(own.running["mcp-gateway"].wait(), DEADLINE_SECONDS) == 0


async def test_the_end_of_envoy_is_the_end_of_the_gateway(own: Machine):
    gateway = own.running["mcp-gateway"]
    children = Path(f"/proc/{gateway.pid}/task/{gateway.pid}/children")
    (envoy,) = children.read_text().split()  # noqa: ASYNC240 - no disk
    os.kill(int(envoy), signal.SIGKILL)
    assert await asyncio.wait_for(gateway.wait(), DEADLINE_SECONDS) == 1


async def test_prometheus_finds_it_by_consul_and_reads_envoys_stats_and_its_own(shared: Machine):
    async with httpx2.AsyncClient(timeout=DEADLINE_SECONDS) as http:
        (entry,) = (await http.get(f"{shared.consul.address}/v1/health/service/gateway?passing")).json()
        service = entry["Service"]
        assert service["Tags"] == ["metrics"]
        url = f"http://{service['Address']}:{service['Port']}{service['Meta']['metrics_path']}"
        text = (await http.get(url)).text
    assert 'mcp_gateway_changes_total{result="applied"}' in text
    assert 'mcp_gateway_endpoints{server="time"} 1.0' in text
    assert "envoy_http_downstream_rq_total" in text
    assert key("codex") not in text


async def _is_gone(machine: Machine) -> bool:
    return not await machine.is_registered()


async def _gets_nothing(replica: Replica, load: Load, seconds: float) -> None:
    """Wait until `replica` has been passed over 20 times in a row."""
    async with asyncio.timeout(seconds):
        while True:
            before = replica.answered
            await load.goes_on(20)
            if replica.answered == before:
                return
