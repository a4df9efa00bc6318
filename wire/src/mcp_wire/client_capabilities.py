"""What a server is told that its clients can do, before any of them is known.

A server may list other tools to clients that can do less. The bridge introduces itself with these, and tools are
recorded with them: else a server would differ from what was reviewed by what it was told alone.
"""

from collections.abc import Mapping
from typing import Any, Final

CLIENT_CAPABILITIES: Final[Mapping[str, Any]] = {"sampling": {}, "elicitation": {"form": {}, "url": {}}}
"""A server that many clients share has no roots of one of them; sampling and elicitation are passed on to the client
whose call asks for them."""
