# Stands in for docker.io/library/redis: redis-server and redis-cli, the user 999:1000 of the Alpine image, /data.
ARG BASE
FROM ${BASE}
RUN --mount=type=cache,id=mcp-fleet-lists,target=/var/lib/apt/lists,sharing=locked --mount=type=tmpfs,target=/tmp \
    groupadd --system --gid 1000 redis && useradd --system --uid 999 --gid redis --home-dir /data --shell /bin/sh redis \
 && apt-get update \
 && apt-get install --yes --no-install-recommends redis-server \
 && ln -s busybox /bin/wget \
 && mkdir -p /data && chown redis:redis /data \
 && apt-get clean
VOLUME ["/data"]
WORKDIR /data
EXPOSE 6379
CMD ["redis-server", "--protected-mode", "no"]
