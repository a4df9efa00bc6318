"""Production as `Pulumi.prod.yaml` has it, in a simulated cloud: brought up, used, broken, changed and removed."""

import time
from collections.abc import Callable
from typing import Any, Final

from dev.cloud.client import Call, Caller, Traffic
from dev.cloud.cloud import Cloud, free_network
from dev.cloud.lambda_labs import LambdaLabsMachines
from dev.cloud.stack import CloudStack, committed, in_cloud
from dev.errors import EngineError
from dev.progress import Steps

PROD: Final = "prod-sim"
STAGING: Final = "staging-sim"
SECRET: Final = "API_KEY"  # noqa: S105 - its name
CLIENT: Final = "claude-code"
ADDED: Final = "pypi:mcp-server-calculator@0.2.1"
FIRST_MANAGER: Final = f"mcp-fleet-{PROD}-manager-1"
WORKERS: Final = tuple(f"mcp-fleet-{PROD}-worker-{number}" for number in (1, 2))
HEALTHY_SECONDS: Final = 300.0
LOST_WORKER: Final = "a lost worker, until all is as before"
LOST_MANAGER: Final = "the first manager lost, with all volumes"
LOSSES: Final = frozenset({LOST_WORKER, LOST_MANAGER})
"""Steps in which a machine goes without notice: calls that were on it fail, and new ones until its health checks do."""


