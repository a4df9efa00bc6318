import asyncio

import pytest
from mcp_chassis import Component, Health, Status
from mcp_chassis.health import Check


async def well() -> Component:
    return Component()


async def slow_answers() -> Component:
    return Component(status=Status.DEGRADED, reason="answers slowly")


async def down() -> Component:
    raise ConnectionError("postgresql://user:hunter2@db refused")


async def hanging() -> Component:
    await asyncio.Event().wait()
    return Component()


def health() -> Health:
    return Health("wiki", "1.2.3", seconds=0.2)


def test_a_server_without_parts_is_healthy() -> None:
    report = asyncio.run(health().report())
    assert (report.status, report.server, report.version, report.components) == ("healthy", "wiki", "1.2.3", {})


@pytest.mark.parametrize(
    ("check", "required", "status", "component"),
    [
        (well, True, "healthy", "healthy"),
        (slow_answers, True, "degraded", "degraded"),
        (down, False, "degraded", "unhealthy"),
        (down, True, "unhealthy", "unhealthy"),
        (hanging, False, "degraded", "unhealthy"),
    ],
)
def test_a_server_is_dead_only_without_a_part_that_it_requires(
    check: Check, required: bool, status: str, component: str
) -> None:
    watched = health()
    watched.watch("index", well)
    watched.watch("database", check, required=required)
    report = asyncio.run(watched.report())
    assert report.status == status
    assert report.components["database"].status == component
    assert report.components["index"].status == "healthy"


def test_a_failed_check_says_what_happened_and_quotes_no_driver() -> None:
    watched = health()
    watched.watch("database", down)
    watched.watch("search", hanging)
    components = asyncio.run(watched.report()).components
    assert components["database"].reason == "ConnectionError; the log says more"
    assert components["search"].reason == "no answer within 0.2 s"
    assert components["search"].latency_ms >= 190


def test_two_parts_of_one_name_are_refused() -> None:
    watched = health()
    watched.watch("database", well)
    with pytest.raises(ValueError, match="'database' already"):
        watched.watch("database", well)
