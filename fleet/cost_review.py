"""What a change does to the costs of a stack. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from fleet import costs
from fleet.costs import Costs
from fleet.prices import Prices
from stacks.config import StackConfig
from stacks.hosts_config import LAMBDA_LABS_PLACE

ON_AWS = ("ec2", "ebs", "network", "keys")
"""The parts of the price table that every stack in clouds needs; that of Lambda Labs has its place's name."""


@dataclass(frozen=True, kw_only=True)
class CostReview:
    """Costs before and after a change.

    Attributes:
        before: None where that is not known.
        notes: what a reader should know of the figures, a sentence each, without a full stop.
    """

    before: Costs | None
    after: Costs
    notes: tuple[str, ...] = ()

    def to_json(self) -> Mapping[str, Any]:
        """As `fleet cost --json` prints it."""
        return {
            "before": self.before.to_json() if self.before else None,
            "after": self.after.to_json(),
            "notes": list(self.notes),
        }


def review(before: Costs | None, config: StackConfig, prices: Prices, today: date) -> CostReview:
    """Return what a configuration costs, beside what the stack cost before."""
    after = costs.monthly(config, prices)
    groups = {*after.groups, *(before.groups if before else ())}
    used = [*(ON_AWS if groups else ()), *([LAMBDA_LABS_PLACE] if LAMBDA_LABS_PLACE in groups else [])]
    return CostReview(before=before, after=after, notes=tuple(prices.old(today, *used)))
