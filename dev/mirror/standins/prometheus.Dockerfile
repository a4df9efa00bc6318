# Stands in for docker.io/prom/prometheus: the user nobody, /prometheus. Without the web pages, and without promtool.
# From bullseye: later Debian builds leave Consul's service discovery out.
ARG BASE
FROM ${BASE}
RUN --mount=type=cache,id=mcp-fleet-bullseye-lists,target=/var/lib/apt/lists,sharing=locked --mount=type=tmpfs,target=/tmp \
    sed --quiet 's/ trixie main$/ bullseye main/p' /etc/apt/sources.list > /etc/apt/sources.list.d/bullseye.list \
 && apt-get update \
 && cd /tmp && apt-get download prometheus/bullseye \
 && dpkg-deb --extract prometheus_*.deb package \
 && install package/usr/bin/prometheus /bin/ \
 && ln -s busybox /bin/wget \
 && mkdir -p /prometheus /etc/prometheus \
 && cp package/etc/prometheus/prometheus.yml /etc/prometheus/ \
 && chown -R nobody:nogroup /prometheus /etc/prometheus \
 && rm /etc/apt/sources.list.d/bullseye.list \
 && prometheus --version
USER nobody
EXPOSE 9090
VOLUME ["/prometheus"]
WORKDIR /prometheus
CMD ["prometheus", "--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]
