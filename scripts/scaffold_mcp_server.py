#!/usr/bin/env python3
"""Make a server of one's own: `scripts/scaffold_mcp_server.py NAME` is `bin/fleet new NAME`."""

import subprocess
import sys
from pathlib import Path

FLEET = Path(__file__).resolve().parent.parent / "bin" / "fleet"

if __name__ == "__main__":
    sys.exit(subprocess.run([FLEET, "new", *sys.argv[1:]], check=False).returncode)
