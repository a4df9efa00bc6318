"""What of a machine some tests can't do without."""

import os
import sys
from pathlib import Path

import pytest

NAMESPACES = pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="namespaces need Linux and root")
TUNNELS = pytest.mark.skipif(not Path("/dev/net/tun").exists(), reason="tunnels need /dev/net/tun")
