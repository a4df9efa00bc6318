"""Network load balancers, their listeners, and the groups of targets behind them."""

from collections.abc import Mapping
from typing import Any, Final

from dev.plugins.aws import tags
from dev.plugins.aws.account import Account
from dev.plugins.aws.resource_type import ResourceType
from dev.plugins.planning import State
from dev.plugins.schema import Block, boolean, integer, listing, mapping, nested, string, unordered

SERVICE: Final = "elbv2"
CROSS_ZONE: Final = "load_balancing.cross_zone.enabled"
DRAIN: Final = "deregistration_delay.timeout_seconds"
TERMINATION: Final = "target_health_state.unhealthy.connection_termination.enabled"


def _tags(account: Account, arn: str) -> dict[str, str]:
    (described,) = account.ask(SERVICE, "describe_tags", ResourceArns=[arn])["TagDescriptions"]
    return tags.mapped(described["Tags"])


def _retag(account: Account, id_: str, state: State, planned: State) -> None:
    if gone := tags.removed(state, planned):
        account.ask(SERVICE, "remove_tags", ResourceArns=[id_], TagKeys=gone)
    if found := tags.pairs(planned):
        account.ask(SERVICE, "add_tags", ResourceArns=[id_], Tags=found)


def _labels(planned: State) -> Mapping[str, Any]:
    found = tags.pairs(planned)
    return {"Tags": found} if found else {}


def _attribute(answer: Mapping[str, Any], key: str) -> str:
    return str(next(item["Value"] for item in answer["Attributes"] if item["Key"] == key))


def _create_balancer(account: Account, planned: State) -> str:
    answer = account.ask(
        SERVICE,
        "create_load_balancer",
        Name=planned["name"],
        Type=planned["loadBalancerType"],
        Scheme="internal" if planned["internal"] else "internet-facing",
        Subnets=planned["subnets"],
        SecurityGroups=planned["securityGroups"],
        **_labels(planned),
    )
    arn = str(answer["LoadBalancers"][0]["LoadBalancerArn"])
    _cross_zone(account, arn, planned)
    return arn


def _update_balancer(account: Account, id_: str, state: State, planned: State) -> None:
    _retag(account, id_, state, planned)
    _cross_zone(account, id_, planned)


def _cross_zone(account: Account, id_: str, planned: State) -> None:
    value = str(planned["enableCrossZoneLoadBalancing"]).lower()
    attributes = [{"Key": CROSS_ZONE, "Value": value}]
    account.ask(SERVICE, "modify_load_balancer_attributes", LoadBalancerArn=id_, Attributes=attributes)


def _tell_balancer(account: Account, id_: str, _state: State) -> Mapping[str, Any]:
    (balancer,) = account.ask(SERVICE, "describe_load_balancers", LoadBalancerArns=[id_])["LoadBalancers"]
    attributes = account.ask(SERVICE, "describe_load_balancer_attributes", LoadBalancerArn=id_)
    return {
        "name": balancer["LoadBalancerName"],
        "arn": balancer["LoadBalancerArn"],
        "dnsName": balancer["DNSName"],
        "zoneId": balancer["CanonicalHostedZoneId"],
        "loadBalancerType": balancer["Type"],
        "internal": balancer["Scheme"] == "internal",
        "subnets": [zone["SubnetId"] for zone in balancer["AvailabilityZones"]],
        "securityGroups": balancer["SecurityGroups"],
        "enableCrossZoneLoadBalancing": _attribute(attributes, CROSS_ZONE) == "true",
        "tags": _tags(account, id_),
    }


def _delete_balancer(account: Account, id_: str, _state: State) -> None:
    account.ask(SERVICE, "delete_load_balancer", LoadBalancerArn=id_)


