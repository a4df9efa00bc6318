"""Machines for the instances of an account: each is booted with its user data, and goes when its instance does."""

import ipaddress
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from moto.ec2.models import ec2_backends

from dev.cloud.aws_account import ACCOUNT
from dev.cloud.machine import POLL_SECONDS, Machine
from dev.cloud.network import Network
from dev.cloud.shell import run
from dev.cloud.user_data import first_start
from dev.errors import EngineError

LIVING: Final = frozenset({"pending", "running"})
GONE_SECONDS: Final = 120.0


@dataclass(frozen=True, kw_only=True)
class Instance:
    """An instance as its account has it.

    Attributes:
        vpc: id of its network.
        block: addresses of that network, in CIDR form.
    """

    id: str
    name: str
    vpc: str
    block: str
    private_address: str
    public_address: str
    user_data: str = field(repr=False)


class PublicAddresses:
    """Gives out the addresses of a block one after the other, and never one again: they are all of one account's life.

    While the block is held, nothing that goes there leaves this machine.
    """

    def __init__(self, block: str) -> None:
        self.block = block
        self._free: Iterator[ipaddress.IPv4Address] = ipaddress.IPv4Network(block).hosts()

    def next(self) -> str:
        """One more address.

        Raises:
            EngineError: All have been used.
        """
        try:
            return str(next(self._free))
        except StopIteration:
            raise EngineError(f"all public addresses of {self.block} have been used; start the account anew") from None

    def hold(self) -> None:
        """Let nothing to the block out."""
        run("ip", "route", "add", "blackhole", self.block)

    def release(self) -> None:
        """Undo `hold`."""
        run("ip", "route", "delete", "blackhole", self.block)


class Instances:
    """The machines of an account, kept as its instances are by a thread, until `close`.

    Arguments:
        folder: where their disks are; not below a folder that machines have of their own.
        engine: settings of every machine's dockerd, besides those of its user data.
        loopback_ports: of this machine's, that answer on each of them at the same address.
        turn: held while the account is looked at.
        asked: set when instances may have come or gone.
        told: called with what happened, in a few words.
    """

    def __init__(
        self,
        folder: Path,
        region: str,
        *,
        engine: Mapping[str, object],
        loopback_ports: Sequence[int],
        turn: threading.Lock,
        asked: threading.Event,
        told: Callable[[str], None],
    ) -> None:
        self.machines: dict[str, Machine] = {}
        self._folder = folder
        self._region = region
        self._engine = engine
        self._loopback_ports = loopback_ports
        self._turn = turn
        self._told = told
        self._networks: dict[str, Network] = {}
        self._look = asked
        self._closing = False
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()

    def named(self, name: str) -> Machine:
        """The machine with this host name."""
        return next(machine for machine in list(self.machines.values()) if machine.name == name)

    def wait_gone(self) -> None:
        """Wait until no machine is left, once their instances have ended.

        Raises:
            EngineError: Some stay.
        """
        deadline = time.monotonic() + GONE_SECONDS
        while self.machines:
            if time.monotonic() > deadline:
                raise EngineError(f"still running: {', '.join(machine.name for machine in self.machines.values())}")
            time.sleep(POLL_SECONDS)

    def close(self) -> None:
        """Scrap everything that is left."""
        self._closing = True
        self._look.set()
        self._keeper.join()
        for id_ in list(self.machines):
            self._scrap(id_)
        for network in self._networks.values():
            network.remove()

    def _keep(self) -> None:
        while not self._closing:
            self._look.wait()
            self._look.clear()
            for id_, machine in list(self.machines.items()):
                if machine.process.poll() is not None:
                    self._told(f"{machine.name} has died")
                    self._terminate(id_)
            wanted = {instance.id: instance for instance in self._living()}
            for id_ in self.machines.keys() - wanted.keys():
                self._scrap(id_)
            for id_ in wanted.keys() - self.machines.keys():
                self._boot(wanted[id_])
            used = {instance.vpc for instance in wanted.values()}
            for vpc in self._networks.keys() - used:
                self._networks.pop(vpc).remove()

    def _living(self) -> list[Instance]:
        with self._turn:
            backend = ec2_backends[ACCOUNT][self._region]
            return [
                Instance(
                    id=instance.id,
                    name=next((tag["value"] for tag in instance.get_tags() if tag["key"] == "Name"), instance.id),
                    vpc=str(instance.vpc_id),
                    block=backend.get_vpc(str(instance.vpc_id)).cidr_block,
                    private_address=str(instance.private_ip),
                    public_address=str(instance.public_ip),
                    user_data=instance.user_data.decode() if instance.user_data else "",
                )
                for instance in backend.all_instances()
                if instance.state in LIVING
            ]

    def _boot(self, instance: Instance) -> None:
        machine = Machine(
            id=f"{instance.id}-{secrets.token_hex(2)}",
            name=instance.name,
            address=instance.public_address,
            folder=self._folder / instance.id,
        )
        try:
            first = first_start(instance.user_data)
            machine.name = first.hostname
            machine.install(replace(first, engine={**first.engine, **self._engine}))
            network = self._network(instance)
            network.lead(instance.public_address)
            private = f"{instance.private_address}/{network.block.prefixlen}"
            machine.start(network, [private, f"{instance.public_address}/32"], self._loopback_ports)
        except EngineError as error:
            self._told(f"{instance.name} ({instance.id}) does not boot: {error}")
            self._remove(machine)
            self._terminate(instance.id)
            return
        self.machines[instance.id] = machine
        threading.Thread(target=self._mourn, args=(machine,), daemon=True).start()
        self._told(f"{machine.name} boots as {instance.id} at {instance.public_address}")

    def _network(self, instance: Instance) -> Network:
        if instance.vpc not in self._networks:
            network = Network(f"v{instance.vpc[-12:]}", instance.block, self._loopback_ports)
            network.make()
            self._networks[instance.vpc] = network
        return self._networks[instance.vpc]

    def _mourn(self, machine: Machine) -> None:
        machine.process.wait()
        self._look.set()

    def _terminate(self, id_: str) -> None:
        with self._turn:
            ec2_backends[ACCOUNT][self._region].terminate_instances([id_])

    def _scrap(self, id_: str) -> None:
        machine = self.machines.pop(id_)
        self._remove(machine)
        self._told(f"{machine.name} ({id_}) is gone")

    def _remove(self, machine: Machine) -> None:
        machine.scrap()
        for network in self._networks.values():
            network.lead_no_more(machine.address)
