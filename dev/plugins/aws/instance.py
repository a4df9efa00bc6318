"""Instances of EC2."""

import base64
from collections.abc import Mapping
from typing import Any, Final

from dev.plugins.aws import tags
from dev.plugins.aws.account import Account
from dev.plugins.aws.network import TAGS
from dev.plugins.aws.resource_type import ResourceType
from dev.plugins.planning import State
from dev.plugins.resource import OperationError
from dev.plugins.schema import Block, boolean, integer, mapping, nested, string, unordered

ENDED: Final = ("shutting-down", "terminated")


def _create(account: Account, planned: State) -> str:
    (image,) = account.ask("ec2", "describe_images", ImageIds=[planned["ami"]])["Images"]
    disk, metadata = planned["rootBlockDevice"], planned["metadataOptions"]
    answer = account.ask(
        "ec2",
        "run_instances",
        ImageId=planned["ami"],
        InstanceType=planned["instanceType"],
        MinCount=1,
        MaxCount=1,
        NetworkInterfaces=[
            {
                "DeviceIndex": 0,
                "SubnetId": planned["subnetId"],
                "Groups": planned["vpcSecurityGroupIds"],
                "AssociatePublicIpAddress": planned["associatePublicIpAddress"],
            }
        ],
        IamInstanceProfile={"Name": planned["iamInstanceProfile"]},
        UserData=planned["userData"],
        MetadataOptions={
            "HttpEndpoint": metadata["httpEndpoint"],
            "HttpTokens": metadata["httpTokens"],
            "HttpPutResponseHopLimit": metadata["httpPutResponseHopLimit"],
        },
        BlockDeviceMappings=[
            {
                "DeviceName": image["RootDeviceName"],
                "Ebs": {
                    "Encrypted": disk["encrypted"],
                    "KmsKeyId": disk["kmsKeyId"],
                    "VolumeType": disk["volumeType"],
                    "VolumeSize": disk["volumeSize"],
                    "DeleteOnTermination": disk["deleteOnTermination"],
                },
            }
        ],
        TagSpecifications=[*tags.specification("instance", planned), *tags.specification("volume", disk)],
    )
    return str(answer["Instances"][0]["InstanceId"])


def _tell(account: Account, id_: str, state: State) -> Mapping[str, Any] | None:
    (reservation,) = account.ask("ec2", "describe_instances", InstanceIds=[id_])["Reservations"]
    (instance,) = reservation["Instances"]
    if instance["State"]["Name"] in ENDED:
        return None
    (interface,) = instance["NetworkInterfaces"]
    user_data = account.ask("ec2", "describe_instance_attribute", InstanceId=id_, Attribute="userData")["UserData"]
    metadata = instance["MetadataOptions"]
    return {
        "ami": instance["ImageId"],
        "instanceType": instance["InstanceType"],
        "availabilityZone": instance["Placement"]["AvailabilityZone"],
        "subnetId": instance["SubnetId"],
        "vpcSecurityGroupIds": [group["GroupId"] for group in interface["Groups"]],
        "iamInstanceProfile": instance["IamInstanceProfile"]["Arn"].rpartition("/")[2],
        "userData": base64.b64decode(user_data["Value"]).decode(),
        "metadataOptions": {
            "httpEndpoint": metadata["HttpEndpoint"],
            "httpTokens": metadata["HttpTokens"],
            "httpPutResponseHopLimit": metadata["HttpPutResponseHopLimit"],
        },
        "rootBlockDevice": _disk(account, instance, state),
        "publicIp": instance.get("PublicIpAddress"),
        "privateIp": instance["PrivateIpAddress"],
        "tags": tags.mapped(instance.get("Tags")),
    }


def _disk(account: Account, instance: Mapping[str, Any], state: State) -> Mapping[str, Any]:
    (attached,) = instance["BlockDeviceMappings"]
    volumes = account.ask("ec2", "describe_volumes", VolumeIds=[attached["Ebs"]["VolumeId"]])["Volumes"]
    return {
        "encrypted": volumes[0]["Encrypted"],
        "kmsKeyId": volumes[0].get("KmsKeyId"),
        "volumeType": volumes[0]["VolumeType"],
        "volumeSize": volumes[0]["Size"],
        "deleteOnTermination": attached["Ebs"]["DeleteOnTermination"],
        "tags": tags.mapped(volumes[0].get("Tags")),
    }


def _update(account: Account, id_: str, state: State, planned: State) -> None:
    before, after = ({**of["rootBlockDevice"], "tags": None} for of in (state, planned))
    if before != after:
        raise OperationError(f"{id_}: this stand-in changes nothing of a disk but its tags")
    tags.retag(account, id_, state, planned)
    (reservation,) = account.ask("ec2", "describe_instances", InstanceIds=[id_])["Reservations"]
    for attached in reservation["Instances"][0]["BlockDeviceMappings"]:
        tags.retag(account, attached["Ebs"]["VolumeId"], state["rootBlockDevice"], planned["rootBlockDevice"])


def _delete(account: Account, id_: str, _state: State) -> None:
    account.ask("ec2", "terminate_instances", InstanceIds=[id_])


def _replaced_for_user_data(inputs: Mapping[str, Any]) -> str | None:
    return None if inputs.get("userDataReplaceOnChange") else "this stand-in knows userDataReplaceOnChange=true only"


INSTANCE: Final = ResourceType(
    block=Block(
        {
            "ami": string(required=True, replaces=True),
            "instanceType": string(required=True),
            "availabilityZone": string(output=True),
            "subnetId": string(required=True, replaces=True),
            "vpcSecurityGroupIds": unordered(string(), required=True),
            "associatePublicIpAddress": boolean(required=True, replaces=True),
            "iamInstanceProfile": string(required=True),
            "userData": string(required=True, replaces=True),
            "userDataReplaceOnChange": boolean(default=False),
            "metadataOptions": nested(
                Block.of(
                    httpEndpoint=string(required=True),
                    httpTokens=string(required=True),
                    httpPutResponseHopLimit=integer(required=True),
                ),
                required=True,
            ),
            "rootBlockDevice": nested(
                Block.of(
                    encrypted=boolean(required=True, replaces=True),
                    kmsKeyId=string(required=True, replaces=True),
                    volumeType=string(required=True),
                    volumeSize=integer(required=True),
                    deleteOnTermination=boolean(required=True),
                    tags=mapping(),
                ),
                required=True,
            ),
            "publicIp": string(output=True),
            "privateIp": string(output=True),
            "tags": mapping(),
        },
        rule=_replaced_for_user_data,
    ),
    create=_create,
    tell=_tell,
    update=_update,
    updated=TAGS | {"rootBlockDevice"},
    delete=_delete,
    gone=frozenset({"InvalidInstanceID.NotFound"}),
)
