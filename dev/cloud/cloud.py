"""The whole of a simulated cloud: an account, its machines, its registry, its load balancers."""

import ipaddress
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dev import mirror
from dev.cloud.aws_account import AwsAccount, Door, account, furnished
from dev.cloud.ec2 import Instances, PublicAddresses
from dev.cloud.hosts import install
from dev.cloud.load_balancer import LoadBalancers
from dev.cloud.network import free_block
from dev.cloud.registry import registry
from dev.errors import EngineError
from dev.reach import known

REGION: Final = "us-east-1"
PUBLIC_BLOCKS: Final = [f"198.18.{third}.0/24" for third in range(256)]
"""Nobody's on the internet: RFC 2544."""
PRIVATE_BLOCKS: Final = [f"10.{second}.0.0/16" for second in range(80, 200)]


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """A simulated cloud while it is up.

    Attributes:
        folder: where everything of it is.
        found: ids of what there is before any fleet: `images` by architecture, `hosted_zone`.
        addresses: public ones that nobody has had yet.
        engine, loopback_ports: what every machine's dockerd is told, and what it reaches of this machine.
    """

    folder: Path
    account: AwsAccount
    instances: Instances
    balancers: LoadBalancers
    found: Mapping[str, Any]
    addresses: PublicAddresses
    engine: Mapping[str, object]
    loopback_ports: Sequence[int]

    def balancer_of(self, domain: str) -> str:
        """The name of the load balancer that a domain's record is an alias of.

        Raises:
            EngineError: The domain has no such record.
        """
        route53 = self.account.client("route53")
        answer = route53.list_resource_record_sets(HostedZoneId=self.found["hosted_zone"])
        for record in answer["ResourceRecordSets"]:
            if record["Name"].rstrip(".") == domain and "AliasTarget" in record:
                return str(record["AliasTarget"]["DNSName"]).rstrip(".")
        raise EngineError(f"{domain}: no record in the account's zone leads to a load balancer")


@contextmanager
def cloud(told: Callable[[str], None]) -> Iterator[Cloud]:
    """Bring a cloud up, and take it down with all that is in it.

    Arguments:
        told: called with what its machines do, in a few words; from other threads too.

    Raises:
        EngineError: This machine can't run one.
    """
    install()
    folder = Path(tempfile.mkdtemp(prefix="mcp-fleet-cloud-", dir="/var/tmp"))
    folder.chmod(0o711)  # sshd reads a user's keys as that user
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        images = stack.enter_context(registry(folder / "registry"))
        ports, engine = [images], {}
        if known().image_mirror:
            address = mirror.serve()
            ports.append(int(address.rpartition(":")[2]))
            engine = {"registry-mirrors": [f"http://{address}"]}
        addresses = PublicAddresses(free_block(PUBLIC_BLOCKS))
        addresses.hold()
        stack.callback(addresses.release)
        asked = threading.Event()
        door = Door(f"127.0.0.1:{images}", {"ec2": asked})
        found = stack.enter_context(account(REGION, door, addresses.next))
        instances = Instances(
            folder / "disks",
            REGION,
            engine=engine,
            loopback_ports=ports,
            turn=door.turn,
            asked=asked,
            told=told,
        )
        stack.callback(instances.close)
        balancers = LoadBalancers(REGION, addresses, door.turn)
        stack.callback(balancers.close)
        yield Cloud(
            folder=folder,
            account=found,
            instances=instances,
            balancers=balancers,
            found=furnished(found.client),
            addresses=addresses,
            engine=engine,
            loopback_ports=ports,
        )


def free_network() -> str:
    """Addresses for a fleet's machines that nothing here uses."""
    return str(ipaddress.IPv4Network(free_block(PRIVATE_BLOCKS)))
