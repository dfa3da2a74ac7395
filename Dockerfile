# Steward: `docker build .` makes one image for every role (api, worker, up and the command line).

FROM node:24.21.0-bookworm-slim AS deps
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund

FROM deps AS build
COPY . .
RUN npm run build

FROM deps AS prune
RUN npm prune --omit=dev --ignore-scripts --no-audit --no-fund
# The Temporal SDK brings its core for five platforms, 137 MB in all, and its Rust sources.
# Keep this platform's; fail here, not at the first start, when it is not among them.
RUN cd node_modules/@temporalio/core-bridge \
 && keep="$(uname -m)-unknown-linux-gnu" \
 && test -f "releases/$keep/index.node" \
 && find releases -mindepth 1 -maxdepth 1 ! -name "$keep" -exec rm -rf {} + \
 && rm -rf sdk-core src bridge-macros

FROM node:24.21.0-bookworm-slim AS runtime
# Runbooks reach hosts through the system's ssh and BMCs through its ipmitool. The ssh refuses a user without a passwd
# entry, hence useradd.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ipmitool openssh-client \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 10001 steward \
 && useradd --uid 10001 --gid 10001 --home-dir /app --no-create-home --shell /usr/sbin/nologin steward \
 && install --directory --owner steward --group steward --mode 0700 /var/lib/steward
ENV NODE_ENV=production
WORKDIR /app
# All of it belongs to root: the process cannot change its own program.
COPY package.json ./
COPY --from=prune /app/node_modules ./node_modules
COPY bin ./bin
COPY --from=build /app/dist ./dist
USER 10001:10001
EXPOSE 8774 8775 9464
# For the API; docker-compose.yml gives the worker its own.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8774/readyz', { signal: AbortSignal.timeout(4000) }).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "bin/steward.js"]
CMD ["api"]
