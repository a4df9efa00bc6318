# Stands in for docker.io/pgvector/pgvector:…-pg17: PostgreSQL 17 with pgvector, the user 999:999, /var/lib/postgresql/data.
ARG BASE
FROM ${BASE}
RUN --mount=type=cache,id=mcp-fleet-lists,target=/var/lib/apt/lists,sharing=locked --mount=type=tmpfs,target=/tmp \
    groupadd --system --gid 999 postgres \
 && useradd --system --uid 999 --gid postgres --home-dir /var/lib/postgresql --shell /bin/bash postgres \
 && mkdir -p /etc/postgresql-common && echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf \
 && apt-get update \
 && apt-get install --yes --no-install-recommends postgresql-17 postgresql-17-pgvector \
 && install --directory --owner postgres --group postgres --mode 1777 /var/lib/postgresql/data \
 && apt-get clean
ENV PATH=$PATH:/usr/lib/postgresql/17/bin
VOLUME ["/var/lib/postgresql/data"]
STOPSIGNAL SIGINT
EXPOSE 5432
CMD ["postgres"]
