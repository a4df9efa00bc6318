"""Ask Envoy itself whether it would accept a configuration, before the running one sees it."""

import asyncio
from pathlib import Path

from mcp_gateway.policy import Policy

from . import files
from .bootstrap import static_bootstrap
from .filters import inline_filters
from .listener import listener
from .resources import Resources

VALIDATION_SECONDS = 20.0


class RejectedError(Exception):
    """Envoy would refuse the configuration. The message is Envoy's reason, cut, without the configuration."""


async def validate(binary: str, resources: Resources, policy: Policy, *, port: int, candidate: Path) -> None:
    """Check `resources` with `envoy --mode validate`: about 50 ms. Raises RejectedError.

    Envoy's validation doesn't read the files of dynamic resources, so all goes into one static file, `candidate`, which
    is removed again.
    """
    static = static_bootstrap(
        listener(port, inline_filters(policy), {"route_config": resources.routes}, resources.tracing),
        list(resources.clusters.values()),
    )
    files.replace(candidate, files.encode(static))
    process = await asyncio.create_subprocess_exec(
        binary, "--mode", "validate", "--config-path", str(candidate), "--log-level", "critical",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        async with asyncio.timeout(VALIDATION_SECONDS):
            output, _ = await process.communicate()
    except TimeoutError:
        raise RejectedError(f"Envoy did not finish validating within {VALIDATION_SECONDS:.0f} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        candidate.unlink(missing_ok=True)  # noqa: ASYNC240 - a file in memory
    if process.returncode != 0:
        raise RejectedError(_reason(output.decode(errors="replace"), policy))


def _reason(output: str, policy: Policy) -> str:
    """Return the first lines of what Envoy says, with every API key blotted out: it quotes what it can't read."""
    text = " ".join(output.split())
    for keys in policy.keys.values():
        for key in keys:
            text = text.replace(key, "…")
    return text[:600]
