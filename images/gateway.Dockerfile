# The gateway and the policy service: Envoy, its agent, and what tells the agent who may call what.
ARG PYTHON=docker.io/library/python:3.13-slim-trixie

FROM ${PYTHON} AS build-tools
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --disable-pip-version-check --root-user-action=ignore uv==0.13.8
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON=/usr/local/bin/python3 UV_PYTHON_DOWNLOADS=never
# Compiled files that do not tell when: the image's times are all the same, and Python would compile anew at each start.
ENV PYC_INVALIDATION_MODE=UNCHECKED_HASH

FROM build-tools AS gateway-installed
COPY --from=gateway requirements.lock /source/gateway/requirements.lock
RUN --mount=type=cache,target=/root/.cache/uv \
    uv venv --quiet /opt/gateway \
 && uv pip install --quiet --python /opt/gateway --require-hashes --requirements /source/gateway/requirements.lock
COPY --from=wire . /source/wire
COPY --from=gateway . /source/gateway
RUN --mount=type=cache,target=/root/.cache/uv \
    uv pip install --quiet --python /opt/gateway --no-deps /source/wire /source/gateway \
 && find /opt/gateway -name uv_cache.json -delete -o -name RECORD -exec sed --in-place '/uv_cache.json/d' {} +

FROM ${PYTHON}
RUN echo 'mcp:x:10001:10001::/tmp:/usr/sbin/nologin' >> /etc/passwd && echo 'mcp:x:10001:' >> /etc/group
COPY --from=gateway-installed /opt/gateway /opt/gateway
ENV HOME=/tmp PATH=/opt/gateway/bin:$PATH PYTHONUNBUFFERED=1
USER 10001:10001
ENTRYPOINT ["/opt/gateway/bin/mcp-gateway"]
