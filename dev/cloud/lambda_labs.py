"""Machines for the stand-in of Lambda Labs' account: each is booted with its user data, in a network of their own."""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from dev.cloud.cloud import Cloud
from dev.cloud.hosts import TUNNEL_PACKAGES, install
from dev.cloud.machine import Machine
from dev.cloud.network import Network, free_block
from dev.cloud.stack import CloudStack
from dev.cloud.user_data import first_start
from dev.errors import EngineError
from dev.lambda_cloud.account import Account
from dev.lambda_cloud.machines import Machine as Launched
from dev.lambda_cloud.machines import Times
from dev.lambda_cloud.server import LambdaCloud, Limits

AT_ONCE: Final = Times(boot=0.1, terminate=0.05, forget=0.05)
API_KEY: Final = "canary-of-the-account"
TUNNELS: Final = Path("/dev/net/tun")
BLOCKS: Final = [f"10.19.{third}.0/24" for third in range(256)]
FIRST: Final = 10
"""The last part of the first machine's private address."""


class LambdaLabsMachines:
    """The machines of one account by their ids. They reach those of the cloud at public addresses alone.

    Attributes:
        url: of the account's API.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.url = ""
        self.machines: dict[str, Machine] = {}
        self._cloud = cloud
        self._booted = 0
        # A machine ends with the thread that started it, and a request's thread ends with its connection.
        self._starter = ThreadPoolExecutor(max_workers=1)
        self._network = Network(f"ll{secrets.token_hex(4)}", free_block(BLOCKS), cloud.loopback_ports)
        self._network.make()

    def boot(self, launched: Launched) -> str:
        """Start a machine that was launched, and return its public address."""
        return self._starter.submit(self._boot, launched).result()

    def end(self, launched: Launched) -> None:
        """Scrap a machine."""
        machine = self.machines.pop(launched.id)
        machine.scrap()
        self._network.lead_no_more(machine.address)

    def admit(self, stack: CloudStack) -> None:
        """Let a stack use the account."""
        stack.environment["LAMBDA_API_KEY"] = API_KEY
        for key, value in {"endpoint": self.url, "request-seconds": "0", "poll-seconds": "0.2"}.items():
            stack.set_plain(f"lambda-labs:{key}", value)

    def close(self) -> None:
        """Scrap everything that is left."""
        for machine in self.machines.values():
            machine.scrap()
        self._starter.shutdown()
        self._network.remove()

    def _boot(self, launched: Launched) -> str:
        address = self._cloud.addresses.next()
        first = first_start(launched.request.user_data or "")
        machine = Machine(
            id=f"ll-{launched.id}",
            name=first.hostname,
            address=address,
            folder=self._cloud.folder / "lambda-labs" / launched.id,
        )
        machine.install(replace(first, engine={**first.engine, **self._cloud.engine}))
        self._network.lead(address)
        private = self._network.block[FIRST + self._booted]
        self._booted += 1
        machine.start(
            self._network, [f"{private}/{self._network.block.prefixlen}", f"{address}/32"], self._cloud.loopback_ports
        )
        self.machines[launched.id] = machine
        return address


@contextmanager
def lambda_labs(cloud: Cloud) -> Iterator[LambdaLabsMachines]:
    """An empty account of Lambda Labs beside a cloud, whose machines boot, and speak through a tunnel with the others.

    Raises:
        EngineError: This machine can't run one.
    """
    if not TUNNELS.exists():
        raise EngineError(f"needs {TUNNELS}, for a network over both clouds\n  have it: modprobe tun")
    install(*TUNNEL_PACKAGES)
    machines = LambdaLabsMachines(cloud)
    account = Account(times=AT_ONCE)
    account.boot, account.end = machines.boot, machines.end
    try:
        with LambdaCloud(account, API_KEY, Limits(request=0, launch=0)).serving() as stand_in:
            machines.url = stand_in.url
            yield machines
    finally:
        machines.close()
