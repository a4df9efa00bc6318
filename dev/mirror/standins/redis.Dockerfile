# Stands in for docker.io/library/redis: redis-server and redis-cli, the user 999:1000 of the Alpine image, /data.
ARG BASE
FROM ${BASE}
RUN groupadd --system --gid 1000 redis && useradd --system --uid 999 --gid redis --home-dir /data --shell /bin/sh redis \
 && apt-get update \
 && apt-get install --yes --no-install-recommends redis-server \
 && ln -s busybox /bin/wget \
 && mkdir -p /data && chown redis:redis /data \
 && rm -rf /var/lib/apt/lists/*
VOLUME ["/data"]
WORKDIR /data
EXPOSE 6379
CMD ["redis-server", "--protected-mode", "no"]
