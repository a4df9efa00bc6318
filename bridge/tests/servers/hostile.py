"""A stdio MCP server that prints whatever it is told to, in Base64, before it answers, or instead.

`%ID%` becomes the id of the call, `%HELD%` that of the call that is held, `%FILL%` as many letters as `fill` says.
"""

import base64
import json
import sys
from typing import Any

held: list[Any] = []
TOOLS = [{"name": name, "inputSchema": {"type": "object"}} for name in ("echo", "say", "hold", "held", "release")]


def send(message: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
    sys.stdout.buffer.flush()


def text(value: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": value}], "isError": False}


def say(number: Any, arguments: dict[str, Any]) -> None:
    data = base64.b64decode(arguments.get("stdout", ""))
    data = data.replace(b"%ID%", b"%d" % number).replace(b"%FILL%", b"x" * arguments.get("fill", 0))
    data = data.replace(b"%HELD%", b"%d" % (held[0] if held else 0))
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
    sys.stdout.buffer.write(arguments.get("then", "").encode())
    sys.stdout.buffer.flush()
    for _ in range(arguments.get("stderr_times", 0)):
        sys.stderr.buffer.write(base64.b64decode(arguments["stderr"]))
    sys.stderr.buffer.flush()


def call(number: Any, params: dict[str, Any]) -> dict[str, Any] | None:
    arguments = params.get("arguments") or {}
    match params.get("name"):
        case "echo":
            return text(str(arguments["text"]))
        case "say":
            say(number, arguments)
            return text("said") if arguments.get("answer", True) else None
        case "hold":
            held.append(number)
            return None
        case "held":
            return text(str(len(held)))
        case "release":
            send({"id": held.pop(), "result": text("released")})
            return text("done")
    return text("no such tool")


def handle(method: str, number: Any, params: dict[str, Any]) -> dict[str, Any] | None:
    match method:
        case "initialize":
            capabilities = {"tools": {"listChanged": True}, "logging": {}}
            info = {"name": "hostile", "version": "1"}
            return {"protocolVersion": "2025-11-25", "capabilities": capabilities, "serverInfo": info}
        case "ping" | "logging/setLevel":
            return {}
        case "tools/list":
            return {"tools": TOOLS}
        case "tools/call":
            return call(number, params)
    send({"id": number, "error": {"code": -32601, "message": "Method not found"}})
    return None


def main() -> None:
    sys.set_int_max_str_digits(0)
    for line in sys.stdin.buffer:
        message = json.loads(line)
        if "method" not in message or "id" not in message:
            continue
        try:
            result = handle(message["method"], message["id"], message.get("params") or {})
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            send({"id": message["id"], "error": {"code": -32602, "message": repr(error)}})
            continue
        if result is not None:
            send({"id": message["id"], "result": result})


if __name__ == "__main__":
    main()
