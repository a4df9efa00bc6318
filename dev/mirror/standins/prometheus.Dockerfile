# Stands in for docker.io/prom/prometheus: prometheus and promtool, the user nobody, /prometheus. Without the web pages.
ARG BASE
FROM ${BASE}
RUN --mount=type=cache,id=mcp-fleet-lists,target=/var/lib/apt/lists,sharing=locked --mount=type=tmpfs,target=/tmp \
    apt-get update \
 && cd /tmp && apt-get download prometheus promtool \
 && for package in *.deb; do dpkg-deb --extract "$package" package; done \
 && install package/usr/bin/prometheus package/usr/bin/promtool /bin/ \
 && ln -s busybox /bin/wget \
 && mkdir -p /prometheus /etc/prometheus \
 && cp package/etc/prometheus/prometheus.yml /etc/prometheus/ \
 && chown -R nobody:nogroup /prometheus /etc/prometheus \
 && prometheus --version
USER nobody
EXPOSE 9090
VOLUME ["/prometheus"]
WORKDIR /prometheus
CMD ["prometheus", "--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]
