"""The child of everybody in the race: a stdio server of the session era with one tool, as fast as plain Python is."""

import json
import sys

INITIALIZED = {
    "protocolVersion": "2025-06-18",
    "capabilities": {"tools": {}},
    "serverInfo": {"name": "echo", "version": "1.0.0"},
}
SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
TOOLS = {"tools": [{"name": "echo", "description": "Says what it is told.", "inputSchema": SCHEMA}]}
ANSWERS = {"initialize": INITIALIZED, "tools/list": TOOLS, "ping": {}}


def main() -> None:
    """Answer line by line until stdin ends."""
    out = sys.stdout
    for line in sys.stdin:
        message = json.loads(line)
        number = message.get("id")
        if number is None:
            continue
        method = message.get("method")
        answer: dict[str, object] = {"jsonrpc": "2.0", "id": number}
        if method == "tools/call":
            text = message["params"]["arguments"]["text"]
            answer["result"] = {"content": [{"type": "text", "text": text}], "isError": False}
        elif method in ANSWERS:
            answer["result"] = ANSWERS[method]
        else:
            answer["error"] = {"code": -32601, "message": "Method not found"}
        out.write(json.dumps(answer) + "\n")
        out.flush()


if __name__ == "__main__":
    main()
