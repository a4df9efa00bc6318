# One MCP server that is a container image, under the bridge: the image of its maker as it is, and one folder more. That
# folder has all that the bridge needs, down to the loader of shared libraries, as the image may have none of it.
# Everything above `bridge-collected` is the same in python, node and path.Dockerfile, and built once.
ARG PYTHON=docker.io/library/python:3.13-slim-trixie
ARG ORIGIN=scratch

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

FROM bridge-installed AS bridge-collected
RUN --mount=type=bind,source=collect_bridge.py,target=/collect_bridge.py \
    python3 /collect_bridge.py /opt/bridge/lib/python3.*/site-packages /opt/mcp-fleet \
 && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/mcp-fleet/lib/python3.* \
 && install --directory --owner 10001 --group 10001 /data

FROM ${ORIGIN}
COPY --link --from=bridge-collected /opt/mcp-fleet /opt/mcp-fleet
COPY --link --from=bridge-collected --chown=10001:10001 /data /data
ENV HOME=/tmp
STOPSIGNAL SIGTERM
USER 10001:10001
ENTRYPOINT ["/opt/mcp-fleet/lib/ld.so", "--library-path", "/opt/mcp-fleet/lib", "/opt/mcp-fleet/bin/python3", "-Iu", "/opt/mcp-fleet/bridge"]
CMD []
