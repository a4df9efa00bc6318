"""A real OpenSearch from Maven Central: one node, in a folder of its own, gone at the end."""

import re
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from typing import IO

PROJECT = Path(__file__).with_name("opensearch.pom.xml")
RUNNER = "org.codelibs.opensearch.runner.OpenSearchRunner"
MEMORY = "-Xmx512m"
FETCH_SECONDS = 600
START_SECONDS = 240
STOP_SECONDS = 60
PORT = re.compile(r"HTTP Port:\s+(\d+)")
"""How the runner tells the port that it found to be free."""
STARTED = re.compile(r"\[o\.o\.n\.Node\s*\] started")


@contextmanager
def opensearch_node(address: str) -> Iterator[str]:
    """Run one that listens on an address of this machine. Yields its URL, which takes requests."""
    with tempfile.TemporaryDirectory(prefix="mcp-fleet-opensearch-") as folder:
        home = Path(folder)
        # A disk that is nearly full is no reason to refuse an index of a test.
        settings = f"network.host: {address}\ncluster.routing.allocation.disk.threshold_enabled: false\n"
        (home / "opensearch.yml").write_text(settings)
        options = ["-basePath", str(home / "data"), "-confPath", folder, "-numOfNode", "1"]
        command = ["java", MEMORY, "-cp", _jars(home), RUNNER, *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as node:
            try:
                assert node.stdout is not None
                yield f"http://{address}:{_port(node.stdout)}"
            finally:
                node.terminate()
                node.wait(STOP_SECONDS)


def _jars(folder: Path) -> str:
    """Return the class path, fetched where Maven has not yet what is on it."""
    file = folder / "jars"
    command = ["mvn", "--quiet", "--batch-mode", "--color=never", f"--file={PROJECT}", "dependency:build-classpath"]
    subprocess.run([*command, f"-Dmdep.outputFile={file}"], check=True, timeout=FETCH_SECONDS)
    return file.read_text().strip()


def _port(output: IO[str]) -> int:
    """Return the port that a node took, once it answers there. What it says is read to its end: else it would wait."""
    found: Queue[int | None] = Queue()
    said: list[str] = []

    def read() -> None:
        port: int | None = None
        for line in output:
            said.append(line)
            if match := PORT.search(line):
                port = int(match[1])
            elif STARTED.search(line):
                found.put(port)
        found.put(None)

    threading.Thread(target=read, daemon=True).start()
    port = found.get(timeout=START_SECONDS)
    assert port is not None, "".join(said)
    return port
