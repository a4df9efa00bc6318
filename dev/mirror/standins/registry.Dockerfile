# Stands in for docker.io/library/registry. As there, the volume belongs to root.
ARG BASE
FROM ${BASE}
RUN --mount=type=cache,id=mcp-fleet-lists,target=/var/lib/apt/lists,sharing=locked --mount=type=tmpfs,target=/tmp \
    apt-get update \
 && cd /tmp && apt-get download docker-registry \
 && dpkg-deb --extract docker-registry_*.deb package \
 && install package/usr/bin/docker-registry /bin/registry \
 && ln -s busybox /bin/wget \
 && mkdir -p /var/lib/registry /etc/distribution /etc/docker/registry \
 && printf '%s\n' 'version: 0.1' 'log: {fields: {service: registry}}' \
      'storage: {filesystem: {rootdirectory: /var/lib/registry}, delete: {enabled: true}}' \
      'http: {addr: ":5000"}' > /etc/distribution/config.yml \
 && ln -s /etc/distribution/config.yml /etc/docker/registry/config.yml
VOLUME ["/var/lib/registry"]
EXPOSE 5000
CMD ["registry", "serve", "/etc/distribution/config.yml"]
