"""An engine whose resources of AWS become real objects of moto's, by the table of the plugin's stand-in."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from moto import mock_aws, settings
from pulumi.runtime import mocks

from dev.cloud.aws_account import furnished
from dev.plugins.aws.account import Account
from dev.plugins.aws.tables import TYPES, resources
from dev.plugins.checking import check
from dev.plugins.planning import known, plan
from dev.plugins.values import from_struct, to_struct

from .recording_engine import RecordingEngine

REGION = "eu-west-1"


class MotoEngine(RecordingEngine):
    """Makes each resource of AWS, and refuses types and inputs that the table doesn't have."""

    def __init__(self) -> None:
        super().__init__()
        self._types = resources(Account(REGION, "test", "test"))

    def made(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        """Return what became of the resource, as AWS tells it."""
        if not args.typ.startswith("aws:"):
            return super().made(args)
        block = TYPES[args.typ].block
        inputs = from_struct(to_struct(args.inputs))
        assert not (failures := list(check(block, inputs))), f"{args.typ} {args.name}: {failures}"
        found = self._types[args.typ].create(known(plan(block, inputs, None)))
        return found.id, found.state


@contextmanager
def aws_account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mapping[str, Any]]:
    """An empty account, in which certificates are issued at once. Yields the ids of images and of a hosted zone."""
    monkeypatch.setattr(settings, "ACM_VALIDATION_WAIT", 0)
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(variable, "test")
    with mock_aws():
        session = boto3.session.Session(region_name=REGION)
        yield furnished(session.client)  # type: ignore[arg-type] # overloaded by name
