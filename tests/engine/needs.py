"""What of a machine some tests can't do without."""

import os
import shutil
import sys

import pytest

from dev.cloud.lambda_labs import TUNNELS as TUNNEL_DEVICE

NAMESPACES = pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="namespaces need Linux and root")
TUNNELS = pytest.mark.skipif(not TUNNEL_DEVICE.exists(), reason=f"tunnels need {TUNNEL_DEVICE}")
JAVA = pytest.mark.skipif(
    not (shutil.which("java") and shutil.which("mvn")),
    reason="OpenSearch needs Java 17 or newer, and Maven: apt-get install openjdk-17-jre-headless maven",
)
