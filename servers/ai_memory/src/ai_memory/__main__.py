"""Serve the memories on stdin and stdout: `ai-memory`, or `python -m ai_memory`."""

import logging
import sys

from pydantic import ValidationError

from ai_memory.server import build
from ai_memory.settings import Settings


def main() -> None:
    """Serve until stdin ends. Exits with a message where a setting is missing or wrong."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    try:
        settings = Settings.model_validate({})
    except ValidationError as error:
        problems = (f"{str(each['loc'][0]).upper()}: {each['msg']}" for each in error.errors(include_input=False))
        sys.exit("\n".join(f"ai-memory: {problem}" for problem in problems))
    build(settings).run("stdio")


if __name__ == "__main__":
    main()
