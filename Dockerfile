# Two stages: one that builds with every development tool, and one that holds Node, one bundle and the migrations, and no shell.
ARG NODE_IMAGE=node:26-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
# Without install scripts: Node is in the image, and the client is generated below, once the schema is there.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY prisma prisma
COPY src src
RUN node prisma/generate.mjs && npm run --silent build
# All that the image holds beside Relatch: Node, the libraries that it is linked with, and names for a user and a host. No shell, no
# package manager, nothing to download with: who gets in finds nothing to go on with.
RUN mkdir -p /rootfs/etc /rootfs/tmp /rootfs/usr/local/bin && chmod 1777 /rootfs/tmp \
  && cp "$(command -v node)" /rootfs/usr/local/bin/node \
  && ldd /rootfs/usr/local/bin/node | grep -o '/lib[^ ]*' | xargs -I '{}' cp -L --parents '{}' /rootfs \
  && echo 'node:x:1000:1000::/app:' > /rootfs/etc/passwd && echo 'node:x:1000:' > /rootfs/etc/group \
  && echo 'hosts: files dns' > /rootfs/etc/nsswitch.conf \
  # docker exec … relatch schedules list
  && printf '#!/usr/local/bin/node\nimport("/app/dist/cli.js");\n' > /rootfs/usr/local/bin/relatch \
  && chmod 755 /rootfs/usr/local/bin/relatch

FROM scratch
COPY --from=build /rootfs /
ENV PATH=/usr/local/bin NODE_ENV=production NODE_OPTIONS=--enable-source-maps PORT=8080
WORKDIR /app
COPY package.json ./
COPY --from=build /build/prisma/migrations prisma/migrations
COPY --from=build /build/dist dist
# A number, by which Kubernetes sees that it is not root. No write to the file system is needed: run it with a read-only root.
USER 1000:1000
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/main.js"]
