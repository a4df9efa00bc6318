# Stands in for docker.io/oliver006/redis_exporter (its Alpine variant): the program in the root, the user 59000.
ARG BASE
FROM ${BASE}
RUN --mount=type=cache,id=mcp-fleet-lists,target=/var/lib/apt/lists,sharing=locked --mount=type=tmpfs,target=/tmp \
    apt-get update \
 && cd /tmp && apt-get download prometheus-redis-exporter \
 && dpkg-deb --extract prometheus-redis-exporter_*.deb package \
 && install package/usr/bin/prometheus-redis-exporter /redis_exporter \
 && ln -s /redis_exporter /bin/redis_exporter \
 && ln -s busybox /bin/wget \
 && /redis_exporter --version
USER 59000:59000
EXPOSE 9121
CMD ["/redis_exporter"]
