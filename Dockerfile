# Two stages: one that builds with every development tool, and one that holds Node, one bundle and the migrations.
ARG NODE_IMAGE=node:26-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
# Without install scripts: Node is in the image, and the client is generated below, once the schema is there.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY prisma prisma
COPY src src
RUN node prisma/generate.mjs && npm run --silent build

FROM ${NODE_IMAGE}
ENV NODE_ENV=production NODE_OPTIONS=--enable-source-maps PORT=8080
WORKDIR /app
COPY package.json ./
COPY --from=build /build/prisma/migrations prisma/migrations
COPY --from=build /build/dist dist
# docker exec … relatch schedules list
RUN printf '#!/bin/sh\nexec node /app/dist/cli.js "$@"\n' > /usr/local/bin/relatch && chmod 755 /usr/local/bin/relatch
# No write to the file system is needed: run it with a read-only root.
USER node
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/main.js"]
