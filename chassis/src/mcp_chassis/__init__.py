"""The chassis of MCP servers of one's own: see its README.md."""

from .batching import batches
from .caching import ResultCache
from .health import Component, Health, Status
from .server import Chassis, run
from .settings import ChassisSettings, LiveSettings, StartError
from .upstream import Upstream, UpstreamError, UpstreamRefusedError

__all__ = [
    "Chassis",
    "ChassisSettings",
    "Component",
    "Health",
    "LiveSettings",
    "ResultCache",
    "StartError",
    "Status",
    "Upstream",
    "UpstreamError",
    "UpstreamRefusedError",
    "batches",
    "run",
]
