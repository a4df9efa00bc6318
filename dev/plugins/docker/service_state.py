"""A service of the Docker API as the properties of a Service.

Source: terraform-provider-docker 4.5.0, internal/provider/resource_docker_service_structures.go; where that
loses something on the way (a tmpfs mode's sticky bit, the second decimal of a ratio, the name by which a
network was given), so does this.
"""

from collections.abc import Mapping
from typing import Any, Final

from dev.plugins.docker.durations import duration
from dev.plugins.planning import State
from dev.plugins.values import PropertyValue

Api = Mapping[str, Any]

PERMISSION_BITS: Final = 0o777


def service_state(service: Api) -> State | None:
    """The reported properties, or None while Swarm has not yet decided how the service is reached."""
    spec = service["Spec"]
    endpoint = service.get("Endpoint") or {}
    allocated, wanted = endpoint.get("Spec") or {}, spec.get("EndpointSpec") or {}
    if not allocated.get("Mode") and not wanted.get("Mode"):
        return None
    reached = {"Mode": allocated["Mode"], "Ports": endpoint.get("Ports")} if allocated.get("Mode") else wanted
    return _given(
        name=spec["Name"],
        labels=label_list(spec.get("Labels")),
        taskSpec=_task(spec["TaskTemplate"]),
        mode=_mode(spec["Mode"]),
        updateConfig=_rollout(spec.get("UpdateConfig")),
        rollbackConfig=_rollout(spec.get("RollbackConfig")),
        endpointSpec={
            "mode": reached["Mode"],
            "ports": [_port(port) for port in reached.get("Ports") or []],
        },
    )


def label_list(labels: Mapping[str, str] | None) -> list[dict[str, str]]:
    """Labels as a program gives them."""
    return [{"label": name, "value": value} for name, value in sorted((labels or {}).items())]


def _given(**fields: PropertyValue) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _task(task: Api) -> State:
    return _given(
        containerSpec=_container(task["ContainerSpec"]),
        resources=_resources(task.get("Resources")),
        restartPolicy=_restart_policy(task.get("RestartPolicy")),
        placement=_placement(task.get("Placement")),
        forceUpdate=task.get("ForceUpdate") or 0,
        runtime=task.get("Runtime") or None,
        networksAdvanceds=[_network(network) for network in task.get("Networks") or []] or None,
        logDriver=_log_driver(task.get("LogDriver")),
    )


def _container(container: Api) -> State:
    grace = container.get("StopGracePeriod")
    return _given(
        image=container.get("Image"),
        labels=label_list(container.get("Labels")) or None,
        commands=container.get("Command"),
        args=container.get("Args"),
        hostname=container.get("Hostname"),
        env=_environment(container.get("Env") or []),
        dir=container.get("Dir"),
        user=container.get("User"),
        groups=container.get("Groups"),
        privileges=_privileges(container.get("Privileges")),
        readOnly=container.get("ReadOnly") or None,
        mounts=[_mount(mount) for mount in container.get("Mounts") or []] or None,
        stopSignal=container.get("StopSignal"),
        stopGracePeriod=None if grace is None else duration(grace),
        healthcheck=_healthcheck(container.get("Healthcheck")),
        hosts=[_host(line) for line in container.get("Hosts") or []] or None,
        dnsConfig=_dns(container.get("DNSConfig")),
        secrets=[_file_reference("Secret", secret) for secret in container.get("Secrets") or []] or None,
        configs=[_file_reference("Config", config) for config in container.get("Configs") or []] or None,
        isolation=container.get("Isolation"),
        sysctl=container.get("Sysctls"),
        capAdds=container.get("CapabilityAdd"),
        capDrops=container.get("CapabilityDrop"),
        init=container.get("Init"),
    )


def _environment(lines: list[str]) -> dict[str, str] | None:
    pairs = (line.partition("=") for line in lines if line)
    return {name: value for name, _, value in pairs} or None


def _privileges(privileges: Api | None) -> State | None:
    if privileges is None:
        return None
    credential, context = privileges.get("CredentialSpec"), privileges.get("SELinuxContext")
    return _given(
        credentialSpec=credential and _given(file=credential.get("File"), registry=credential.get("Registry")),
        seLinuxContext=context
        and _given(
            disable=context.get("Disable"),
            user=context.get("User"),
            role=context.get("Role"),
            type=context.get("Type"),
            level=context.get("Level"),
        ),
    )


def _mount(mount: Api) -> State:
    bind, volume, tmpfs = (mount.get(f"{kind}Options") for kind in ("Bind", "Volume", "Tmpfs"))
    return _given(
        target=mount.get("Target"),
        source=mount.get("Source"),
        type=mount.get("Type"),
        readOnly=mount.get("ReadOnly") or None,
        bindOptions=None if bind is None else _given(propagation=bind.get("Propagation")),
        volumeOptions=None if volume is None else _volume_options(volume),
        tmpfsOptions=None
        if tmpfs is None
        else {
            "sizeBytes": tmpfs.get("SizeBytes") or 0,
            "mode": (tmpfs.get("Mode") or 0) & PERMISSION_BITS,
        },
    )


