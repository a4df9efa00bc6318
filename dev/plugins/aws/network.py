"""VPC, subnets and routes."""

from collections.abc import Mapping
from typing import Any, Final

from dev.plugins.aws import tags
from dev.plugins.aws.account import Account
from dev.plugins.aws.resource_type import ResourceType
from dev.plugins.planning import State
from dev.plugins.schema import Block, boolean, mapping, string, unordered

TAGS: Final = frozenset({"tags"})


def _create_vpc(account: Account, planned: State) -> str:
    answer = account.ask(
        "ec2", "create_vpc", CidrBlock=planned["cidrBlock"], TagSpecifications=tags.specification("vpc", planned)
    )
    id_ = str(answer["Vpc"]["VpcId"])
    _vpc_attributes(account, id_, planned)
    return id_


def _vpc_attributes(account: Account, id_: str, planned: State) -> None:
    for theirs, ours in _VPC_ATTRIBUTES.items():
        account.ask("ec2", "modify_vpc_attribute", VpcId=id_, **{theirs: {"Value": planned[ours]}})


_VPC_ATTRIBUTES: Final = {"EnableDnsSupport": "enableDnsSupport", "EnableDnsHostnames": "enableDnsHostnames"}


def _tell_vpc(account: Account, id_: str, _state: State) -> Mapping[str, Any]:
    (vpc,) = account.ask("ec2", "describe_vpcs", VpcIds=[id_])["Vpcs"]
    attributes = {
        ours: account.ask("ec2", "describe_vpc_attribute", VpcId=id_, Attribute=ours)[theirs]["Value"]
        for theirs, ours in _VPC_ATTRIBUTES.items()
    }
    return {"cidrBlock": vpc["CidrBlock"], "tags": tags.mapped(vpc.get("Tags")), **attributes}


def _update_vpc(account: Account, id_: str, state: State, planned: State) -> None:
    tags.retag(account, id_, state, planned)
    _vpc_attributes(account, id_, planned)


def _delete_vpc(account: Account, id_: str, _state: State) -> None:
    account.ask("ec2", "delete_vpc", VpcId=id_)


VPC: Final = ResourceType(
    block=Block.of(
        cidrBlock=string(replaces=True, required=True),
        enableDnsHostnames=boolean(default=False),
        enableDnsSupport=boolean(default=True),
        tags=mapping(),
    ),
    create=_create_vpc,
    tell=_tell_vpc,
    update=_update_vpc,
    updated=TAGS | {"enableDnsHostnames", "enableDnsSupport"},
    delete=_delete_vpc,
    gone=frozenset({"InvalidVpcID.NotFound"}),
)


def _create_subnet(account: Account, planned: State) -> str:
    answer = account.ask(
        "ec2",
        "create_subnet",
        VpcId=planned["vpcId"],
        CidrBlock=planned["cidrBlock"],
        AvailabilityZone=planned["availabilityZone"],
        TagSpecifications=tags.specification("subnet", planned),
    )
    id_ = str(answer["Subnet"]["SubnetId"])
    _subnet_attributes(account, id_, planned)
    return id_


def _subnet_attributes(account: Account, id_: str, planned: State) -> None:
    public = {"Value": planned["mapPublicIpOnLaunch"]}
    account.ask("ec2", "modify_subnet_attribute", SubnetId=id_, MapPublicIpOnLaunch=public)


def _tell_subnet(account: Account, id_: str, _state: State) -> Mapping[str, Any]:
    (subnet,) = account.ask("ec2", "describe_subnets", SubnetIds=[id_])["Subnets"]
    return {
        "vpcId": subnet["VpcId"],
        "cidrBlock": subnet["CidrBlock"],
        "availabilityZone": subnet["AvailabilityZone"],
        "mapPublicIpOnLaunch": subnet["MapPublicIpOnLaunch"],
        "tags": tags.mapped(subnet.get("Tags")),
    }


def _update_subnet(account: Account, id_: str, state: State, planned: State) -> None:
    tags.retag(account, id_, state, planned)
    _subnet_attributes(account, id_, planned)


def _delete_subnet(account: Account, id_: str, _state: State) -> None:
    account.ask("ec2", "delete_subnet", SubnetId=id_)


SUBNET: Final = ResourceType(
    block=Block.of(
        vpcId=string(required=True, replaces=True),
        cidrBlock=string(required=True, replaces=True),
        availabilityZone=string(required=True, replaces=True),
        mapPublicIpOnLaunch=boolean(default=False),
        tags=mapping(),
    ),
    create=_create_subnet,
    tell=_tell_subnet,
    update=_update_subnet,
    updated=TAGS | {"mapPublicIpOnLaunch"},
    delete=_delete_subnet,
    gone=frozenset({"InvalidSubnetID.NotFound"}),
)


def _create_internet_gateway(account: Account, planned: State) -> str:
    specification = tags.specification("internet-gateway", planned)
    answer = account.ask("ec2", "create_internet_gateway", TagSpecifications=specification)
    id_ = str(answer["InternetGateway"]["InternetGatewayId"])
    account.ask("ec2", "attach_internet_gateway", InternetGatewayId=id_, VpcId=planned["vpcId"])
    return id_