LOAD_BALANCER: Final = ResourceType(
    block=Block.of(
        name=string(required=True, replaces=True),
        arn=string(output=True),
        dnsName=string(output=True),
        zoneId=string(output=True),
        loadBalancerType=string(required=True, replaces=True),
        internal=boolean(required=True, replaces=True),
        subnets=unordered(string(), required=True),
        securityGroups=unordered(string(), required=True),
        enableCrossZoneLoadBalancing=boolean(default=False),
        tags=mapping(),
    ),
    create=_create_balancer,
    tell=_tell_balancer,
    update=_update_balancer,
    updated=frozenset({"enableCrossZoneLoadBalancing", "tags"}),
    delete=_delete_balancer,
    gone=frozenset({"LoadBalancerNotFound"}),
)

_CHECK: Final = {
    "protocol": "HealthCheckProtocol",
    "path": "HealthCheckPath",
    "port": "HealthCheckPort",
    "interval": "HealthCheckIntervalSeconds",
    "timeout": "HealthCheckTimeoutSeconds",
    "healthyThreshold": "HealthyThresholdCount",
    "unhealthyThreshold": "UnhealthyThresholdCount",
}


def _health_check(planned: State) -> Mapping[str, Any]:
    return {theirs: planned["healthCheck"][ours] for ours, theirs in _CHECK.items()}


def _create_group(account: Account, planned: State) -> str:
    answer = account.ask(
        SERVICE,
        "create_target_group",
        Name=planned["name"],
        VpcId=planned["vpcId"],
        Protocol=planned["protocol"],
        Port=planned["port"],
        TargetType=planned["targetType"],
        **_health_check(planned),
        **_labels(planned),
    )
    arn = str(answer["TargetGroups"][0]["TargetGroupArn"])
    _attributes(account, arn, planned)
    return arn


def _attributes(account: Account, arn: str, planned: State) -> None:
    attributes = [
        {"Key": DRAIN, "Value": str(planned["deregistrationDelay"])},
        *(
            {"Key": TERMINATION, "Value": str(state["enableUnhealthyConnectionTermination"]).lower()}
            for state in planned.get("targetHealthStates") or ()
        ),
    ]
    account.ask(SERVICE, "modify_target_group_attributes", TargetGroupArn=arn, Attributes=attributes)


def _tell_group(account: Account, id_: str, _state: State) -> Mapping[str, Any]:
    (group,) = account.ask(SERVICE, "describe_target_groups", TargetGroupArns=[id_])["TargetGroups"]
    attributes = account.ask(SERVICE, "describe_target_group_attributes", TargetGroupArn=id_)
    return {
        "name": group["TargetGroupName"],
        "arn": group["TargetGroupArn"],
        "vpcId": group["VpcId"],
        "protocol": group["Protocol"],
        "port": group["Port"],
        "targetType": group["TargetType"],
        "deregistrationDelay": int(_attribute(attributes, DRAIN)),
        "targetHealthStates": [
            {"enableUnhealthyConnectionTermination": item["Value"] == "true"}
            for item in attributes["Attributes"]
            if item["Key"] == TERMINATION
        ],
        "healthCheck": {ours: group[theirs] for ours, theirs in _CHECK.items()},
        "tags": _tags(account, id_),
    }


def _update_group(account: Account, id_: str, state: State, planned: State) -> None:
    _retag(account, id_, state, planned)
    _attributes(account, id_, planned)
    account.ask(SERVICE, "modify_target_group", TargetGroupArn=id_, **_health_check(planned))


def _delete_group(account: Account, id_: str, _state: State) -> None:
    account.ask(SERVICE, "delete_target_group", TargetGroupArn=id_)


