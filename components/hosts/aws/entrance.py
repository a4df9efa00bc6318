"""The one door of a fleet on AWS: a name, its certificate, and a load balancer that ends TLS."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
from pulumi_aws import acm, lb, route53

HTTPS_PORT = 443
TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"
"""TLS 1.3, and 1.2 with forward secrecy: https://docs.aws.amazon.com/elasticloadbalancing/latest/network/describe-ssl-policies.html"""
DRAIN_SECONDS = 60
CHECK_SECONDS = 5
CHECK_TIMEOUT_SECONDS = 3
CHECKS = 2
"""Targets are asked so often, and change their state after so many answers: the least that AWS takes.
https://docs.aws.amazon.com/elasticloadbalancing/latest/network/target-group-health-checks.html"""

NOTICE_SECONDS = (CHECKS + 1) * CHECK_SECONDS
"""How long a gateway that says that it leaves may still get clients."""
VALIDATION_TTL = 300


@dataclass(frozen=True, kw_only=True)
class AwsEntranceArgs:
    """Arguments of AwsEntrance.

    Arguments:
        label: what names in the account begin with; up to 28 characters.
        domain: name of the fleet, such as mcp.example.com.
        hosted_zone: id of the Route 53 zone that it is in.
        vpc, subnets, security_group: ids: of the network, of one subnet a zone, and of the load balancer's group.
        machines: ids of the machines that run a gateway, by name.
        port: where the gateways listen.
        health_path: what answers 200 there.
    """

    # names
    label: str
    domain: str
    hosted_zone: pulumi.Input[str]

    # network
    vpc: pulumi.Input[str]
    subnets: Sequence[pulumi.Input[str]]
    security_group: pulumi.Input[str]

    # gateways
    machines: Mapping[str, pulumi.Input[str]]
    port: int
    health_path: str = "/healthz"
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class AwsEntranceOutputs:
    """`url` of the fleet, and the `address` of the load balancer behind it."""

    url: pulumi.Output[str]
    address: pulumi.Output[str]


class AwsEntrance(pulumi.ComponentResource):
    """A network load balancer: it leaves connections open for as long as they stream."""

    def __init__(self, name: str, args: AwsEntranceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mcp-fleet:hosts:AwsEntrance", name, {}, opts)
        self._name, self._args = name, args
        certificate = self._certificate()
        balancer = lb.LoadBalancer(
            name,
            lb.LoadBalancerArgs(
                name=args.label,
                load_balancer_type="network",
                internal=False,
                subnets=list(args.subnets),
                security_groups=[args.security_group],
                enable_cross_zone_load_balancing=True,
                tags=args.tags,
            ),
            opts=self._under_self(),
        )
        group = self._gateways()
        listener = lb.Listener(
            name,
            lb.ListenerArgs(
                load_balancer_arn=balancer.arn,
                port=HTTPS_PORT,
                protocol="TLS",
                ssl_policy=TLS_POLICY,
                certificate_arn=certificate,
                default_actions=[lb.ListenerDefaultActionArgs(type="forward", target_group_arn=group)],
            ),
            opts=self._under_self(),
        )
        record = route53.Record(
            name,
            route53.RecordArgs(
                zone_id=args.hosted_zone,
                name=args.domain,
                type="A",
                aliases=[
                    route53.RecordAliasArgs(
                        name=balancer.dns_name, zone_id=balancer.zone_id, evaluate_target_health=True
                    )
                ],
            ),
            opts=self._under_self(),
        )
        url = pulumi.Output.all(listener.id, record.id).apply(lambda _: f"https://{args.domain}")
        self.outputs = AwsEntranceOutputs(url=url, address=balancer.dns_name)
        self.register_outputs(vars(self.outputs))

    def _certificate(self) -> pulumi.Output[str]:
        """A certificate that AWS renews as long as its record is there; its ARN, once it is issued."""
        certificate = acm.Certificate(
            self._name,
            acm.CertificateArgs(domain_name=self._args.domain, validation_method="DNS", tags=self._args.tags),
            opts=self._under_self(),
        )
        proof = certificate.domain_validation_options[0]
        record = route53.Record(
            f"{self._name}-validation",
            route53.RecordArgs(
                zone_id=self._args.hosted_zone,
                name=proof.apply(lambda option: option.resource_record_name),
                type=proof.apply(lambda option: option.resource_record_type),
                records=[proof.apply(lambda option: option.resource_record_value)],
                ttl=VALIDATION_TTL,
            ),
            opts=self._under_self(),
        )
        validation = acm.CertificateValidation(
            self._name,
            acm.CertificateValidationArgs(certificate_arn=certificate.arn, validation_record_fqdns=[record.fqdn]),
            opts=self._under_self(),
        )
        return validation.certificate_arn

    def _gateways(self) -> pulumi.Output[str]:
        """The ARN of the group of machines that the load balancer chooses from."""
        args = self._args
        group = lb.TargetGroup(
            self._name,
            lb.TargetGroupArgs(
                name=args.label,
                vpc_id=args.vpc,
                protocol="TCP",
                port=args.port,
                target_type="instance",
                deregistration_delay=DRAIN_SECONDS,
                target_health_states=[  # a gateway that leaves finishes what it has begun
                    lb.TargetGroupTargetHealthStateArgs(enable_unhealthy_connection_termination=False)
                ],
                health_check=lb.TargetGroupHealthCheckArgs(
                    protocol="HTTP",
                    path=args.health_path,
                    port="traffic-port",
                    interval=CHECK_SECONDS,
                    timeout=CHECK_TIMEOUT_SECONDS,
                    healthy_threshold=CHECKS,
                    unhealthy_threshold=CHECKS,
                ),
                tags=args.tags,
            ),
            opts=self._under_self(),
        )
        for machine, identity in args.machines.items():
            lb.TargetGroupAttachment(
                f"{self._name}-{machine}",
                lb.TargetGroupAttachmentArgs(target_group_arn=group.arn, target_id=identity, port=args.port),
                opts=self._under_self(),
            )
        return group.arn

    def _under_self(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self)