def _tell_internet_gateway(account: Account, id_: str, _state: State) -> Mapping[str, Any]:
    (gateway,) = account.ask("ec2", "describe_internet_gateways", InternetGatewayIds=[id_])["InternetGateways"]
    attached_to = next((attachment["VpcId"] for attachment in gateway["Attachments"]), "")
    return {"vpcId": attached_to, "tags": tags.mapped(gateway.get("Tags"))}


def _update_internet_gateway(account: Account, id_: str, state: State, planned: State) -> None:
    tags.retag(account, id_, state, planned)
    if state["vpcId"] != planned["vpcId"]:
        _detach(account, id_, state)
        account.ask("ec2", "attach_internet_gateway", InternetGatewayId=id_, VpcId=planned["vpcId"])


def _detach(account: Account, id_: str, state: State) -> None:
    if state["vpcId"]:  # it has none where whoever made it was killed before it attached it
        account.ask("ec2", "detach_internet_gateway", InternetGatewayId=id_, VpcId=state["vpcId"])


def _delete_internet_gateway(account: Account, id_: str, state: State) -> None:
    _detach(account, id_, state)
    account.ask("ec2", "delete_internet_gateway", InternetGatewayId=id_)


INTERNET_GATEWAY: Final = ResourceType(
    block=Block.of(vpcId=string(required=True), tags=mapping()),
    create=_create_internet_gateway,
    tell=_tell_internet_gateway,
    update=_update_internet_gateway,
    updated=TAGS | {"vpcId"},
    delete=_delete_internet_gateway,
    gone=frozenset({"InvalidInternetGatewayID.NotFound", "Gateway.NotAttached"}),
)


def _create_route_table(account: Account, planned: State) -> str:
    specification = tags.specification("route-table", planned)
    answer = account.ask("ec2", "create_route_table", VpcId=planned["vpcId"], TagSpecifications=specification)
    id_ = str(answer["RouteTable"]["RouteTableId"])
    _routes(account, id_, {}, planned)
    return id_


def _routes(account: Account, id_: str, state: State, planned: State) -> None:
    had, wanted = ({it["cidrBlock"]: it["gatewayId"] for it in of.get("routes") or []} for of in (state, planned))
    for block in sorted(block for block in had if had[block] != wanted.get(block)):
        account.ask("ec2", "delete_route", RouteTableId=id_, DestinationCidrBlock=block)
    for block in sorted(block for block in wanted if had.get(block) != wanted[block]):
        account.ask("ec2", "create_route", RouteTableId=id_, DestinationCidrBlock=block, GatewayId=wanted[block])


def _update_route_table(account: Account, id_: str, state: State, planned: State) -> None:
    tags.retag(account, id_, state, planned)
    _routes(account, id_, state, planned)


def _tell_route_table(account: Account, id_: str, _state: State) -> Mapping[str, Any]:
    (table,) = account.ask("ec2", "describe_route_tables", RouteTableIds=[id_])["RouteTables"]
    routes = [
        {"cidrBlock": route["DestinationCidrBlock"], "gatewayId": route["GatewayId"]}
        for route in table["Routes"]
        if route.get("GatewayId") != "local"
    ]
    return {"vpcId": table["VpcId"], "routes": routes, "tags": tags.mapped(table.get("Tags"))}


def _delete_route_table(account: Account, id_: str, _state: State) -> None:
    account.ask("ec2", "delete_route_table", RouteTableId=id_)


ROUTE_TABLE: Final = ResourceType(
    block=Block.of(
        vpcId=string(required=True, replaces=True),
        routes=unordered(Block.of(cidrBlock=string(required=True), gatewayId=string(required=True))),
        tags=mapping(),
    ),
    create=_create_route_table,
    tell=_tell_route_table,
    update=_update_route_table,
    updated=TAGS | {"routes"},
    delete=_delete_route_table,
    gone=frozenset({"InvalidRouteTableID.NotFound"}),
)


def _create_association(account: Account, planned: State) -> str:
    answer = account.ask(
        "ec2", "associate_route_table", RouteTableId=planned["routeTableId"], SubnetId=planned["subnetId"]
    )
    return str(answer["AssociationId"])


def _tell_association(account: Account, id_: str, state: State) -> Mapping[str, Any] | None:
    (table,) = account.ask("ec2", "describe_route_tables", RouteTableIds=[state["routeTableId"]])["RouteTables"]
    for association in table["Associations"]:
        if association["RouteTableAssociationId"] == id_:
            return {"routeTableId": association["RouteTableId"], "subnetId": association["SubnetId"]}
    return None


def _delete_association(account: Account, id_: str, _state: State) -> None:
    account.ask("ec2", "disassociate_route_table", AssociationId=id_)


ROUTE_TABLE_ASSOCIATION: Final = ResourceType(
    block=Block.of(routeTableId=string(required=True), subnetId=string(required=True, replaces=True)),
    create=_create_association,
    tell=_tell_association,
    delete=_delete_association,
    gone=frozenset({"InvalidRouteTableID.NotFound", "InvalidAssociationID.NotFound"}),
)