class Show:
    """What is shown, step by step.

    Attributes:
        figures: what is printed at the end.
        load: the calls that were made beside each change.
    """

    def __init__(self, place: Cloud, elsewhere: LambdaLabsMachines, steps: Steps) -> None:
        self.figures: list[tuple[str, str]] = []
        self.load: dict[str, Traffic] = {}
        self._cloud, self._elsewhere, self._steps = place, elsewhere, steps
        self._caller = Caller(place)
        config = in_cloud(committed("prod"), place, free_network())
        config["hosts"]["lambda_labs"] = {"regions": ["us-east-1"], "types": ["gpu_1x_a10"], "count": 1}
        config["servers"]["time"]["secrets"] = [SECRET]
        self._prod = CloudStack(PROD, place, config, steps)
        elsewhere.admit(self._prod)
        self._prod.set_secret(f"secrets.time.{SECRET}", "first")

    def run(self) -> None:
        """All of it."""
        self._first_up()
        self._nothing_to_do()
        self._lost_host()
        self._lost_manager()
        self._one_more_server()
        self._rotation()
        self._new_gateways()
        self._staging()
        self._end()

    def _first_up(self) -> None:
        done = self._prod.up("prod: three managers, two workers, a machine of Lambda Labs, three servers")
        self._note("first `up` of prod", f"{done.seconds:.0f} s, {len(done.changes)} resources")
        self._answers("prod: a client calls through the load balancer")

    def _nothing_to_do(self) -> None:
        seen = self._prod.preview("prod: preview again", "--expect-no-changes")
        self._note("preview of prod", f"{seen.seconds:.1f} s")
        done = self._prod.up("prod: up again", "--expect-no-changes")
        self._note("`up` with nothing to do", f"{done.seconds:.1f} s")

    def _lost_host(self) -> None:
        with_gateway = [name for name in WORKERS if self._has_gateway(name)]
        lost = (*with_gateway, *WORKERS)[0]
        self._note("the worker that is lost", "runs a gateway" if with_gateway else "does not run a gateway")
        self._lose(lost, LOST_WORKER)

    def _lost_manager(self) -> None:
        self._lose(FIRST_MANAGER, LOST_MANAGER)

    def _lose(self, machine: str, what: str) -> None:
        def replaced() -> str:
            began = time.monotonic()
            self._cloud.instances.named(machine).kill()
            self._prod.up(f"prod: {machine.removeprefix(f'mcp-fleet-{PROD}-')} is killed, and replaced", "--refresh")
            self._cloud.instances.named(machine).wait()
            return f"{time.monotonic() - began:.0f} s"

        self._under_load(what, replaced)

    def _has_gateway(self, machine: str) -> bool:
        running = self._cloud.instances.named(machine).command("ps", "--format", "{{.Names}}")
        return any(name.startswith(f"{PROD}-gateway.") for name in running.splitlines())

    def _one_more_server(self) -> None:
        self._prod.config["servers"]["calculator"] = {"source": ADDED, "place": "lambda_labs"}
        self._under_load(
            "one more server, in the other cloud",
            lambda: f"{self._prod.up('prod: one more line of config, one more server').seconds:.0f} s",
        )
        outputs = self._prod.outputs()
        with self._steps.step("prod: the new server answers from the machine of Lambda Labs") as step:
            waited = self._caller.wait(_calculation(outputs), HEALTHY_SECONDS)
            step.done(f"after {waited:.1f} s")

    def _rotation(self) -> None:
        self._prod.set_secret(f"secrets.time.{SECRET}", "second")
        self._under_load(
            "a secret rotated", lambda: f"{self._prod.up('prod: a secret is rotated under load').seconds:.0f} s"
        )

    def _new_gateways(self) -> None:
        """Put others in the place of both, one after the other, as a release of the gateway does."""
        manager = self._cloud.instances.named(FIRST_MANAGER)

        def replaced() -> str:
            began = time.monotonic()
            with self._steps.step("prod: both gateways are replaced under load") as step:
                manager.command("service", "update", "--force", "--quiet", f"{PROD}-gateway")
                step.done("one after the other")
            return f"{time.monotonic() - began:.0f} s"

        self._under_load("both gateways replaced", replaced)

    def _staging(self) -> None:
        config = in_cloud(committed("staging"), self._cloud, free_network())
        config["servers"] = {"time": config["servers"]["time"]}  # prod has most of what this machine can carry
        staging = CloudStack(STAGING, self._cloud, config, self._steps)
        self._under_load("staging beside prod", lambda: f"{staging.up('staging: up, beside prod').seconds:.0f} s")
        self._caller.wait(Call.of_time(staging.outputs(), CLIENT), HEALTHY_SECONDS)
        self._under_load("staging destroyed", lambda: f"{staging.destroy('staging: destroyed').seconds:.0f} s")

    def _end(self) -> None:
        self._prod.config["protect"] = False
        self._prod.up("prod: no longer protected")
        done = self._prod.destroy("prod: destroyed")
        self._note("`destroy` of prod", f"{done.seconds:.0f} s")
        with self._steps.step("the accounts") as step:
            if left := self._cloud.account.left():
                raise EngineError(f"left in the account: {left}")
            self._cloud.instances.wait_gone()
            if self._elsewhere.machines:
                raise EngineError(f"left at Lambda Labs: {', '.join(self._elsewhere.machines)}")
            step.done("both empty, and no machine is left")

    def _answers(self, title: str) -> None:
        with self._steps.step(title) as step:
            waited = self._caller.wait(Call.of_time(self._prod.outputs(), CLIENT), HEALTHY_SECONDS)
            step.done(f"answered after {waited:.1f} s")

    def _under_load(self, what: str, change: Callable[[], str]) -> None:
        with self._caller.traffic(Call.of_time(self._prod.outputs(), CLIENT)) as traffic:
            told = change()
            self._answers("prod: still answers")
        self._note(what, f"{told}; {traffic}")
        self.load[what] = traffic
        for failure in sorted(set(traffic.failures))[:3]:
            self._steps.say(f"    {failure}")

    def _note(self, figure: str, value: str) -> None:
        self.figures.append((figure, value))
        self._steps.say(f"    {figure}: {value}")


def _calculation(outputs: dict[str, Any]) -> Call:
    token = outputs["tokens"][CLIENT]
    arguments = {"expression": "6*7"}
    return Call(url=outputs["urls"]["calculator"], token=token, tool="calculate", arguments=arguments, expect="42")
