"""Machines of Lambda Labs as hosts of a fleet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pulumi

from components.providers.lambda_labs.claim import Claim
from components.providers.lambda_labs.digest import digest
from components.providers.lambda_labs.file_system import FileSystemResource
from components.providers.lambda_labs.firewall import RulesetResource
from components.providers.lambda_labs.instance import InstanceResource
from components.providers.lambda_labs.leftovers import Leftovers
from components.providers.lambda_labs.settings import API_KEY, NAMESPACE, OPTIONS
from components.providers.lambda_labs.ssh_key import SshKeyResource

SSH_USER = "ubuntu"
"""Who logs in on Lambda's images."""
SSH_PORT = 22
LABEL_CHARACTERS = 24
"""Of what names in an account begin with."""


@dataclass(frozen=True, kw_only=True)
class LambdaLabsAccount:
    """Whose machines they are, and how patient to be with the API: see providers/lambda_labs/settings.py.

    Arguments:
        api_key: has full access to the account. LAMBDA_API_KEY in the environment of an operation wins over it.
        settings: others, such as {"boot-seconds": 3600}.
    """

    api_key: pulumi.Input[str] | None = None
    settings: Mapping[str, pulumi.Input[str | float]] = field(default_factory=dict)

    @classmethod
    def from_config(cls) -> "LambdaLabsAccount":
        """Return what the stack's config says under `lambda-labs:`."""
        config = pulumi.Config(NAMESPACE)
        given = {name: config.get(name) for name in OPTIONS}
        settings: dict[str, pulumi.Input[str | float]] = {key: text for key, text in given.items() if text is not None}
        return cls(api_key=config.get_secret("api-key"), settings=settings)


@dataclass(frozen=True, kw_only=True)
class FirewallRule:
    """What a machine lets in from outside.

    Arguments:
        protocol: `all` is every protocol that has ports.
        source: public IPv4 network, such as 203.0.113.7/32 or 0.0.0.0/0.
        ports: first and last port; None for icmp, which has none.
    """

    description: str
    protocol: Literal["tcp", "udp", "icmp", "all"]
    source: pulumi.Input[str]
    ports: tuple[int, int] | None = None


@dataclass(frozen=True, kw_only=True)
class Machine:
    """One machine.

    Arguments:
        user_data: cloud-init's, up to 1 MB; kept as a secret. Another one replaces the machine.
        hostname: up to 63 of a-z, 0-9 and -; Lambda makes one of the address if it is empty.
    """

    user_data: pulumi.Input[str]
    hostname: pulumi.Input[str] = ""


