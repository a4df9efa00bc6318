"""The gRPC service that the Pulumi engine talks to.

Source: https://pulumi-developer-docs.readthedocs.io/latest/docs/_generated/proto/provider.html

Secrets are not accepted on the wire (`acceptSecrets` stays false): the engine then unwraps them for the
plugin, and marks each output as secret whose input was.
"""

# ruff: noqa: N802 - the methods are named by the protocol

import json
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from dev.plugins.checking import DEFAULTS_KEY, Failure, check
from dev.plugins.planning import (
    State,
    changes,
    imported_inputs,
    in_order_of,
    known,
    plan,
    refreshed_inputs,
    with_ignored,
)
from dev.plugins.resource import OperationError, PartialFailureError, Provider, Resource
from dev.plugins.schema import Block, Kind
from dev.plugins.values import UNKNOWN, Sensitive, UnsupportedValueError, from_struct, to_struct

AUTONAME_DIGITS: Final = 7

_KINDS: Final = {
    ("add", False): provider_pb2.PropertyDiff.ADD,
    ("add", True): provider_pb2.PropertyDiff.ADD_REPLACE,
    ("delete", False): provider_pb2.PropertyDiff.DELETE,
    ("delete", True): provider_pb2.PropertyDiff.DELETE_REPLACE,
    ("update", False): provider_pb2.PropertyDiff.UPDATE,
    ("update", True): provider_pb2.PropertyDiff.UPDATE_REPLACE,
}


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """Serves one provider. One process serves one provider resource, as the engine starts one for each."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._resources: Mapping[str, Resource] = {}

    def GetPluginInfo(self, request: Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        """Tells the engine which version this one stands in for."""
        return plugin_pb2.PluginInfo(version=self._provider.version)

    def Attach(self, request: plugin_pb2.PluginAttach, context: grpc.ServicerContext) -> Empty:
        """Accepts an engine that connects to a process it did not start (a debugger's)."""
        return Empty()

    def Cancel(self, request: Empty, context: grpc.ServicerContext) -> Empty:
        """Lets the operations under way end by themselves, as the bridge of the real plugins does."""
        return Empty()

    def CheckConfig(
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        """Validates the provider's own inputs, and fills in their defaults so that the state keeps them."""
        with _answering(context):
            news = {**self._provider.defaults(), **from_struct(request.news)}
            failures = [*check(self._provider.config, _decoded(self._provider.config, _without_engine_keys(news)))]
            return provider_pb2.CheckResponse(inputs=to_struct(news), failures=_check_failures(failures))

    def DiffConfig(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:
        """Another configuration is an update of the provider, never a replacement."""
        olds, news = from_struct(request.old_inputs), from_struct(request.news)
        changed = sorted(key for key in olds.keys() | news.keys() if olds.get(key) != news.get(key))
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE,
            diffs=changed,
        )

    def Configure(
        self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConfigureResponse:
        """Takes the provider's inputs; nothing is contacted yet."""
        with _answering(context):
            config = _decoded(self._provider.config, _without_engine_keys(from_struct(request.args)))
            self._resources = self._provider.configure(config)
            return provider_pb2.ConfigureResponse(supportsPreview=True)

    def Check(self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext) -> provider_pb2.CheckResponse:
        """Validates a resource's inputs, and names it if the program did not."""
        with _answering(context):
            block = self._block(request.urn)
            olds, news = from_struct(request.olds), from_struct(request.news)
            name = block.fields.get("name")
            defaults = []
            if name and name.kind is Kind.STRING and "name" not in news:
                news["name"] = _automatic_name(request, olds)
                defaults.append("name")
            failures = [*check(block, news)]
            news[DEFAULTS_KEY] = defaults
            return provider_pb2.CheckResponse(inputs=to_struct(news), failures=_check_failures(failures))

    def Diff(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:
        """Compares the state with what the inputs ask for."""
        with _answering(context):
            block = self._block(request.urn)
            state, news = from_struct(request.olds), from_struct(request.news)
            planned = with_ignored(plan(block, news, state), state, request.ignoreChanges)
            found = [*changes(block, state, planned)]
            replaces = [change.path for change in found if change.replaces]
            return provider_pb2.DiffResponse(
                changes=provider_pb2.DiffResponse.DIFF_SOME if found else provider_pb2.DiffResponse.DIFF_NONE,
                replaces=replaces,
                diffs=sorted({_top_level(change.path) for change in found}),
                detailedDiff={
                    change.path: provider_pb2.PropertyDiff(kind=_KINDS[change.kind, change.replaces])
                    for change in found
                },
                hasDetailedDiff=True,
                deleteBeforeReplace=bool(replaces) and _has_name_of_the_user(news),
            )

    def Create(self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext) -> provider_pb2.CreateResponse:
        """Creates the resource; in a preview, only tells what is known of it."""
        block = self._block(request.urn)
        with _answering(context, block):
            planned = plan(block, from_struct(request.properties), None)
            if request.preview:
                return provider_pb2.CreateResponse(properties=_outputs(block, planned))
            found = self._resource(request.urn).create(known(planned))
            state = in_order_of(block, found.state, planned)
            return provider_pb2.CreateResponse(id=found.id, properties=_outputs(block, state))

    def Read(self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext) -> provider_pb2.ReadResponse:
        """Reports the resource as it is; an empty answer means that it is gone."""
        block = self._block(request.urn)
        with _answering(context, block):
            state, inputs = from_struct(request.properties), from_struct(request.inputs)
            found = self._resource(request.urn).read(request.id, state)
            if found is None:
                return provider_pb2.ReadResponse()
            reported = in_order_of(block, found.state, state)
            if inputs:
                inputs = refreshed_inputs(block, inputs, reported)
            else:
                inputs = {**imported_inputs(block, reported), DEFAULTS_KEY: []}
            return provider_pb2.ReadResponse(
                id=found.id, properties=_outputs(block, reported), inputs=to_struct(inputs)
            )

    def Update(self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext) -> provider_pb2.UpdateResponse:
        """Changes the resource in place; in a preview, only tells what will be known of it."""
        block = self._block(request.urn)
        with _answering(context, block):
            state = from_struct(request.olds)
            planned = with_ignored(plan(block, from_struct(request.news), state), state, request.ignoreChanges)
            if not request.preview:
                updated = self._resource(request.urn).update(request.id, state, known(planned))
                planned = in_order_of(block, updated, planned)
            return provider_pb2.UpdateResponse(properties=_outputs(block, planned))

    def Delete(self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext) -> Empty:
        """Removes the resource."""
        with _answering(context):
            self._resource(request.urn).delete(request.id, from_struct(request.properties))
            return Empty()

    def Invoke(self, request: provider_pb2.InvokeRequest, context: grpc.ServicerContext) -> provider_pb2.InvokeResponse:
        """Returns what a function does; few have a stand-in."""
        with _answering(context):
            if request.tok not in self._provider.functions:
                raise OperationError(self._not_here(request.tok))
            found = self._provider.functions[request.tok](from_struct(request.args))
            response = provider_pb2.InvokeResponse()
            getattr(response, "return").CopyFrom(to_struct(found))  # a word of Python's, so never `response.return`
            return response

    def _block(self, urn: str) -> Block:
        token = _token(urn)
        if token not in self._provider.blocks:
            raise OperationError(self._not_here(token))
        return self._provider.blocks[token]

    def _resource(self, urn: str) -> Resource:
        return self._resources[_token(urn)]

    def _not_here(self, token: str) -> str:
        names = ", ".join(sorted(known_token.rpartition(":")[2] for known_token in self._provider.blocks))
        return (
            f"{token} is not part of this stand-in for pulumi-resource-{self._provider.name} "
            f"{self._provider.version}, which has {names}; install the real plugin to use it"
        )


@contextmanager
def _answering(context: grpc.ServicerContext, block: Block | None = None) -> Iterator[None]:
    """Turns an error of an operation into the answer that the engine shows to the user."""
    try:
        yield
    except PartialFailureError as error:
        assert block is not None, "only operations on a resource fail partially"
        detail = provider_pb2.ErrorResourceInitFailed(
            id=error.id, reasons=[str(error)], properties=_outputs(block, error.state)
        )
        context.abort_with_status(_partial_failure(str(error), detail))
    except (OperationError, UnsupportedValueError) as error:
        context.abort(grpc.StatusCode.UNKNOWN, str(error))


def _partial_failure(message: str, detail: provider_pb2.ErrorResourceInitFailed) -> grpc.Status:
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=message)
    status.details.add().Pack(detail)
    answer = grpc.Status()
    answer.code = grpc.StatusCode.UNKNOWN
    answer.details = message
    answer.trailing_metadata = (("grpc-status-details-bin", status.SerializeToString()),)
    return answer


def _token(urn: str) -> str:
    """The resource type of `urn:pulumi:stack::project::parent$type::name`."""
    return urn.split("::")[2].rpartition("$")[2]


def _top_level(path: str) -> str:
    return path.partition(".")[0].partition("[")[0]


def _outputs(block: Block, state: Mapping[str, Any]) -> Struct:
    hidden = {
        name: Sensitive(value)
        for name, value in state.items()
        if value is not UNKNOWN and name in block.fields and block.fields[name].sensitive
    }
    return to_struct({**state, **hidden})


def _check_failures(failures: list[Failure]) -> list[provider_pb2.CheckFailure]:
    return [
        provider_pb2.CheckFailure(
            property=_top_level(failure.path),
            reason=f"{failure.path}: {failure.reason}" if failure.path else failure.reason,
        )
        for failure in failures
    ]


def _without_engine_keys(config: Mapping[str, Any]) -> State:
    engine_keys = {"version", "pluginDownloadURL"}
    return {key: value for key, value in config.items() if key not in engine_keys and not key.startswith("__")}


def _decoded(config_block: Block, config: Mapping[str, Any]) -> State:
    """Provider inputs with those decoded that the SDKs send as JSON text: all that are not text."""
    decoded = dict(config)
    for name, value in config.items():
        field = config_block.fields.get(name)
        if field and field.kind is not Kind.STRING and isinstance(value, str):
            try:
                decoded[name] = json.loads(value)
            except ValueError as error:
                raise OperationError(f"provider input {name}: not valid JSON ({error})") from error
    return decoded


def _has_name_of_the_user(inputs: Mapping[str, Any]) -> bool:
    """Whether the name is not an automatic one: then two of that name might have to exist at a time.

    Source: pulumi-terraform-bridge pkg/tfbridge/schema.go, nameRequiresDeleteBeforeReplace.
    """
    return "name" in inputs and "name" not in inputs.get(DEFAULTS_KEY, ["name"])


def _automatic_name(request: provider_pb2.CheckRequest, olds: Mapping[str, Any]) -> str:
    """The name it had, or the resource's logical name and a suffix that the engine's seed decides."""
    if "name" in olds.get(DEFAULTS_KEY, []) and isinstance(olds.get("name"), str):
        return str(olds["name"])
    suffix = random.Random(request.randomSeed).randbytes(AUTONAME_DIGITS).hex()[:AUTONAME_DIGITS]  # noqa: S311
    return f"{request.urn.rpartition('::')[2]}-{suffix}"
