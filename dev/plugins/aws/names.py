"""Names in Route 53, and certificates of ACM that are proved by them."""

from collections.abc import Mapping
from typing import Any, Final

from dev.plugins.aws import tags
from dev.plugins.aws.account import Account
from dev.plugins.aws.resource_type import ResourceType
from dev.plugins.docker.waiting import until
from dev.plugins.planning import State
from dev.plugins.resource import OperationError
from dev.plugins.schema import Block, boolean, integer, listing, mapping, string, unordered

ISSUED: Final = "ISSUED"
VALIDATION_SECONDS: Final = 75 * 60.0
"""Of the real provider, for a certificate to be issued."""
POLL_SECONDS: Final = 0.5


def _create_certificate(account: Account, planned: State) -> str:
    answer = account.ask(
        "acm",
        "request_certificate",
        DomainName=planned["domainName"],
        ValidationMethod=planned["validationMethod"],
        Tags=tags.pairs(planned),
    )
    return str(answer["CertificateArn"])


def _tell_certificate(account: Account, id_: str, _state: State) -> Mapping[str, Any]:
    certificate = account.ask("acm", "describe_certificate", CertificateArn=id_)["Certificate"]
    (option,) = certificate["DomainValidationOptions"]
    record = option["ResourceRecord"]
    return {
        "arn": certificate["CertificateArn"],
        "domainName": certificate["DomainName"],
        "validationMethod": option["ValidationMethod"],
        "domainValidationOptions": [
            {
                "domainName": option["DomainName"],
                "resourceRecordName": record["Name"],
                "resourceRecordType": record["Type"],
                "resourceRecordValue": record["Value"],
            }
        ],
        "tags": tags.mapped(account.ask("acm", "list_tags_for_certificate", CertificateArn=id_)["Tags"]),
    }


def _update_certificate(account: Account, id_: str, state: State, planned: State) -> None:
    if gone := [{"Key": key} for key in tags.removed(state, planned)]:
        account.ask("acm", "remove_tags_from_certificate", CertificateArn=id_, Tags=gone)
    account.ask("acm", "add_tags_to_certificate", CertificateArn=id_, Tags=tags.pairs(planned))


def _delete_certificate(account: Account, id_: str, _state: State) -> None:
    account.ask("acm", "delete_certificate", CertificateArn=id_)


CERTIFICATE: Final = ResourceType(
    block=Block.of(
        arn=string(output=True),
        domainName=string(required=True, replaces=True),
        validationMethod=string(required=True, replaces=True),
        domainValidationOptions=listing(
            Block.of(
                domainName=string(),
                resourceRecordName=string(),
                resourceRecordType=string(),
                resourceRecordValue=string(),
            ),
            output=True,
        ),
        tags=mapping(),
    ),
    create=_create_certificate,
    tell=_tell_certificate,
    update=_update_certificate,
    updated=frozenset({"tags"}),
    delete=_delete_certificate,
    gone=frozenset({"ResourceNotFoundException"}),
)


def _validate(account: Account, planned: State) -> str:
    """Waits until the certificate is issued; refuses records that don't prove it, as the real provider does."""
    arn = str(planned["certificateArn"])
    (option,) = _tell_certificate(account, arn, {})["domainValidationOptions"]
    wanted = option["resourceRecordName"].rstrip(".")
    if [name.rstrip(".") for name in planned["validationRecordFqdns"]] != [wanted]:
        raise OperationError(f"validationRecordFqdns must be [{wanted!r}] to prove {option['domainName']}")
    if not until(lambda: _tell_validation(account, arn, {}), VALIDATION_SECONDS, poll=POLL_SECONDS):
        raise OperationError(f"{arn} was not issued within {VALIDATION_SECONDS:.0f} s")
    return arn


def _tell_validation(account: Account, id_: str, _state: State) -> Mapping[str, Any] | None:
    status = account.ask("acm", "describe_certificate", CertificateArn=id_)["Certificate"]["Status"]
    return {"certificateArn": id_} if status == ISSUED else None


