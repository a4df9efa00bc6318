# What all remote servers run: the bridge, and before it what speaks to the server.
# Everything above `server-installed` is the same in python, node and path.Dockerfile, and built once.
ARG PYTHON=docker.io/library/python:3.13-slim-trixie

FROM ${PYTHON} AS build-tools
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --disable-pip-version-check --root-user-action=ignore uv==0.13.8
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON=/usr/local/bin/python3 UV_PYTHON_DOWNLOADS=never
# Compiled files that do not tell when: the image's times are all the same, and Python would compile anew at each start.
ENV PYC_INVALIDATION_MODE=UNCHECKED_HASH

FROM build-tools AS bridge-installed
COPY --from=bridge requirements.lock /source/bridge/requirements.lock
RUN --mount=type=cache,target=/root/.cache/uv \
    uv venv --quiet /opt/bridge \
 && uv pip install --quiet --python /opt/bridge --require-hashes --requirements /source/bridge/requirements.lock
COPY --from=wire . /source/wire
COPY --from=bridge . /source/bridge
RUN --mount=type=cache,target=/root/.cache/uv \
    uv pip install --quiet --python /opt/bridge --no-deps /source/wire /source/bridge \
 && find /opt/bridge -name uv_cache.json -delete -o -name RECORD -exec sed --in-place '/uv_cache.json/d' {} +

FROM ${PYTHON} AS bridge-base
RUN echo 'mcp:x:10001:10001::/tmp:/usr/sbin/nologin' >> /etc/passwd \
 && echo 'mcp:x:10001:' >> /etc/group \
 && install --directory --owner 10001 --group 10001 /data
ARG PACKAGES
RUN if [ -n "${PACKAGES}" ]; then \
      apt-get update && apt-get install --yes --no-install-recommends ${PACKAGES} \
      && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/ldconfig/aux-cache /var/log/*; \
    fi
COPY --link --from=bridge-installed /opt/bridge /opt/bridge
ENV HOME=/tmp PATH=/opt/server/bin:$PATH PYTHONUNBUFFERED=1
ENTRYPOINT ["/opt/bridge/bin/mcp-bridge"]

FROM build-tools AS server-installed
COPY --from=remote requirements.lock /source/remote/requirements.lock
RUN --mount=type=cache,target=/root/.cache/uv \
    uv venv --quiet /opt/server \
 && uv pip install --quiet --python /opt/server --require-hashes --requirements /source/remote/requirements.lock
COPY --from=remote . /source/remote
RUN --mount=type=cache,target=/root/.cache/uv \
    uv pip install --quiet --python /opt/server --no-deps /source/remote \
 && find /opt/server -name uv_cache.json -delete -o -name RECORD -exec sed --in-place '/uv_cache.json/d' {} +

FROM bridge-base
COPY --link --from=server-installed /opt/server /opt/server
USER 10001:10001
