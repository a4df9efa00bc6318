# Stands in for docker.io/library/python: `python` and `pip` in /usr/local/bin, packages installed under /usr/local.
ARG BASE
FROM ${BASE}
RUN --mount=type=cache,id=mcp-fleet-lists,target=/var/lib/apt/lists,sharing=locked --mount=type=tmpfs,target=/tmp \
    apt-get update \
 && apt-get install --yes --no-install-recommends netbase python3 python3-venv tzdata \
 && apt-get clean && rm -f /usr/lib/python3*/EXTERNALLY-MANAGED \
 && python3 "$(echo /usr/share/python-wheels/pip-*.whl)/pip" install --no-cache-dir --no-index \
      --find-links /usr/share/python-wheels pip \
 && ln -s /usr/bin/python3 /usr/local/bin/python \
 && ln -s /usr/bin/python3 /usr/local/bin/python3
COPY . /
ARG UV_HTTP_TIMEOUT
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt \
    NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt \
    UV_HTTP_TIMEOUT=${UV_HTTP_TIMEOUT}
CMD ["python3"]
