"""Serve the engine's questions at once, while the Pulumi SDK, which takes most of a second to import, is on its way.

Each command of the engine starts a host twice, and the first time only asks for its version.
"""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event, Thread

import grpc

MESSAGE_BYTES = 400 * 1024 * 1024
"""The largest message that the engine sends or takes: its own limit."""
VERSION = b"3.0.0"
# Protocol buffers as they go over the wire: PluginInfo with field 1, a string; the others without any field.
ANSWERS = {
    "Handshake": b"",
    "GetPluginInfo": bytes([0x0A, len(VERSION)]) + VERSION,
    "GetRequiredPackages": b"",
    "GetRequiredPlugins": b"",
}


class Services(grpc.GenericRpcHandler):
    """Answers by itself what needs no SDK, and passes the rest to the SDK's handlers."""

    def __init__(self, sdk: "Future[Sequence[grpc.GenericRpcHandler]]") -> None:
        self._sdk = sdk

    def service(self, call: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        answer = ANSWERS.get(call.method.rpartition("/")[2])
        if answer is not None:
            return grpc.unary_unary_rpc_method_handler(_constant(answer))
        found = (handler.service(call) for handler in self._sdk.result())
        return next((method for method in found if method), None)


def main() -> None:
    """Serve until the engine says that it needs no more, by an interrupt, or is gone, which ends our stdin."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # what the program prints is shown at once
    interrupted = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: interrupted.set())
    sdk: Future[Sequence[grpc.GenericRpcHandler]] = Future()
    limits = [("grpc.max_receive_message_length", MESSAGE_BYTES), ("grpc.max_send_message_length", MESSAGE_BYTES)]
    server = grpc.server(ThreadPoolExecutor(8), handlers=[Services(sdk)], options=limits)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port)
    Thread(target=_import_sdk, args=(sdk,), daemon=True).start()
    Thread(target=_wait_for_end_of_stdin, args=(interrupted,), daemon=True).start()
    interrupted.wait()
    server.stop(0)
    # A program that is still waiting for the engine would keep an ordinary exit from ending.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _constant(answer: bytes) -> Callable[[bytes, grpc.ServicerContext], bytes]:
    return lambda request, context: answer


def _wait_for_end_of_stdin(ended: Event) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    ended.set()


def _import_sdk(sdk: "Future[Sequence[grpc.GenericRpcHandler]]") -> None:
    try:
        from dev.language_host.runtime import handlers

        sdk.set_result(handlers())
    except BaseException as error:  # noqa: BLE001 - raised again in the call that needs the SDK
        sdk.set_exception(error)


if __name__ == "__main__":
    main()
