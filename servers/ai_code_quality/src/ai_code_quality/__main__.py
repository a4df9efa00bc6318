"""Serve on stdin and stdout: `ai-code-quality`, or `python -m ai_code_quality`."""

from mcp_chassis import run

from ai_code_quality.server import NAME, VERSION, build
from ai_code_quality.settings import QualitySettings


def main() -> None:
    """Serve until stdin ends. Exits with a message where the settings won't do."""
    run(NAME, VERSION, QualitySettings, build)


if __name__ == "__main__":
    main()
