"""An alarm when a fleet on AWS costs more than was meant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
from pulumi_aws import budgets

WARNINGS = (("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100))
"""What is compared, and at which percentage of the budget it is told."""


@dataclass(frozen=True, kw_only=True)
class AwsBudgetArgs:
    """Arguments of AwsBudget.

    Arguments:
        name: of the budget in the account.
        dollars: what all of the account may cost in a month.
        emails: who is told; up to ten.
    """

    name: str
    dollars: int
    emails: Sequence[str]
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class AwsBudgetOutputs:
    """`budget` is its id."""

    budget: pulumi.Output[str]


class AwsBudget(pulumi.ComponentResource):
    """A monthly budget that warns when most of it is spent, when all of it is, and when all of it will be."""

    def __init__(self, name: str, args: AwsBudgetArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mcp-fleet:hosts:AwsBudget", name, {}, opts)
        if not args.emails:
            raise pulumi.RunError(f"AWS: budget {args.name}: nobody would be told; give `emails`")
        budget = budgets.Budget(
            name,
            budgets.BudgetArgs(
                name=args.name,
                budget_type="COST",
                time_unit="MONTHLY",
                limit_amount=f"{args.dollars}.0",  # as AWS reports it
                limit_unit="USD",
                notifications=[
                    budgets.BudgetNotificationArgs(
                        comparison_operator="GREATER_THAN",
                        notification_type=compared,
                        threshold=percentage,
                        threshold_type="PERCENTAGE",
                        subscriber_email_addresses=list(args.emails),
                    )
                    for compared, percentage in WARNINGS
                ],
                tags=args.tags,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.outputs = AwsBudgetOutputs(budget=budget.id)
        self.register_outputs(vars(self.outputs))
