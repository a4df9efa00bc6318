"""A stack of hosts on AWS on the real engine, in an account of a moto server."""

import gc
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest
from pulumi import automation

from components.hosts.aws.hosts import AwsHosts, AwsHostsArgs
from dev.cloud.aws_account import CREDENTIALS, AwsAccount, Door, account
from dev.plugins.aws.provider import SERVICES
from tests.engine.deployment import Recorder

REGION = "eu-west-1"


class AwsStack:
    """One stack; `wanted` is what its program asks for, and every operation reads it anew."""

    def __init__(self, folder: Path, environment: Mapping[str, str], url: str, wanted: AwsHostsArgs) -> None:
        self.wanted = wanted
        self.state = folder / "state"
        self.state.mkdir()
        self._url = url
        own = {"PULUMI_BACKEND_URL": f"file://{self.state}", "PULUMI_RUN_PROGRAM": "false"}
        self._stack = automation.create_stack(
            "test",
            project_name="hosts",
            program=self._program,
            opts=automation.LocalWorkspaceOptions(env_vars={**os.environ, **environment, **own}),
        )

    def up(self, *, refresh: bool = False) -> Recorder:
        """Run an `up` that must succeed."""
        return self._run(self._stack.up, refresh=refresh)

    def preview(self) -> Recorder:
        """Tell what an `up` would change."""
        return self._run(self._stack.preview)

    def destroy(self) -> Recorder:
        """Remove everything; must succeed."""
        return self._run(self._stack.destroy)

    def destroy_refused(self) -> str:
        """Try to remove everything, which must fail, and return what was said."""
        recorder = Recorder()
        with pytest.raises(automation.CommandError):
            self._stack.destroy(on_event=recorder, on_output=print, color="never")
        return recorder.text

    def outputs(self) -> dict[str, Any]:
        """What the program exports."""
        return {name: output.value for name, output in self._stack.outputs().items()}

    def stored(self) -> str:
        """Everything in the state's files."""
        return "".join(path.read_text() for path in self.state.rglob("*") if path.is_file())

    def _program(self) -> None:
        provider = aws.Provider(
            "aws",
            aws.ProviderArgs(
                region=REGION,
                access_key=CREDENTIALS,
                secret_key=CREDENTIALS,
                endpoints=[aws.ProviderEndpointArgs(**dict.fromkeys(SERVICES, self._url))],
                skip_credentials_validation=True,
                skip_metadata_api_check=True,
                skip_region_validation=True,
                skip_requesting_account_id=True,
                s3_use_path_style=True,
            ),
        )
        found = AwsHosts("aws", self.wanted, pulumi.ResourceOptions(providers=[provider])).outputs
        pulumi.export("hosts", {name: vars(host) for name, host in found.hosts.items()})
        pulumi.export("url", found.url)

    def _run(self, operation: Callable[..., object], **options: object) -> Recorder:
        recorder = Recorder()
        operation(on_event=recorder, on_output=print, color="never", **options)
        gc.collect()
        return recorder


def moto_account() -> AbstractContextManager[AwsAccount]:
    """An empty account on a server of its own."""
    return account(REGION, Door())
