# The base: another tag, or one with its digest (node:24-trixie-slim@sha256:...), by --build-arg NODE_IMAGE=...
ARG NODE_IMAGE=node:24-trixie-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No package needs its install scripts, so none is run.
RUN npm ci --ignore-scripts
COPY nest-cli.json tsconfig.json tsconfig.build.json ormconfig.ts ./
COPY src src
RUN npm run build

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts

FROM ${NODE_IMAGE}
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Mintgate" \
      org.opencontainers.image.description="OAuth 2.0 authorization server and OpenID Connect provider" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY bin bin
COPY package.json LICENSE ./
# Nothing is installed here any more. The data folder is all that the server may write to, and only when its database is the embedded one.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /usr/local/bin/yarn /usr/local/bin/yarnpkg /opt/yarn-* \
 && ln -s /app/bin/mintgate.cjs /usr/local/bin/mintgate \
 && mkdir -m 0700 data \
 && chown 10001:10001 data
USER 10001:10001
EXPOSE 3000
STOPSIGNAL SIGTERM
# Whether the process answers, not whether its database does: engines restart what is unhealthy.
HEALTHCHECK --interval=30s --timeout=6s --start-period=20s CMD ["node", "dist/src/cli/probe.js", "live"]
CMD ["node", "dist/src/main.js"]
