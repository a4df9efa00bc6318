import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator

import anyio
import httpx2
import pytest
from mcp_chassis import Status, Upstream, UpstreamError, UpstreamRefusedError
from mcp_chassis.upstream import Patience

from .service import Service, serving

QUICK = Patience(shortest=0.01, longest=0.02, timeout=30, recovery=60)


@pytest.fixture
def service() -> Iterator[Service]:
    with serving() as found:
        yield found


def call(
    service: Service, work: Callable[[Upstream], Awaitable[object]], patience: Patience = QUICK
) -> tuple[object, Upstream]:
    async def run() -> tuple[object, Upstream]:
        slots = anyio.CapacityLimiter(100)
        headers = {"authorization": "Bearer hunter2"}
        async with Upstream("wiki", service.url, headers=headers, slots=slots, patience=patience) as upstream:
            return await work(upstream), upstream

    return asyncio.run(run())


def error_of(
    service: Service, work: Callable[[Upstream], Awaitable[object]], patience: Patience = QUICK
) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        call(service, work, patience)
    return caught.value


def test_a_request_goes_to_the_service_with_its_credentials(service: Service) -> None:
    answer, upstream = call(service, lambda it: it.request("GET", "pages", params={"q": "a b"}))
    assert isinstance(answer, httpx2.Response)
    assert answer.json() == {"said": "well"}
    assert service.seen == ["GET /v1/pages?q=a+b Bearer hunter2"]
    assert asyncio.run(upstream.check()).status is Status.HEALTHY


@pytest.mark.parametrize("busy", [0, 429, 502, 503, 504])
def test_what_may_be_sent_twice_is_sent_up_to_three_times(service: Service, busy: int) -> None:
    service.answers = [busy, busy]
    call(service, lambda it: it.request("GET", "pages"))
    assert len(service.seen) == 3

    service.answers = [busy] * 9
    error = error_of(service, lambda it: it.request("PUT", "pages", json={}))
    assert "again" in str(error) or "Ask for less" in str(error)
    assert len(service.seen) == 6


@pytest.mark.parametrize(("failure", "sent"), [(0, 1), (500, 1), (502, 1), (504, 1), (429, 3), (503, 3)])
def test_what_may_have_been_done_is_not_sent_again(service: Service, failure: int, sent: int) -> None:
    service.answers = [failure] * 9
    error_of(service, lambda it: it.request("POST", "pages", json={}))
    assert len(service.seen) == sent


def test_a_tool_can_say_that_its_post_may_be_sent_twice(service: Service) -> None:
    service.answers = [502]
    call(service, lambda it: it.request("POST", "search", json={}, idempotent=True))
    assert len(service.seen) == 2


def test_the_pause_is_the_one_that_the_service_asks_for_within_bounds(service: Service) -> None:
    patience = Patience(shortest=0.01, longest=1)
    service.answers = [(429, {"retry-after": "3600"})]
    began = time.monotonic()
    call(service, lambda it: it.request("GET", "pages"), patience)
    assert 1 <= time.monotonic() - began < 30


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (400, 'HTTP 400): {"said": "well"}. Change its arguments'),
        (401, "Only its operator"),
        (403, "Only its operator"),
        (404, "Change its arguments"),
        ((302, {"location": "http://127.0.0.1:1/"}), "a redirect"),
    ],
)
def test_a_refusal_is_not_tried_again_and_says_what_to_do(
    service: Service, answer: int | tuple[int, dict[str, str]], said: str
) -> None:
    service.answers = [answer]
    error = error_of(service, lambda it: it.request("GET", "pages"))
    assert isinstance(error, UpstreamRefusedError)
    assert said in str(error)
    assert "hunter2" not in str(error)
    assert len(service.seen) == 1


def test_a_service_that_is_not_there_is_named() -> None:
    error = error_of(Service(url="http://127.0.0.1:1"), lambda it: it.request("GET", "pages"))
    assert str(error).startswith("wiki could not be reached (ConnectError).")


def test_a_service_that_fails_five_times_is_left_alone_then_tried_again(service: Service) -> None:
    service.answers = [500] * 5
    patience = Patience(shortest=0.01, longest=0.02, recovery=2)

    async def work(upstream: Upstream) -> None:
        for _ in range(5):
            with pytest.raises(UpstreamError, match="HTTP 500"):
                await upstream.request("GET", "pages")
        opened = time.monotonic()
        with pytest.raises(UpstreamError, match="left alone for 2 s"):
            await upstream.request("GET", "pages")
        assert len(service.seen) == 5
        assert (await upstream.check()).status is Status.UNHEALTHY
        async with asyncio.timeout(60):
            while len(service.seen) == 5:
                try:
                    await upstream.request("GET", "pages")
                except UpstreamError:
                    await asyncio.sleep(0.1)
        assert time.monotonic() - opened > 1.9
        assert (await upstream.check()).status is Status.HEALTHY

    call(service, work, patience)


def test_refusals_and_calls_that_were_given_up_are_no_failures_of_the_service(service: Service) -> None:
    service.answers = [404] * 6

    async def work(upstream: Upstream) -> None:
        for _ in range(6):
            with pytest.raises(UpstreamRefusedError):
                await upstream.request("GET", "pages")
        for _ in range(6):
            with anyio.move_on_after(0):
                await upstream.request("GET", "pages")
        await upstream.request("GET", "pages")

    call(service, work)