def _forget_validation(_account: Account, _id: str, _state: State) -> None:
    """Nothing to do: it was only waited for."""


CERTIFICATE_VALIDATION: Final = ResourceType(
    block=Block.of(
        certificateArn=string(required=True, replaces=True),
        validationRecordFqdns=unordered(string(), required=True, replaces=True),
    ),
    create=_validate,
    tell=_tell_validation,
    delete=_forget_validation,
    gone=frozenset({"ResourceNotFoundException"}),
)


def _record_set(state: State) -> Mapping[str, Any]:
    record: dict[str, Any] = {"Name": state["name"], "Type": state["type"]}
    for alias in state.get("aliases") or []:
        record["AliasTarget"] = {
            "DNSName": alias["name"],
            "HostedZoneId": alias["zoneId"],
            "EvaluateTargetHealth": alias["evaluateTargetHealth"],
        }
    if state.get("records"):
        record["ResourceRecords"] = [{"Value": value} for value in state["records"]]
        record["TTL"] = state["ttl"]
    return record


def _change(account: Account, action: str, state: State) -> None:
    changes = [{"Action": action, "ResourceRecordSet": _record_set(state)}]
    account.ask(
        "route53", "change_resource_record_sets", HostedZoneId=state["zoneId"], ChangeBatch={"Changes": changes}
    )


def _create_record(account: Account, planned: State) -> str:
    _change(account, "CREATE", planned)
    return f"{planned['zoneId']}_{planned['name'].rstrip('.')}_{planned['type']}"


def _tell_record(account: Account, _id: str, state: State) -> Mapping[str, Any] | None:
    found = account.ask(
        "route53",
        "list_resource_record_sets",
        HostedZoneId=state["zoneId"],
        StartRecordName=state["name"],
        StartRecordType=state["type"],
        MaxItems="1",
    )["ResourceRecordSets"]
    here = [record for record in found if _same(record["Name"], state["name"]) and record["Type"] == state["type"]]
    if not here:
        return None
    told: dict[str, Any] = {"fqdn": here[0]["Name"].rstrip(".")}
    if "ResourceRecords" in here[0]:
        told |= {"records": [record["Value"] for record in here[0]["ResourceRecords"]], "ttl": here[0]["TTL"]}
    if target := here[0].get("AliasTarget"):
        alias = {"zoneId": target["HostedZoneId"], "evaluateTargetHealth": target["EvaluateTargetHealth"]}
        told["aliases"] = [{"name": target["DNSName"].rstrip("."), **alias}]
    return told


def _same(one: str, other: str) -> bool:
    return one.rstrip(".").lower() == other.rstrip(".").lower()


def _update_record(account: Account, _id: str, _state: State, planned: State) -> None:
    _change(account, "UPSERT", planned)


def _delete_record(account: Account, _id: str, state: State) -> None:
    _change(account, "DELETE", state)


def _record_problem(inputs: Mapping[str, Any]) -> str | None:
    if ("aliases" in inputs) == ("records" in inputs):
        return "give one of aliases and records"
    if "records" in inputs and "ttl" not in inputs:
        return "records need a ttl"
    return None


RECORD: Final = ResourceType(
    block=Block(
        {
            "zoneId": string(required=True, replaces=True),
            "name": string(required=True, replaces=True),
            "type": string(required=True),
            "records": unordered(string()),
            "ttl": integer(),
            "aliases": listing(
                Block.of(
                    name=string(required=True),
                    zoneId=string(required=True),
                    evaluateTargetHealth=boolean(required=True),
                )
            ),
            "fqdn": string(output=True),
        },
        rule=_record_problem,
    ),
    create=_create_record,
    tell=_tell_record,
    update=_update_record,
    updated=frozenset({"records", "ttl", "aliases"}),
    delete=_delete_record,
    gone=frozenset({"NoSuchHostedZone"}),
)
