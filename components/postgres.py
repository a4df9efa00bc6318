"""PostgreSQL with pgvector: a database and a role for each server that asks for one."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from .fleet import Fleet, data_volume
from .health_check import HealthCheck
from .swarm_files import ServiceFiles
from .swarm_service import Limits, SwarmService, swarm_service

PORT = 5432
USER = "999:999"
LIMITS = Limits.of(cpus=1, mebibytes=512)
START_SECONDS = 120
"""It may have to go through its log after a crash."""

STOP_SECONDS = 60
ROLE_CONNECTIONS = 40
_OWNER = "fleet_operator"
"""The role that owns everything else. No server's can be called so: names of servers have no underscore."""

_DATA = "/var/lib/postgresql/data"
_ROLES = "/run/secrets/roles.sql"
_ACCESS = "/etc/mcp-fleet/pg_hba.conf"
_SETTINGS = {
    "listen_addresses": "0.0.0.0",  # noqa: S104 - the fleet's own network is the boundary
    "hba_file": _ACCESS,
    "unix_socket_directories": "/tmp",  # noqa: S108 - the container's own
    "max_connections": "200",
    "shared_buffers": "128MB",
    "dynamic_shared_memory_type": "mmap",  # Docker's /dev/shm has 64 MB
}
# The roles are brought up to date while nobody can connect. initdb is moved to its place when it is whole.
_START = f"""
export PGDATA={_DATA}/cluster PGHOST=/tmp PGUSER={_OWNER} PGDATABASE=postgres
if [ ! -d $PGDATA ]; then
  rm -rf $PGDATA.new
  initdb --pgdata=$PGDATA.new --username=$PGUSER --auth-host=scram-sha-256 --auth-local=trust --encoding=UTF8 \
    --locale-provider=builtin --builtin-locale=C.UTF-8 --locale=C
  mv $PGDATA.new $PGDATA
fi
rm -f $PGDATA/postmaster.pid
pg_ctl start --wait --timeout={START_SECONDS} --options="$* --listen_addresses="
psql --quiet --no-psqlrc --set=ON_ERROR_STOP=1 --file={_ROLES}
pg_ctl stop --wait --mode=fast
exec postgres "$@"
"""


@dataclass(frozen=True, kw_only=True)
class PostgresArgs:
    """Arguments of Postgres. `image` carries a digest, and has pgvector."""

    fleet: Fleet
    image: pulumi.Input[str]
    limits: Limits = LIMITS
    servers: Mapping[str, pulumi.Input[str]]
    """Passwords of the servers that have a database here, by name: letters, digits, `-` and `_`."""


@dataclass(frozen=True, kw_only=True)
class PostgresOutputs:
    """`urls`: connection strings by server, all of them secret."""

    urls: pulumi.Output[dict[str, str]]
    service_id: pulumi.Output[str]


class Postgres(pulumi.ComponentResource):
    """One PostgreSQL with its data on a volume. A server reaches its own database alone, as the owner of it."""

    def __init__(self, name: str, args: PostgresArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mcp-fleet:components:Postgres", name, {}, opts)
        volume = data_volume(name, args.fleet, self)
        files = ServiceFiles(parent=self, fleet=args.fleet, owner=name, user=USER)
        passwords: pulumi.Output[dict[str, str]] = pulumi.Output.all(**args.servers)
        service = swarm_service(
            SwarmService(
                fleet=args.fleet,
                name=name,
                image=args.image,
                command=("bash", "-euc", _START, "postgres", *_options()),
                user=USER,
                limits=args.limits,
                health=HealthCheck(probe=f"pg_isready --quiet --host=127.0.0.1 --port={PORT}"),
                secrets=[files.secret("roles", pulumi.Output.secret(passwords.apply(roles)), _ROLES)],
                configs=[files.config("access", access(), _ACCESS)],
                volumes={_DATA: volume.name},
                start_seconds=START_SECONDS,
                stop_seconds=STOP_SECONDS,
            ),
            parent=self,
        )
        self.outputs = PostgresOutputs(
            urls=pulumi.Output.secret(
                passwords.apply(lambda known: {server: url(name, server, known[server]) for server in known})
            ),
            service_id=service.id,
        )
        self.register_outputs(vars(self.outputs))


def role(server: str) -> str:
    """Return the name of a server's role, and of its database."""
    return f"mcp-{server}"


def url(host: str, server: str, password: str) -> str:
    """Return the connection string of a server's database
    (https://www.postgresql.org/docs/17/libpq-connect.html#LIBPQ-CONNSTRING-URIS)."""
    return f"postgresql://{role(server)}:{password}@{host}:{PORT}/{role(server)}"


def access() -> str:
    """Return who may connect to what (https://www.postgresql.org/docs/17/auth-pg-hba-conf.html)."""
    return "\n".join(
        [
            "local all all trust",  # only who is in the container, and may read the files themselves
            f"host all {_OWNER} all reject",
            "host sameuser all all scram-sha-256",
            "",
        ]
    )


def roles(passwords: Mapping[str, str]) -> str:
    """Return psql's script that makes what is missing, sets the passwords, and shuts out roles that have none.

    The database of a server that has no more password stays as it is.
    """
    servers = sorted(passwords)
    kept = ", ".join(f"'{role(server)}'" for server in servers) or "''"
    return "\n".join(
        [
            "SET log_min_error_statement = panic;",  # what fails would be logged, passwords and all
            "SELECT format('ALTER ROLE %I NOLOGIN', rolname) FROM pg_roles",
            f"WHERE rolname LIKE 'mcp-%' AND rolname NOT IN ({kept}) \\gexec",
            *(_role(role(server), passwords[server]) for server in servers),
            *(_database(role(server)) for server in servers),
            "",
        ]
    )


def _role(name: str, password: str) -> str:
    exists = f"SELECT FROM pg_roles WHERE rolname = '{name}'"
    return (
        f"""SELECT 'CREATE ROLE "{name}"' WHERE NOT EXISTS ({exists}) \\gexec\n"""
        f"""ALTER ROLE "{name}" LOGIN CONNECTION LIMIT {ROLE_CONNECTIONS} PASSWORD '{password}';"""
    )


def _database(name: str) -> str:
    exists = f"SELECT FROM pg_database WHERE datname = '{name}'"
    return (
        # Names of servers are letters, digits and hyphens; stacks/config.py sees to it.
        f"""SELECT 'CREATE DATABASE "{name}" OWNER "{name}"' WHERE NOT EXISTS ({exists}) \\gexec\n"""  # noqa: S608
        f"""REVOKE ALL ON DATABASE "{name}" FROM PUBLIC;\n"""
        f"""\\connect "{name}"\n"""
        "CREATE EXTENSION IF NOT EXISTS vector;\n"
        "ALTER EXTENSION vector UPDATE;"
    )


def _options() -> list[str]:
    return [f"--{name}={value}" for name, value in _SETTINGS.items()]
