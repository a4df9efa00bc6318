"""The properties of a Service, with the defaults, validations and replacements of the real provider.

Source: terraform-provider-docker 4.5.0, internal/provider/resource_docker_service.go.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from dev.plugins.docker import durations
from dev.plugins.schema import Block, Field, Kind, boolean, integer, listing, mapping, nested, string, unordered


def one_of(*values: str) -> Callable[[str], str | None]:
    """A check that a text is one of a few."""
    return lambda text: None if text in values else f"{text!r} is none of {', '.join(values)}"


def not_negative(number: int) -> str | None:
    """A check that a number is at least zero."""
    return None if number >= 0 else f"{number} cannot be lower than 0"


def labels(*, replaces: bool) -> Block:
    """A label; whether another label replaces the resource depends on where it is."""
    return Block.of(label=string(required=True, replaces=replaces), value=string(required=True, replaces=replaces))


def _duration(default: str | None = None, *, computed: bool = False) -> Field:
    return Field(Kind.STRING, problem=durations.problem, default=default, computed=computed)


def _count(default: int | None = None, *, computed: bool = False) -> Field:
    return Field(Kind.INTEGER, problem=not_negative, default=default, computed=computed)


def _ratio_problem(text: str) -> str | None:
    if not re.fullmatch(r"\d*\.?\d+|\d+\.", text):
        return f"{text!r} is not a number"
    return None if float(text) <= 1 else f"{text!r} has to be between 0.0 and 1.0"


def _rollout(*failure_actions: str) -> Block:
    return Block.of(
        parallelism=_count(default=1),
        delay=_duration(default="0s"),
        failureAction=string(default="pause", problem=one_of(*failure_actions)),
        monitor=_duration(default="5s"),
        maxFailureRatio=string(default="0.0", problem=_ratio_problem, comparable=float),
        order=string(default="stop-first", problem=one_of("stop-first", "start-first")),
    )


def _file(kind: str) -> Block:
    """The place of a secret or config in the container."""
    return Block(
        {
            f"{kind}Id": string(required=True),
            f"{kind}Name": string(),
            "fileName": string(required=True),
            "fileUid": string(default="0"),
            "fileGid": string(default="0"),
            "fileMode": _count(default=0o444),
        }
    )


MOUNT: Final = Block.of(
    target=string(required=True),
    source=string(),
    type=string(required=True, problem=one_of("bind", "volume", "tmpfs")),
    readOnly=boolean(),
    bindOptions=nested(
        Block.of(
            propagation=string(
                default="rprivate",
                problem=one_of("private", "rprivate", "shared", "rshared", "slave", "rslave"),
            )
        )
    ),
    volumeOptions=nested(
        Block.of(
            noCopy=boolean(),
            labels=unordered(labels(replaces=True)),
            driverName=string(),
            driverOptions=mapping(),
        )
    ),
    tmpfsOptions=nested(Block.of(sizeBytes=integer(), mode=integer())),
)

PRIVILEGES: Final = Block.of(
    credentialSpec=nested(Block.of(file=string(), registry=string())),
    seLinuxContext=nested(Block.of(disable=boolean(), user=string(), role=string(), type=string(), level=string())),
)

HEALTHCHECK: Final = Block.of(
    tests=listing(string()),
    interval=_duration(default="0s"),
    timeout=_duration(default="0s"),
    startPeriod=_duration(default="0s"),
    retries=_count(default=0),
)

CONTAINER: Final = Block.of(
    image=string(required=True),
    labels=unordered(labels(replaces=True)),
    commands=listing(string()),
    args=listing(string()),
    hostname=string(),
    env=mapping(),
    dir=string(),
    user=string(),
    groups=listing(string()),
    privileges=nested(PRIVILEGES),
    readOnly=boolean(),
    mounts=unordered(MOUNT),
    stopSignal=string(),
    stopGracePeriod=_duration(computed=True),
    healthcheck=nested(HEALTHCHECK, computed=True),
    hosts=unordered(
        Block.of(ip=string(required=True, replaces=True), host=string(required=True, replaces=True)), replaces=True
    ),
    dnsConfig=nested(
        Block.of(nameservers=listing(string(), required=True), searches=listing(string()), options=listing(string())),
        computed=True,
    ),
    secrets=unordered(_file("secret")),
    configs=unordered(_file("config")),
    isolation=string(default="default", problem=one_of("default", "process", "hyperv")),
    sysctl=mapping(replaces=True),
    capAdds=listing(string()),
    capDrops=listing(string()),
    init=boolean(computed=True),
)

RESOURCES: Final = Block.of(
    limits=nested(Block.of(nanoCpus=integer(), memoryBytes=integer())),
    reservation=nested(
        Block.of(
            nanoCpus=integer(),
            memoryBytes=integer(),
            genericResources=nested(
                Block.of(
                    namedResourcesSpecs=unordered(string()),
                    discreteResourcesSpecs=unordered(string()),
                )
            ),
        )
    ),
)

NETWORK: Final = Block.of(
    name=string(replaces=True),
    id=string(replaces=True),
    aliases=unordered(string(), replaces=True),
    driverOpts=unordered(string(), replaces=True),
)

TASK: Final = Block.of(
    containerSpec=nested(CONTAINER, required=True),
    resources=nested(RESOURCES, computed=True),
    restartPolicy=nested(
        Block.of(
            condition=string(problem=one_of("none", "on-failure", "any")),
            delay=_duration(),
            maxAttempts=_count(),
            window=_duration(),
        ),
        computed=True,
    ),
    placement=nested(
        Block.of(
            constraints=unordered(string()),
            prefs=unordered(string()),
            maxReplicas=_count(),
            platforms=unordered(Block.of(architecture=string(required=True), os=string(required=True))),
        ),
        computed=True,
    ),
    forceUpdate=_count(computed=True),
    runtime=string(computed=True, problem=one_of("container", "plugin")),
    networksAdvanceds=unordered(NETWORK),
    logDriver=nested(Block.of(name=string(required=True), options=mapping())),
)

PORT: Final = Block.of(
    name=string(),
    protocol=string(default="tcp", problem=one_of("tcp", "udp", "sctp")),
    targetPort=integer(required=True),
    publishedPort=integer(computed=True),
    publishMode=string(default="ingress", problem=one_of("host", "ingress")),
)


def _mode_rule(inputs: Mapping[str, Any]) -> str | None:
    if "global" in inputs and "replicated" in inputs:
        return "global conflicts with replicated: give one of them"
    return None


def _service_rule(inputs: Mapping[str, Any]) -> str | None:
    mode = inputs.get("mode")
    if isinstance(mode, dict) and "global" in mode and "convergeConfig" in inputs:
        return "convergeConfig conflicts with mode.global: only replicated services can be waited for"
    return None


SERVICE: Final = Block(
    {
        "name": string(required=True, replaces=True),
        "auth": nested(
            Block.of(
                serverAddress=string(required=True, replaces=True),
                username=string(replaces=True),
                password=string(replaces=True),
            ),
            replaces=True,
        ),
        "labels": unordered(labels(replaces=False), computed=True),
        "taskSpec": nested(TASK, required=True),
        "mode": nested(
            Block(
                {
                    "replicated": nested(Block.of(replicas=_count(default=1)), computed=True),
                    "global": boolean(default=False, replaces=True),
                },
                rule=_mode_rule,
            ),
            computed=True,
            replaces=True,
        ),
        "updateConfig": nested(_rollout("pause", "continue", "rollback")),
        "rollbackConfig": nested(_rollout("pause", "continue")),
        "endpointSpec": nested(
            Block.of(
                mode=string(computed=True, problem=one_of("vip", "dnsrr")),
                ports=listing(PORT),
            ),
            computed=True,
        ),
        "convergeConfig": nested(Block.of(delay=_duration(default="7s"), timeout=_duration(default="3m"))),
    },
    rule=_service_rule,
)
