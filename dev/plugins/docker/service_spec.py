"""A planned Service as the Docker API's ServiceSpec.

Source: https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Service/operation/ServiceCreate and
terraform-provider-docker 4.5.0, internal/provider/resource_docker_service_structures.go: what is not given
there is sent as the zero value, and so it is here.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from dev.plugins.docker.durations import nanoseconds
from dev.plugins.resource import OperationError
from dev.plugins.values import PropertyValue

Properties = Mapping[str, Any]


def service_spec(planned: Properties) -> dict[str, Any]:
    """The whole specification, for a create or an update.

    Raises:
        OperationError: a network has neither ID nor name.
    """
    return _given(
        Name=planned["name"],
        Labels=label_map(planned.get("labels")),
        TaskTemplate=_task(planned["taskSpec"]),
        Mode=_mode(planned.get("mode") or {}),
        UpdateConfig=_rollout(planned.get("updateConfig")),
        RollbackConfig=_rollout(planned.get("rollbackConfig")),
        EndpointSpec=_endpoint(planned.get("endpointSpec") or {}),
    )


def label_map(labels: Iterable[Properties] | None) -> dict[str, str]:
    """Labels as the API has them."""
    return {label["label"]: label["value"] for label in labels or []}


def _given(**fields: PropertyValue) -> dict[str, Any]:
    """Without what is None: what Go leaves out of its JSON."""
    return {name: value for name, value in fields.items() if value is not None}


def _task(task: Properties) -> dict[str, Any]:
    return _given(
        ContainerSpec=_container(task["containerSpec"]),
        Resources=_resources(task.get("resources") or {}),
        RestartPolicy=_restart_policy(task.get("restartPolicy")),
        Placement=_placement(task.get("placement") or {}),
        ForceUpdate=task.get("forceUpdate") or 0,
        Runtime=task.get("runtime") or None,
        Networks=[_network(network) for network in task.get("networksAdvanceds") or []],
        LogDriver=_log_driver(task.get("logDriver")),
    )


def _container(container: Properties) -> dict[str, Any]:
    return _given(
        Image=container["image"],
        Labels=label_map(container.get("labels")) or None,
        Command=container.get("commands") or None,
        Args=container.get("args") or None,
        Hostname=container.get("hostname") or None,
        Env=[f"{name}={value}" for name, value in sorted((container.get("env") or {}).items())],
        Dir=container.get("dir") or None,
        User=container.get("user") or None,
        Groups=container.get("groups") or None,
        Privileges=_privileges(container.get("privileges")),
        ReadOnly=bool(container.get("readOnly")),
        Mounts=[_mount(mount) for mount in container.get("mounts") or []],
        StopSignal=container.get("stopSignal") or None,
        StopGracePeriod=nanoseconds(container.get("stopGracePeriod")),
        Healthcheck=_healthcheck(container.get("healthcheck") or {}),
        Hosts=[f"{host['ip']} {host['host']}" for host in container.get("hosts") or []],
        DNSConfig=_dns(container.get("dnsConfig") or {}),
        Secrets=[_file_reference("Secret", secret) for secret in container.get("secrets") or []],
        Configs=[_file_reference("Config", config) for config in container.get("configs") or []],
        Isolation=container.get("isolation") or None,
        Sysctls=container.get("sysctl") or None,
        CapabilityAdd=container.get("capAdds") or None,
        CapabilityDrop=container.get("capDrops") or None,
        Init=bool(container.get("init")),
    )


def _privileges(privileges: Properties | None) -> dict[str, Any] | None:
    if privileges is None:
        return None
    credential, context = privileges.get("credentialSpec"), privileges.get("seLinuxContext")
    return _given(
        CredentialSpec=credential and {"File": credential.get("registry") or credential.get("file") or ""},
        SELinuxContext=context
        and {
            "Disable": bool(context.get("disable")),
            "User": context.get("user") or "",
            "Role": context.get("role") or "",
            "Type": context.get("type") or "",
            "Level": context.get("level") or "",
        },
    )


def _mount(mount: Properties) -> dict[str, Any]:
    bind, volume, tmpfs = (mount.get(f"{kind}Options") for kind in ("bind", "volume", "tmpfs"))
    return _given(
        Type=mount["type"],
        Target=mount["target"],
        Source=mount.get("source") or None,
        ReadOnly=bool(mount.get("readOnly")),
        BindOptions=bind and {"Propagation": bind["propagation"]},
        VolumeOptions=None if volume is None else _volume_options(volume),
        TmpfsOptions=None
        if tmpfs is None
        else {"SizeBytes": tmpfs.get("sizeBytes") or 0, "Mode": tmpfs.get("mode") or 0},
    )


def _volume_options(options: Properties) -> dict[str, Any]:
    return {
        "NoCopy": bool(options.get("noCopy")),
        "Labels": label_map(options.get("labels")),
        "DriverConfig": {
            "Name": options.get("driverName") or "",
            "Options": options.get("driverOptions") or {},
        },
    }


def _healthcheck(healthcheck: Properties) -> dict[str, Any]:
    return _given(
        Test=healthcheck.get("tests") or None,
        Interval=nanoseconds(healthcheck.get("interval")) or None,
        Timeout=nanoseconds(healthcheck.get("timeout")) or None,
        StartPeriod=nanoseconds(healthcheck.get("startPeriod")) or None,
        Retries=healthcheck.get("retries") or None,
    )


def _dns(dns: Properties) -> dict[str, Any]:
    return _given(
        Nameservers=dns.get("nameservers") or None,
        Search=dns.get("searches") or None,
        Options=dns.get("options") or None,
    )


def _file_reference(kind: str, reference: Properties) -> dict[str, Any]:
    key = kind.lower()
    return {
        f"{kind}ID": reference[f"{key}Id"],
        f"{kind}Name": reference.get(f"{key}Name") or "",
        "File": {
            "Name": reference["fileName"],
            "UID": reference["fileUid"],
            "GID": reference["fileGid"],
            "Mode": reference["fileMode"],
        },
    }


def _resources(resources: Properties) -> dict[str, Any]:
    limits, reservation = resources.get("limits"), resources.get("reservation")
    return _given(
        Limits=None if limits is None else _amounts(limits),
        Reservations=None
        if reservation is None
        else {
            **_amounts(reservation),
            "GenericResources": _generic_resources(reservation.get("genericResources") or {}),
        },
    )


def _amounts(resources: Properties) -> dict[str, Any]:
    return {"NanoCPUs": resources.get("nanoCpus") or 0, "MemoryBytes": resources.get("memoryBytes") or 0}


def _generic_resources(resources: Properties) -> list[dict[str, Any]]:
    named = [text.partition("=") for text in resources.get("namedResourcesSpecs") or []]
    discrete = [text.partition("=") for text in resources.get("discreteResourcesSpecs") or []]
    return [
        *({"NamedResourceSpec": {"Kind": kind, "Value": value}} for kind, _, value in named),
        *({"DiscreteResourceSpec": {"Kind": kind, "Value": int(value)}} for kind, _, value in discrete),
    ]


def _restart_policy(policy: Properties | None) -> dict[str, Any]:
    if policy is None:
        return {}
    return _given(
        Condition=policy.get("condition") or None,
        Delay=nanoseconds(policy.get("delay")),
        MaxAttempts=policy.get("maxAttempts") or 0,
        Window=nanoseconds(policy.get("window")),
    )


def _placement(placement: Properties) -> dict[str, Any]:
    return {
        "Constraints": placement.get("constraints") or [],
        "Preferences": [{"Spread": {"SpreadDescriptor": text}} for text in placement.get("prefs") or []],
        "MaxReplicas": placement.get("maxReplicas") or 0,
        "Platforms": [
            {"Architecture": platform["architecture"], "OS": platform["os"]}
            for platform in placement.get("platforms") or []
        ],
    }


def _network(network: Properties) -> dict[str, Any]:
    target = network.get("id") or network.get("name")
    if not target:
        raise OperationError("taskSpec.networksAdvanceds: network 'name' or 'id' must be specified")
    options = (text.partition("=") for text in network.get("driverOpts") or [])
    return {
        "Target": target,
        "Aliases": network.get("aliases") or [],
        "DriverOpts": {name: value for name, equals, value in options if equals},
    }


def _log_driver(driver: Properties | None) -> dict[str, Any] | None:
    if driver is None:
        return None
    return {"Name": driver["name"], "Options": driver.get("options") or {}}


def _mode(mode: Properties) -> dict[str, Any]:
    spec: dict[str, Any] = {}
    if mode.get("replicated") is not None:
        spec["Replicated"] = {"Replicas": mode["replicated"].get("replicas", 1)}
    if mode.get("global"):
        spec["Global"] = {}
    return spec


def _rollout(config: Properties | None) -> dict[str, Any] | None:
    if config is None:
        return None
    return {
        "Parallelism": config["parallelism"],
        "Delay": nanoseconds(config["delay"]),
        "FailureAction": config["failureAction"],
        "Monitor": nanoseconds(config["monitor"]),
        "MaxFailureRatio": float(config["maxFailureRatio"]),
        "Order": config["order"],
    }


def _endpoint(endpoint: Properties) -> dict[str, Any]:
    return _given(
        Mode=endpoint.get("mode") or None,
        Ports=[
            _given(
                Name=port.get("name") or None,
                Protocol=port["protocol"],
                TargetPort=port["targetPort"],
                PublishedPort=port.get("publishedPort") or None,
                PublishMode=port["publishMode"],
            )
            for port in endpoint.get("ports") or []
        ],
    )
