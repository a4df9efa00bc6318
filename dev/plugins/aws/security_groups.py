"""Security groups and their rules."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from dev.plugins.aws import tags
from dev.plugins.aws.account import Account
from dev.plugins.aws.network import TAGS
from dev.plugins.aws.resource_type import ResourceType
from dev.plugins.planning import State
from dev.plugins.schema import Block, integer, mapping, string

Direction = Literal["ingress", "egress"]


def _rules(account: Account, group: str) -> list[Mapping[str, Any]]:
    filters = [{"Name": "group-id", "Values": [group]}]
    return list(account.ask("ec2", "describe_security_group_rules", Filters=filters)["SecurityGroupRules"])


def _clear(account: Account, group: str) -> None:
    """Removes all rules, as the real provider does with those that AWS gives a new group."""
    for rule in _rules(account, group):
        direction = "egress" if rule["IsEgress"] else "ingress"
        account.ask(
            "ec2",
            f"revoke_security_group_{direction}",
            GroupId=group,
            SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]],
        )


def _create_group(account: Account, planned: State) -> str:
    answer = account.ask(
        "ec2",
        "create_security_group",
        GroupName=planned["name"],
        Description=planned["description"],
        VpcId=planned["vpcId"],
        TagSpecifications=tags.specification("security-group", planned),
    )
    id_ = str(answer["GroupId"])
    _clear(account, id_)
    return id_


def _tell_group(account: Account, id_: str, _state: State) -> Mapping[str, Any]:
    (group,) = account.ask("ec2", "describe_security_groups", GroupIds=[id_])["SecurityGroups"]
    return {
        "name": group["GroupName"],
        "description": group["Description"],
        "vpcId": group["VpcId"],
        "tags": tags.mapped(group.get("Tags")),
    }


def _delete_group(account: Account, id_: str, _state: State) -> None:
    account.ask("ec2", "delete_security_group", GroupId=id_)


SECURITY_GROUP: Final = ResourceType(
    block=Block.of(
        name=string(required=True, replaces=True),
        description=string(default="Managed by Pulumi", replaces=True),
        vpcId=string(required=True, replaces=True),
        tags=mapping(),
    ),
    create=_create_group,
    tell=_tell_group,
    update=tags.retag,
    updated=TAGS,
    delete=_delete_group,
    gone=frozenset({"InvalidGroup.NotFound"}),
)


def _adopt_default_group(account: Account, planned: State) -> str:
    filters = [{"Name": "vpc-id", "Values": [planned["vpcId"]]}, {"Name": "group-name", "Values": ["default"]}]
    (group,) = account.ask("ec2", "describe_security_groups", Filters=filters)["SecurityGroups"]
    id_ = str(group["GroupId"])
    _clear(account, id_)
    tags.retag(account, id_, {}, planned)
    return id_


def _tell_default_group(account: Account, id_: str, state: State) -> Mapping[str, Any] | None:
    told = _tell_group(account, id_, state)
    return {"vpcId": told["vpcId"], "tags": told["tags"]}


def _leave_default_group(_account: Account, _id: str, _state: State) -> None:
    """Nothing to do: it goes with its VPC."""


DEFAULT_SECURITY_GROUP: Final = ResourceType(
    block=Block.of(vpcId=string(required=True, replaces=True), tags=mapping()),
    create=_adopt_default_group,
    tell=_tell_default_group,
    update=tags.retag,
    updated=TAGS,
    delete=_leave_default_group,
    gone=frozenset({"InvalidGroup.NotFound"}),
)


def _permission(planned: State) -> dict[str, Any]:
    described = {"Description": planned["description"]} if planned.get("description") else {}
    permission: dict[str, Any] = {"IpProtocol": planned["ipProtocol"]}
    if "fromPort" in planned:
        permission |= {"FromPort": planned["fromPort"], "ToPort": planned["toPort"]}
    if "cidrIpv4" in planned:
        permission["IpRanges"] = [{"CidrIp": planned["cidrIpv4"], **described}]
    else:
        permission["UserIdGroupPairs"] = [{"GroupId": planned["referencedSecurityGroupId"], **described}]
    return permission


def _rule_problem(inputs: Mapping[str, Any]) -> str | None:
    if ("cidrIpv4" in inputs) == ("referencedSecurityGroupId" in inputs):
        return "give one of cidrIpv4 and referencedSecurityGroupId"
    if inputs["ipProtocol"] != "-1" and not {"fromPort", "toPort"} <= inputs.keys():
        return "fromPort and toPort are required unless ipProtocol is -1"
    return None


def rule_type(direction: Direction) -> ResourceType:
    """The type of a rule for traffic of this direction. The real provider changes rules in place, too."""

    def create(account: Account, planned: State) -> str:
        answer = account.ask(
            "ec2",
            f"authorize_security_group_{direction}",
            GroupId=planned["securityGroupId"],
            IpPermissions=[_permission(planned)],
        )
        (rule,) = answer["SecurityGroupRules"]
        return str(rule["SecurityGroupRuleId"])

    def tell(account: Account, id_: str, _state: State) -> Mapping[str, Any]:
        (rule,) = account.ask("ec2", "describe_security_group_rules", SecurityGroupRuleIds=[id_])["SecurityGroupRules"]
        told: dict[str, Any] = {"securityGroupId": rule["GroupId"], "ipProtocol": rule["IpProtocol"]}
        if rule["IpProtocol"] != "-1":
            told |= {"fromPort": rule["FromPort"], "toPort": rule["ToPort"]}
        if "ReferencedGroupInfo" in rule:  # moto forgets the description of these
            return {**told, "referencedSecurityGroupId": rule["ReferencedGroupInfo"]["GroupId"]}
        return {**told, "cidrIpv4": rule["CidrIpv4"], "description": rule.get("Description")}

    def delete(account: Account, id_: str, state: State) -> None:
        account.ask(
            "ec2",
            f"revoke_security_group_{direction}",
            GroupId=state["securityGroupId"],
            SecurityGroupRuleIds=[id_],
        )

    return ResourceType(
        block=Block(
            {
                "securityGroupId": string(required=True, replaces=True),
                "ipProtocol": string(required=True),
                "fromPort": integer(),
                "toPort": integer(),
                "cidrIpv4": string(),
                "referencedSecurityGroupId": string(),
                "description": string(),
            },
            rule=_rule_problem,
        ),
        create=create,
        tell=tell,
        delete=delete,
        gone=frozenset({"InvalidSecurityGroupRuleId.NotFound", "InvalidGroup.NotFound"}),
    )


INGRESS_RULE: Final = rule_type("ingress")
EGRESS_RULE: Final = rule_type("egress")
