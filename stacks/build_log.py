"""Says why an image could not be built: the output of the step that failed.

The provider shows a build's output only while it runs and then reports nothing but an exit code. So a failed build is
run once more, by `docker buildx`: all steps before the failed one come from the cache.
"""

import re
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

IMAGE_TYPE = "docker-build:index:Image"
TIMEOUT_SECONDS = 300
SHOWN_LINES = 12
_STEP = re.compile(r"^------\n > (?P<step>[^\n]*)\n(?P<output>.*?)^------$", re.MULTILINE | re.DOTALL)
_SECONDS = re.compile(r"^\d+\.\d+ ", re.MULTILINE)


def transformation(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
    """Have failed builds explained; for pulumi.runtime.register_stack_transformation."""
    if args.type_ != IMAGE_TYPE:
        return None
    hooks = pulumi.ResourceHookBinding(on_error=[pulumi.ErrorHook(f"build-log-{args.name}", _explain)])
    opts = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(hooks=hooks))
    return pulumi.ResourceTransformationResult(props=args.props, opts=opts)


def _explain(args: pulumi.ErrorHookArgs) -> bool:
    try:
        build = subprocess.run(
            build_command(args.new_inputs or {}), capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
        )
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        pulumi.log.warn(f"image {args.name!r}: the output of its build can't be shown: {error}")
        return False
    if build.returncode != 0:
        pulumi.log.error(f"image {args.name!r} can't be built:\n{failed_step(build.stderr)}")
    return False


def build_command(inputs: Mapping[str, Any]) -> Sequence[str]:
    """Return the command that builds what the provider was given with `inputs`, and keeps no result."""
    context = inputs["context"]
    return (
        "docker",
        "buildx",
        "build",
        "--progress=plain",
        "--output=type=cacheonly",
        f"--builder={inputs['builder']['name']}",
        f"--file={inputs['dockerfile']['location']}",
        *(f"--build-context={name}={named['location']}" for name, named in sorted(context.get("named", {}).items())),
        *(f"--build-arg={name}={value}" for name, value in sorted(inputs.get("buildArgs", {}).items())),
        context["location"],
    )


def failed_step(output: str) -> str:
    """Return the last lines of the step that failed, out of BuildKit's plain `output`."""
    step = _STEP.search(output)
    lines = (_SECONDS.sub("", step["output"]) if step else output).strip().splitlines()
    return "\n".join(f"  | {line}" for line in lines[-SHOWN_LINES:])