TARGET_GROUP: Final = ResourceType(
    block=Block.of(
        name=string(required=True, replaces=True),
        arn=string(output=True),
        vpcId=string(required=True, replaces=True),
        protocol=string(required=True, replaces=True),
        port=integer(required=True, replaces=True),
        targetType=string(default="instance", replaces=True),
        deregistrationDelay=integer(default=300),
        targetHealthStates=listing(Block.of(enableUnhealthyConnectionTermination=boolean(required=True))),
        healthCheck=nested(
            Block.of(
                protocol=string(required=True),
                path=string(required=True),
                port=string(required=True),
                interval=integer(required=True),
                timeout=integer(required=True),
                healthyThreshold=integer(required=True),
                unhealthyThreshold=integer(required=True),
            ),
            required=True,
        ),
        tags=mapping(),
    ),
    create=_create_group,
    tell=_tell_group,
    update=_update_group,
    updated=frozenset({"deregistrationDelay", "healthCheck", "tags", "targetHealthStates"}),
    delete=_delete_group,
    gone=frozenset({"TargetGroupNotFound"}),
)


def _create_listener(account: Account, planned: State) -> str:
    answer = account.ask(
        SERVICE,
        "create_listener",
        LoadBalancerArn=planned["loadBalancerArn"],
        Port=planned["port"],
        Protocol=planned["protocol"],
        SslPolicy=planned["sslPolicy"],
        Certificates=[{"CertificateArn": planned["certificateArn"]}],
        DefaultActions=[
            {"Type": action["type"], "TargetGroupArn": action["targetGroupArn"]} for action in planned["defaultActions"]
        ],
    )
    return str(answer["Listeners"][0]["ListenerArn"])


def _tell_listener(account: Account, id_: str, _state: State) -> Mapping[str, Any]:
    (listener,) = account.ask(SERVICE, "describe_listeners", ListenerArns=[id_])["Listeners"]
    (certificate,) = listener["Certificates"]
    return {
        "arn": listener["ListenerArn"],
        "loadBalancerArn": listener["LoadBalancerArn"],
        "port": listener["Port"],
        "protocol": listener["Protocol"],
        "sslPolicy": listener["SslPolicy"],
        "certificateArn": certificate["CertificateArn"],
        "defaultActions": [
            {"type": action["Type"], "targetGroupArn": action["TargetGroupArn"]}
            for action in listener["DefaultActions"]
        ],
    }


def _delete_listener(account: Account, id_: str, _state: State) -> None:
    account.ask(SERVICE, "delete_listener", ListenerArn=id_)


LISTENER: Final = ResourceType(
    block=Block.of(
        arn=string(output=True),
        loadBalancerArn=string(required=True, replaces=True),
        port=integer(required=True),
        protocol=string(required=True),
        sslPolicy=string(required=True),
        certificateArn=string(required=True),
        defaultActions=listing(
            Block.of(type=string(required=True), targetGroupArn=string(required=True)), required=True
        ),
    ),
    create=_create_listener,
    tell=_tell_listener,
    delete=_delete_listener,
    gone=frozenset({"ListenerNotFound", "LoadBalancerNotFound"}),
)


def _target(state: State) -> Mapping[str, Any]:
    return {"TargetGroupArn": state["targetGroupArn"], "Targets": [{"Id": state["targetId"], "Port": state["port"]}]}


def _attach(account: Account, planned: State) -> str:
    account.ask(SERVICE, "register_targets", **_target(planned))
    return f"{planned['targetGroupArn']}-{planned['targetId']}-{planned['port']}"


def _tell_attachment(account: Account, _id: str, state: State) -> Mapping[str, Any] | None:
    answer = account.ask(SERVICE, "describe_target_health", TargetGroupArn=state["targetGroupArn"])
    registered = [described["Target"] for described in answer["TargetHealthDescriptions"]]
    here = any((target["Id"], target["Port"]) == (state["targetId"], state["port"]) for target in registered)
    return {} if here else None


def _detach(account: Account, _id: str, state: State) -> None:
    account.ask(SERVICE, "deregister_targets", **_target(state))


TARGET_GROUP_ATTACHMENT: Final = ResourceType(
    block=Block.of(
        targetGroupArn=string(required=True, replaces=True),
        targetId=string(required=True, replaces=True),
        port=integer(required=True, replaces=True),
    ),
    create=_attach,
    tell=_tell_attachment,
    delete=_detach,
    gone=frozenset({"TargetGroupNotFound", "InvalidTarget"}),
)
