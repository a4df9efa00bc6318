"""What a stack costs, on a price table with round figures."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from fleet import comparison, cost_comment, costs, prices
from fleet.cost_review import review
from fleet.errors import FleetError
from fleet.markdown import joined
from fleet.prices import Prices
from stacks.config import StackConfig, with_shorthand

ROOT = Path(__file__).resolve().parents[3]
GOLDEN = Path(__file__).parent / "golden" / "costs.md"
TODAY = date(2026, 6, 1)
OF = {"date": "2026-05-01", "source": "made up"}
PRICES = Prices.model_validate(
    {
        "ec2": {**OF, "hourly": {"t3.large": {"us-east-1": 0.1}, "m5.large": {"us-east-1": 0.2}}},
        "ebs": {**OF, "gp3": {"us-east-1": 0.1}},
        "network": {**OF, "load_balancer": {"us-east-1": 0.01}, "address": 0.0},
        "keys": {**OF, "key": 1},
        "lambda_labs": {**OF, "date": "2026-01-01", "hourly": {"gpu_1x_a10": 1, "gpu_1x_a100": 2}},
    }
)
MACHINE = 0.1 * 730 + 10
"""A t3.large with a disk of 100 GiB."""


def stack(
    servers: dict[str, Any] | None = None,
    *,
    region: str = "us-east-1",
    gpus: Sequence[str] = (),
    **groups: dict[str, Any],
) -> StackConfig:
    group = {"role": "worker", "count": 1, "type": "t3.large", "disk-gibibytes": 100}
    aws = {
        "region": region,
        "zones": ["us-east-1a"],
        "groups": {"manager": group | {"role": "manager"}} | {name: group | more for name, more in groups.items()},
        "images": {"x86_64": "ami-0123456789abcdef0"},
        "domain": {"name": "mcp.example.com", "hosted-zone": "Z0"},
        "bucket": "a-bucket",
        "ssh-from": ["203.0.113.0/24"],
    }
    more = {"lambda_labs": {"regions": ["us-east-1"], "types": list(gpus), "count": 2}} if gpus else {}
    return StackConfig.model_validate(with_shorthand({"hosts": {"aws": aws, **more}, "servers": servers or {}}))


def test_machines_disks_balancer_and_key_are_counted() -> None:
    found = costs.monthly(stack(worker={"count": 2}), PRICES)
    assert found.groups["worker"].what == "2 x t3.large"
    assert found.groups["worker"].dollars == pytest.approx(2 * MACHINE)
    assert found.total.dollars == pytest.approx(3 * MACHINE + 7.3 + 1)


def test_servers_share_the_machines_that_they_may_run_on_by_their_limits() -> None:
    servers = {
        "big": {"source": "pypi:a@1", "cpu": 3, "memory": "768M", "place": "worker"},
        "small": {"source": "pypi:b@1", "cpu": 1, "memory": "256M", "place": "worker"},
        "data": {"source": "pypi:c@1", "volume": True},
    }
    found = costs.monthly(stack(servers, worker={}), PRICES)
    assert found.servers["big"].dollars == pytest.approx(MACHINE * 3 / 4)
    assert found.servers["small"].dollars == pytest.approx(MACHINE / 4)
    assert found.servers["data"].dollars == pytest.approx(MACHINE), "alone on the manager"
    assert sum(cost.dollars for cost in found.servers.values()) == pytest.approx(2 * MACHINE)


def test_replicas_of_a_server_that_runs_anywhere_are_spread_over_the_machines() -> None:
    servers = {"one": {"source": "pypi:a@1", "replicas": 3}, "two": {"source": "pypi:b@1"}}
    found = costs.monthly(stack(servers, worker={"count": 3}), PRICES)
    assert found.servers["one"].dollars == pytest.approx(4 * MACHINE * 3 / 4)


def test_a_type_that_is_not_in_the_table_is_unknown_and_never_guessed() -> None:
    found = costs.monthly(stack({"time": "pypi:t@1"}, gpu={"type": "p5.48xlarge"}), PRICES)
    assert found.groups["gpu"].unknown == ("p5.48xlarge in us-east-1",)
    assert found.total.unknown == ("p5.48xlarge in us-east-1",)
    assert found.servers["time"].unknown == ("p5.48xlarge in us-east-1",)
    elsewhere = costs.monthly(stack(region="mx-central-1"), PRICES)
    assert set(elsewhere.total.unknown) == {f"{what} in mx-central-1" for what in ("t3.large", "gp3", "load balancer")}


def test_machines_of_lambda_labs_are_counted_as_the_dearest_that_they_may_be() -> None:
    servers = {"model": {"source": "pypi:m@1", "place": "gpu"}, "time": {"source": "pypi:t@1", "place": "aws"}}
    found = review(None, stack(servers, gpus=["gpu_1x_a10", "gpu_1x_a100"]), PRICES, TODAY)
    machines = found.after.groups["lambda_labs"]
    assert machines.what == "2 x gpu_1x_a10 or gpu_1x_a100"
    assert machines.dollars == found.after.servers["model"].dollars == 2 * 2 * 730
    assert found.after.servers["time"].dollars == pytest.approx(MACHINE)
    assert found.notes == ()
    later = review(None, stack(gpus=["gpu_8x_b300"]), PRICES, date(2026, 7, 1))
    assert later.after.groups["lambda_labs"].unknown == ("gpu_8x_b300",)
    assert later.notes == ("the prices of lambda_labs are of 2026-01-01, 181 days ago",)


def test_the_comment_is_as_it_was_approved() -> None:
    before = costs.monthly(stack({"time": "pypi:t@1", "old": "pypi:o@1"}, worker={}), PRICES)
    after = stack({"time": "pypi:t@1"}, worker={"type": "m5.large", "count": 2}, gpu={"type": "p5.48xlarge"})
    found = review(before, after, PRICES, date(2027, 5, 1))
    comment = joined("", [cost_comment.costs(found), cost_comment.servers(found)], 60_000)
    assert comment == GOLDEN.read_text()


def test_a_table_older_than_half_a_year_says_so() -> None:
    assert review(None, stack(), PRICES, date(2026, 10, 28)).notes == ()
    notes = review(None, stack(), PRICES, date(2026, 10, 29)).notes
    assert notes[0] == "the prices of ec2 are of 2026-05-01, 181 days ago"


def test_prices_that_nobody_compared_with_their_source_say_so() -> None:
    undated = PRICES.model_copy(update={"keys": PRICES.keys.model_copy(update={"date": None})})
    notes = review(None, stack(), undated, TODAY).notes
    assert notes == ("the prices of keys were not compared with their source: check them",)


def test_this_machine_costs_nothing() -> None:
    found = review(None, StackConfig.model_validate({}), prices.read(), TODAY)
    assert list(cost_comment.paid(found)) == []
    assert found.notes == ()


def test_the_committed_table_knows_what_the_committed_stacks_are_made_of() -> None:
    for name in ("prod", "staging"):
        assert comparison.costs_of(name, ROOT, None, TODAY).after.total.unknown == ()


def test_a_broken_table_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "prices.json"
    broken.write_text("{}")
    with pytest.raises(FleetError, match="is no price table"):
        prices.read(broken)
