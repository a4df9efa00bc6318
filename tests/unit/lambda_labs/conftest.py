"""An account of Lambda Cloud behind HTTP, with the published limits and times, and a clock that is never waited for."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from components.providers.lambda_labs.api import LambdaLabs
from components.providers.lambda_labs.client import Client
from components.providers.lambda_labs.launch import Launcher, Wanted
from components.providers.lambda_labs.settings import Settings
from dev.lambda_cloud.account import Account
from dev.lambda_cloud.requests import AddSshKey
from dev.lambda_cloud.server import LambdaCloud

API_KEY = "secret-key-of-the-account"
USER_DATA = "#cloud-config\nwireguard: the-private-key-of-the-machine\n"


@dataclass
class ManualClock:
    """Time that passes only when somebody pauses."""

    seconds: float = 0.0
    pauses: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.seconds

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seconds += seconds


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def cloud(clock: ManualClock) -> Iterator[LambdaCloud]:
    account = Account(clock=clock.now)
    account.add_ssh_key(AddSshKey(name="operator", public_key="ssh-ed25519 AAAA operator"))
    with LambdaCloud(account, API_KEY).serving() as cloud:
        yield cloud


@pytest.fixture
def account(cloud: LambdaCloud) -> Account:
    return cloud.account


@pytest.fixture
def api(cloud: LambdaCloud, clock: ManualClock) -> Iterator[LambdaLabs]:
    client = Client(Settings(api_key=API_KEY, endpoint=cloud.url), clock)
    yield LambdaLabs(client)
    client.close()


def wanted(*, types: tuple[str, ...] = ("gpu_1x_a10",), regions: tuple[str, ...] = ("us-east-1",)) -> Wanted:
    return Wanted(
        name="prod-one",
        tags={"mcp-fleet:claim": "prod-0123", "mcp-fleet:machine": "one"},
        spec=lambda region: f"spec-in-{region}",
        types=types,
        regions=regions,
        request=lambda region: {"ssh_key_names": ["operator"], "user_data": USER_DATA},
        ssh_port=22,
    )


@dataclass
class Launch:
    """Launches with what a test asks for, and collects what is said."""

    api: LambdaLabs
    said: list[str] = field(default_factory=list)
    answers: bool = True

    def __call__(self, what: Wanted) -> Launcher:
        return Launcher(self.api, what, lambda address, port: self.answers, self.said.append)


@pytest.fixture
def launch(api: LambdaLabs) -> Launch:
    return Launch(api)
