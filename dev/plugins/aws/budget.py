"""Budgets."""

from collections.abc import Mapping
from typing import Any, Final

from dev.plugins.aws.account import Account
from dev.plugins.aws.resource_type import ResourceType
from dev.plugins.planning import State
from dev.plugins.schema import Block, integer, listing, mapping, string, unordered


def _names(id_: str) -> Mapping[str, str]:
    number, _, name = id_.partition(":")
    return {"AccountId": number, "BudgetName": name}


def _create(account: Account, planned: State) -> str:
    number = account.number()
    account.ask(
        "budgets",
        "create_budget",
        AccountId=number,
        Budget={
            "BudgetName": planned["name"],
            "BudgetType": planned["budgetType"],
            "TimeUnit": planned["timeUnit"],
            "BudgetLimit": {"Amount": planned["limitAmount"], "Unit": planned["limitUnit"]},
        },
        NotificationsWithSubscribers=[
            {
                "Notification": {
                    "NotificationType": notification["notificationType"],
                    "ComparisonOperator": notification["comparisonOperator"],
                    "Threshold": notification["threshold"],
                    "ThresholdType": notification["thresholdType"],
                },
                "Subscribers": [
                    {"SubscriptionType": "EMAIL", "Address": address}
                    for address in notification["subscriberEmailAddresses"]
                ],
            }
            for notification in planned["notifications"]
        ],
        ResourceTags=[{"Key": key, "Value": value} for key, value in (planned.get("tags") or {}).items()],
    )
    return f"{number}:{planned['name']}"


def _tell(account: Account, id_: str, state: State) -> Mapping[str, Any]:
    """All but who is told, and tags, which moto can't say."""
    budget = account.ask("budgets", "describe_budget", **_names(id_))["Budget"]
    found = account.ask("budgets", "describe_notifications_for_budget", **_names(id_))["Notifications"]
    kept = state.get("notifications") or []
    here = {(notification["NotificationType"], notification["Threshold"]) for notification in found}
    return {
        "name": budget["BudgetName"],
        "budgetType": budget["BudgetType"],
        "timeUnit": budget["TimeUnit"],
        "limitAmount": budget["BudgetLimit"]["Amount"],
        "limitUnit": budget["BudgetLimit"]["Unit"],
        "notifications": [item for item in kept if (item["notificationType"], item["threshold"]) in here],
    }


def _update(_account: Account, _id: str, _state: State, _planned: State) -> None:
    """Nothing to do: moto keeps no tags of budgets."""


def _delete(account: Account, id_: str, _state: State) -> None:
    account.ask("budgets", "delete_budget", **_names(id_))


BUDGET: Final = ResourceType(
    block=Block.of(
        name=string(required=True, replaces=True),
        budgetType=string(required=True),
        timeUnit=string(required=True),
        limitAmount=string(required=True, comparable=float),
        limitUnit=string(required=True),
        notifications=unordered(
            Block.of(
                notificationType=string(required=True),
                comparisonOperator=string(required=True),
                threshold=integer(required=True),
                thresholdType=string(required=True),
                subscriberEmailAddresses=listing(string(), required=True),
            ),
            required=True,
        ),
        tags=mapping(),
    ),
    create=_create,
    tell=_tell,
    update=_update,
    updated=frozenset({"tags"}),
    delete=_delete,
    gone=frozenset({"NotFoundException"}),
)
