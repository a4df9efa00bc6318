# Stands in for docker.io/hashicorp/consul, with the last Consul in Debian: that of bullseye, and nothing else from there.
ARG BASE
FROM ${BASE}
RUN --mount=type=cache,id=mcp-fleet-bullseye-lists,target=/var/lib/apt/lists,sharing=locked --mount=type=tmpfs,target=/tmp \
    sed --quiet 's/ trixie main$/ bullseye main/p' /etc/apt/sources.list > /etc/apt/sources.list.d/bullseye.list \
 && apt-get update \
 && cd /tmp && apt-get download consul/bullseye \
 && dpkg-deb --extract consul_*.deb package \
 && install package/usr/bin/consul /bin/consul \
 && ln -s busybox /bin/wget \
 && groupadd --system --gid 1000 consul && useradd --system --uid 100 --gid consul --home-dir /consul consul \
 && mkdir -p /consul/data /consul/config && chown -R consul:consul /consul \
 && rm /etc/apt/sources.list.d/bullseye.list \
 && consul version
VOLUME ["/consul/data"]
EXPOSE 8300 8301 8301/udp 8302 8302/udp 8500 8600 8600/udp
CMD ["consul", "agent", "-dev", "-client", "0.0.0.0"]