@dataclass(frozen=True, kw_only=True)
class LambdaLabsHostsArgs:
    """Arguments of LambdaLabsHosts.

    Arguments:
        account: whose account they are in.
        label: what names in the account begin with, such as the stack's; up to 24 of a-z, 0-9 and -.
        machines: the machines by name. A name is part of the machine's tags: another name is another machine.
        types, regions: where to launch: the first type in the first region that has capacity, then in the next region;
            then the next type. A machine stays where it is while its type and region are listed.
        image: family of the image; Lambda's current one if it is empty.
        public_key: SSH key to log in with as `ubuntu`. Another one replaces the machines.
        firewall: what is open, besides what the account's own global rules open.
        file_systems: names of file systems to make, by where they are mounted (below /data or /lambda/nfs). They are
            in `regions[0]`, so that must be the only region. Deleting one deletes its data: it is protected.
        tags: further tags of the machines. Others replace them.
        ssh_port: where a machine's SSH server answers when it is up.
    """

    label: pulumi.Input[str]

    # what
    machines: Mapping[str, Machine]
    types: Sequence[str]
    regions: Sequence[str]
    image: str = ""

    # access
    account: LambdaLabsAccount
    public_key: pulumi.Input[str]
    firewall: Sequence[FirewallRule] = ()
    ssh_port: int = SSH_PORT

    # the rest
    file_systems: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class LambdaLabsHost:
    """A machine that is up and answers by SSH.

    Arguments:
        id: Lambda's id of it.
        address, private_address: its public IPv4 address, and the one inside its region.
        type, region: what was launched where, of those that were listed.
        hourly_cents: what it costs, in US cents an hour.
        notes: what its launch met, such as places without capacity.
    """

    id: pulumi.Output[str]
    address: pulumi.Output[str]
    private_address: pulumi.Output[str]
    type: pulumi.Output[str]
    region: pulumi.Output[str]
    hourly_cents: pulumi.Output[int]
    notes: pulumi.Output[Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class LambdaLabsHostsOutputs:
    """`hosts` by the names of the machines; `user` logs in on each."""

    hosts: Mapping[str, LambdaLabsHost]
    user: pulumi.Output[str]


class LambdaLabsHosts(pulumi.ComponentResource):
    """Machines with one SSH key, one set of firewall rules a region, and a claim that ends whatever is left."""

    def __init__(self, name: str, args: LambdaLabsHostsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mcp-fleet:hosts:LambdaLabsHosts", name, {}, opts)
        check(args)
        provider = provider_of(name, args.account, self)
        under_self = pulumi.ResourceOptions(parent=self, provider=provider)
        claim = Claim(name, args.label, opts=under_self)
        # Deleted in the opposite order: machines, machines that nobody knows of, what they use, the claim.
        under_claim = pulumi.ResourceOptions.merge(under_self, pulumi.ResourceOptions(depends_on=[claim]))
        key = SshKeyResource(
            f"{name}-key",
            name=pulumi.Output.all(claim.mark, args.public_key).apply(lambda both: key_name(*both)),
            public_key=args.public_key,
            opts=under_claim,
        )
        rulesets = {
            region: RulesetResource(
                f"{name}-{region}",
                name=pulumi.Output.concat(claim.mark, "-", region),
                region=region,
                rules=[rule_inputs(rule) for rule in args.firewall],
                opts=under_claim,
            )
            for region in args.regions
        }
        file_systems = {
            path: FileSystemResource(
                f"{name}-{file_system}",
                name=pulumi.Output.concat(claim.mark, "-", file_system),
                region=args.regions[0],
                opts=pulumi.ResourceOptions.merge(under_claim, pulumi.ResourceOptions(protect=True)),
            )
            for path, file_system in args.file_systems.items()
        }
        leftovers = Leftovers(
            name,
            claim.mark,
            opts=pulumi.ResourceOptions.merge(
                under_self, pulumi.ResourceOptions(depends_on=[key, *rulesets.values(), *file_systems.values()])
            ),
        )
        shared: dict[str, Any] = {
            "mark": claim.mark,
            "key": claim.key,
            "types": list(args.types),
            "regions": list(args.regions),
            "image": args.image,
            "ssh_key": key.name,
            "ssh_port": args.ssh_port,
            "firewall_rulesets": {region: [ruleset.id] for region, ruleset in rulesets.items()},
            "file_systems": {path: file_system.id for path, file_system in file_systems.items()},
            "tags": dict(args.tags),
        }
        instances = {
            machine: InstanceResource(
                f"{name}-{machine}",
                {
                    **shared,
                    "machine": machine,
                    "name": pulumi.Output.concat(args.label, "-", machine),
                    "user_data": pulumi.Output.secret(args.machines[machine].user_data),
                    "hostname": args.machines[machine].hostname,
                },
                opts=pulumi.ResourceOptions.merge(under_self, pulumi.ResourceOptions(depends_on=[leftovers])),
            )
            for machine in args.machines
        }
        self.outputs = LambdaLabsHostsOutputs(
            hosts={machine: _host(instance) for machine, instance in instances.items()},
            user=pulumi.Output.from_input(SSH_USER),
        )
        self.register_outputs(
            {
                "hosts": {machine: vars(host) for machine, host in self.outputs.hosts.items()},
                "user": self.outputs.user,
            }
        )


def has_gpu(type_: str) -> bool:
    """Whether machines of a type have GPUs, as `gpu_1x_a10` says and `cpu_4x_general` does not."""
    return type_.startswith("gpu_")


def is_arm(type_: str) -> bool:
    """Whether machines of a type have NVIDIA's own ARM processors: Grace, the G of GH200 and GB200."""
    return any(part.startswith(("gh", "gb")) for part in type_.split("_"))


def provider_of(name: str, account: LambdaLabsAccount, parent: pulumi.Resource) -> pulumi.ProviderResource:
    """Create the provider of the component's resources.

    Pulumi gives the default one of all dynamic resources the whole config of the stack: each change of any key would
    be a change of it, in every preview.
    """
    settings = {f"{NAMESPACE}:{key}": value for key, value in account.settings.items()}
    key = {} if account.api_key is None else {API_KEY: pulumi.Output.secret(account.api_key)}
    return pulumi.ProviderResource(
        "pulumi-python", name, {**settings, **key}, opts=pulumi.ResourceOptions(parent=parent)
    )


def check(args: LambdaLabsHostsArgs) -> None:
    """Refuse arguments that don't go together.

    Raises:
        pulumi.RunError: Says which, and why.
    """
    if args.file_systems and len(args.regions) != 1:
        raise pulumi.RunError(
            f"Lambda Labs: file systems are in one region, and `regions` lists {len(args.regions)}; list one"
        )


def key_name(mark: str, public_key: str) -> str:
    """Return the name of a key in the account: another for each key, so that a new one can be there before the old."""
    return f"{mark}-{digest(mark, public_key)[:8]}"


def rule_inputs(rule: FirewallRule) -> dict[str, Any]:
    """Return a rule as the API has it."""
    ports = {} if rule.ports is None else {"port_range": list(rule.ports)}
    return {"protocol": rule.protocol, "source_network": rule.source, "description": rule.description, **ports}


def _host(instance: InstanceResource) -> LambdaLabsHost:
    return LambdaLabsHost(
        id=instance.id,
        address=instance.ip,
        private_address=instance.private_ip,
        type=instance.type,
        region=instance.region,
        hourly_cents=instance.hourly_cents,
        notes=instance.notes,
    )