def _volume_options(options: Api) -> State:
    driver = options.get("DriverConfig") or {}
    return _given(
        noCopy=options.get("NoCopy") or None,
        labels=label_list(options.get("Labels")) or None,
        driverName=driver.get("Name") or None,
        driverOptions=driver.get("Options") or None,
    )


def _healthcheck(healthcheck: Api | None) -> State | None:
    if healthcheck is None:
        return None
    return _given(
        tests=healthcheck.get("Test"),
        interval=duration(healthcheck.get("Interval") or 0),
        timeout=duration(healthcheck.get("Timeout") or 0),
        startPeriod=duration(healthcheck.get("StartPeriod") or 0),
        retries=healthcheck.get("Retries") or 0,
    )


def _host(line: str) -> State:
    address, _, names = line.partition(" ")
    return {"ip": address, "host": names.partition(" ")[0]}


def _dns(dns: Api | None) -> State | None:
    if dns is None:
        return None
    return _given(nameservers=dns.get("Nameservers"), searches=dns.get("Search"), options=dns.get("Options"))


def _file_reference(kind: str, reference: Api) -> State:
    file, key = reference.get("File") or {}, kind.lower()
    return {
        f"{key}Id": reference[f"{kind}ID"],
        f"{key}Name": reference.get(f"{kind}Name") or "",
        "fileName": file.get("Name") or "",
        "fileUid": file.get("UID") or "",
        "fileGid": file.get("GID") or "",
        "fileMode": file.get("Mode") or 0,
    }


def _resources(resources: Api | None) -> State | None:
    if resources is None:
        return None
    limits, reservations = resources.get("Limits"), resources.get("Reservations")
    return _given(
        limits=None if limits is None else _amounts(limits),
        reservation=None
        if reservations is None
        else {
            **_amounts(reservations),
            **_given(genericResources=_generic_resources(reservations.get("GenericResources") or [])),
        },
    )


def _amounts(resources: Api) -> State:
    return {"nanoCpus": resources.get("NanoCPUs") or 0, "memoryBytes": resources.get("MemoryBytes") or 0}


def _generic_resources(resources: list[Api]) -> State | None:
    named = [entry["NamedResourceSpec"] for entry in resources if entry.get("NamedResourceSpec")]
    discrete = [entry["DiscreteResourceSpec"] for entry in resources if entry.get("DiscreteResourceSpec")]
    if not named and not discrete:
        return None
    return {
        "namedResourcesSpecs": [f"{entry['Kind']}={entry['Value']}" for entry in named],
        "discreteResourcesSpecs": [f"{entry['Kind']}={entry['Value']}" for entry in discrete],
    }


def _restart_policy(policy: Api | None) -> State | None:
    if policy is None:
        return None
    delay, window = policy.get("Delay"), policy.get("Window")
    return _given(
        condition=policy.get("Condition"),
        delay=None if delay is None else duration(delay),
        maxAttempts=policy.get("MaxAttempts"),
        window=None if window is None else duration(window),
    )


def _placement(placement: Api | None) -> State | None:
    if placement is None:
        return None
    return _given(
        constraints=placement.get("Constraints"),
        prefs=[entry["Spread"]["SpreadDescriptor"] for entry in placement.get("Preferences") or []] or None,
        platforms=[
            {"architecture": platform.get("Architecture") or "", "os": platform.get("OS") or ""}
            for platform in placement.get("Platforms") or []
        ]
        or None,
        maxReplicas=placement.get("MaxReplicas") or 0,
    )


def _network(network: Api) -> State:
    options = network.get("DriverOpts") or {}
    return _given(
        id=network["Target"],
        aliases=network.get("Aliases") or None,
        driverOpts=[f"{name}={value}" for name, value in sorted(options.items())] or None,
    )


def _log_driver(driver: Api | None) -> State | None:
    if driver is None:
        return None
    return _given(name=driver.get("Name") or "", options=driver.get("Options") or None)


def _mode(mode: Api) -> State:
    state: State = {"global": mode.get("Global") is not None}
    replicated = mode.get("Replicated")
    if replicated is not None:
        state["replicated"] = _given(replicas=replicated.get("Replicas"))
    return state


def _rollout(config: Api | None) -> State | None:
    if config is None:
        return None
    return {
        "parallelism": config.get("Parallelism") or 0,
        "delay": duration(config.get("Delay") or 0),
        "failureAction": config.get("FailureAction") or "",
        "monitor": duration(config.get("Monitor") or 0),
        "maxFailureRatio": f"{config.get('MaxFailureRatio') or 0:.1f}",
        "order": config.get("Order") or "",
    }


def _port(port: Api) -> State:
    return {
        "name": port.get("Name") or "",
        "protocol": port.get("Protocol") or "",
        "targetPort": port.get("TargetPort") or 0,
        "publishedPort": port.get("PublishedPort") or 0,
        "publishMode": port.get("PublishMode") or "",
    }
