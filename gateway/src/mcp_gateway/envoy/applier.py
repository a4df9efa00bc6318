"""Bring a running Envoy from one configuration to the next without a moment in which a route leads nowhere.

What is added gets its cluster first and its route once the cluster is ready; what goes loses its route first.
"""

from pathlib import Path

from .admin import Admin, AdminError, within
from .bootstrap import bootstrap
from .files import DiscoveryFile, encode, replace
from .filters import discovered_filters
from .listener import discovered_routes, listener
from .names import API_KEYS, LIMITS, ROUTES, STAT_PREFIX, Resource, type_url
from .resources import Resources

APPLY_SECONDS = 10.0
"""Long enough for the first health check of a replica that doesn't answer."""
START_SECONDS = 30.0

_WARMING = "cluster_manager.warming_clusters"
_CLUSTERS = "cluster_manager.cds"
_ROUTES = f"http.{STAT_PREFIX}.rds.{ROUTES}"
_KEYS = f"extension_config_discovery.http_filter.{API_KEYS}"
_LIMITS = f"extension_config_discovery.http_filter.{LIMITS}"


class Applier:
    """Envoy's dynamic files in `folder`, and what Envoy has taken from them."""

    def __init__(self, folder: Path, admin: Admin) -> None:
        self.bootstrap = folder / "bootstrap.json"
        self._admin = admin
        self._admin_socket = folder / "admin.sock"
        extension = type_url("config.core.v3.TypedExtensionConfig")
        self._listeners = DiscoveryFile(folder / "lds.json", type_url("config.listener.v3.Listener"))
        self._clusters = DiscoveryFile(folder / "cds.json", type_url("config.cluster.v3.Cluster"))
        self._routes = DiscoveryFile(folder / "rds.json", type_url("config.route.v3.RouteConfiguration"))
        self._keys = DiscoveryFile(folder / "ecds-keys.json", extension)
        self._limits = DiscoveryFile(folder / "ecds-limits.json", extension)
        self._known: dict[str, Resource] = {}
        """The clusters that Envoy has taken: what routes that it has now may lead to."""

    def write_first(self, resources: Resources, *, port: int) -> None:
        """Write every file, the bootstrap included, for an Envoy that is not running yet. Raises OSError."""
        self._known = dict(resources.clusters)
        self._clusters.write(_sorted(self._known))
        self._routes.write([resources.routes])
        self._keys.write([_extension(API_KEYS, resources.api_keys)])
        self._limits.write([_extension(LIMITS, resources.limits)])
        filters = discovered_filters(str(self._keys.path), str(self._limits.path))
        routes = discovered_routes(str(self._routes.path))
        self._listeners.write([listener(port, filters, routes, resources.tracing)])
        replace(self.bootstrap, encode(bootstrap(self._admin_socket, self._listeners.path, self._clusters.path)))

    async def started(self) -> None:
        """Wait until Envoy, just started on the first files, serves. Raises AdminError."""
        async with within(START_SECONDS, "Envoy serving") as pause:
            while not await self._admin.is_live():
                await pause()

    async def apply(self, resources: Resources) -> None:
        """Make Envoy use `resources`, and return when it does.

        Raises AdminError where Envoy doesn't confirm in time, or refuses; call again with the same or other resources.
        """
        # First what may be urgent: the end of a key must not wait for replicas to be checked. A new key has its limit
        # from the start, and no access before its routes.
        await self._put(self._limits, [_extension(LIMITS, resources.limits)], _LIMITS)
        await self._put(self._keys, [_extension(API_KEYS, resources.api_keys)], _KEYS)
        await self._put_clusters({**self._known, **resources.clusters})
        await self._put(self._routes, [resources.routes], _ROUTES)
        await self._put_clusters(dict(resources.clusters))

    async def _put_clusters(self, clusters: dict[str, Resource]) -> None:
        await self._put(self._clusters, _sorted(clusters), _CLUSTERS)
        self._known = clusters
        async with within(APPLY_SECONDS, "Envoy checking new replicas") as pause:
            while (await self._admin.stats((_WARMING,))).get(_WARMING) != "0":
                await pause()

    async def _put(self, file: DiscoveryFile, resources: list[Resource], stat: str) -> None:
        refused = await self._refusals(stat)
        version = file.write(resources)
        async with within(APPLY_SECONDS, f"Envoy taking {file.path.name} version {version}") as pause:
            while (await self._admin.stats((f"{stat}.version_text",))).get(f"{stat}.version_text") != version:
                if await self._refusals(stat) > refused:
                    raise AdminError(f"Envoy refused {file.path.name} version {version}: its log says why")
                await pause()

    async def _refusals(self, stat: str) -> int:
        counters = await self._admin.stats((f"{stat}.update_rejected", f"{stat}.update_failure", f"{stat}.config_fail"))
        return sum(map(int, counters.values()))


def _sorted(clusters: dict[str, Resource]) -> list[Resource]:
    return [clusters[name] for name in sorted(clusters)]


def _extension(name: str, configuration: Resource) -> Resource:
    return {"name": name, "typed_config": configuration}
